//! Every row of the rules, every boundary, and every small state at once.

use std::net::IpAddr;

use proptest::prelude::*;

use super::*;

const N: u64 = 7;
const GENERATION: u64 = 3;

fn now() -> Timestamp {
    "2026-12-31T23:59:55Z".parse().unwrap()
}

fn origin(address: &str, user_agent: &str) -> ClientOrigin {
    ClientOrigin::from_stored(address.parse::<IpAddr>().ok(), Some(user_agent))
}

fn home() -> ClientOrigin {
    origin("192.0.2.0", "film/1")
}

/// Another network.
fn nearby() -> ClientOrigin {
    origin("198.51.100.0", "film/1")
}

/// Another network and another program.
fn away() -> ClientOrigin {
    origin("198.51.100.0", "film/2")
}

fn ago(seconds: i64) -> Timestamp {
    now() - SignedDuration::from_secs(seconds)
}

fn stored() -> SessionState {
    SessionState {
        key: 1,
        counter: N,
        revoked_below: 0,
        is_revoked: false,
        deployment_generation: GENERATION,
        is_user_active: true,
        idle_expires_at: now() + SignedDuration::from_hours(1),
        expires_at: now() + SignedDuration::from_hours(2),
        rotation: Some(Rotation { at: ago(3600), origin: home(), concurrent: 0 }),
        opened_from: home(),
        device: None,
        is_device_returned: false,
        nearby: Vec::new(),
        elsewhere: Vec::new(),
    }
}

fn rotated(seconds_ago: i64) -> SessionState {
    SessionState {
        rotation: Some(Rotation { at: ago(seconds_ago), origin: home(), concurrent: 0 }),
        ..stored()
    }
}

fn request(origin: ClientOrigin) -> RequestFacts {
    RequestFacts { now: now(), deployment_generation: GENERATION, origin, device: None }
}

fn decide_from(stored: &SessionState, counter: u64, origin: ClientOrigin) -> RefreshDecision {
    decide(Some(stored), Presented { key: 1, counter }, &request(origin))
}

fn at_home(stored: &SessionState, counter: u64) -> RefreshDecision {
    decide_from(stored, counter, home())
}

fn elsewhere(stored: &SessionState, counter: u64) -> RefreshDecision {
    decide_from(stored, counter, away())
}

const UNKNOWN: RefreshDecision = RefreshDecision::Refuse(RefreshRefusal::Unknown);
const REVOKED: RefreshDecision = RefreshDecision::Refuse(RefreshRefusal::Revoked);
const EXPIRED: RefreshDecision = RefreshDecision::Refuse(RefreshRefusal::Expired);
const AHEAD: RefreshDecision = RefreshDecision::Refuse(RefreshRefusal::Ahead);
const CONCURRENTLY: RefreshDecision = again(Again::Concurrent, Distance::Same);
const CONCURRENTLY_ELSEWHERE: RefreshDecision = again(Again::Concurrent, Distance::Elsewhere);
const RETRIED: RefreshDecision = again(Again::Retry, Distance::Same);
const RETRIED_NEARBY: RefreshDecision = again(Again::Retry, Distance::Nearby);
const RETRIED_ELSEWHERE: RefreshDecision = again(Again::Retry, Distance::Elsewhere);

const fn again(again: Again, distance: Distance) -> RefreshDecision {
    RefreshDecision::Again { again, distance }
}

fn rotate(counter: u64, recovered: bool) -> RefreshDecision {
    RefreshDecision::Rotate { counter, recovered, distance: Distance::Same }
}

#[test]
fn a_session_that_is_not_there_is_unknown() {
    let request = request(home());
    assert_eq!(decide(None, Presented { key: 1, counter: N }, &request), UNKNOWN);
    assert_eq!(decide(Some(&stored()), Presented { key: 2, counter: N }, &request), UNKNOWN);
}

#[test]
fn a_session_from_before_all_were_revoked_issues_no_tokens_whatever_is_presented() {
    let stored = SessionState { deployment_generation: GENERATION - 1, ..rotated(1) };
    for counter in 0..N + 5 {
        assert_eq!(at_home(&stored, counter), REVOKED);
    }
}

#[test]
fn a_revoked_session_issues_no_tokens_whatever_is_presented() {
    let stored = SessionState { is_revoked: true, ..rotated(1) };
    for counter in 0..N + 5 {
        assert_eq!(at_home(&stored, counter), REVOKED);
    }
}

#[test]
fn a_disabled_user_gets_nothing_whatever_is_presented() {
    let stored = SessionState { is_user_active: false, ..rotated(1) };
    for counter in 0..N + 5 {
        assert_eq!(at_home(&stored, counter), REVOKED);
    }
}

#[test]
fn both_ends_end_a_session_to_the_moment() {
    let nanosecond = SignedDuration::from_nanos(1);
    for (idle, absolute, outcome) in [
        (now(), now() + nanosecond, EXPIRED),
        (now() + nanosecond, now(), EXPIRED),
        (now() + nanosecond, now() + nanosecond, rotate(N + 1, false)),
    ] {
        let stored = SessionState { idle_expires_at: idle, expires_at: absolute, ..stored() };
        assert_eq!(at_home(&stored, N), outcome);
    }
}

#[test]
fn an_expired_session_is_not_ended_as_reused() {
    let stored = SessionState { idle_expires_at: ago(1), ..stored() };
    assert_eq!(at_home(&stored, N - 2), EXPIRED);
}

#[test]
fn revoked_wins_over_expired() {
    let stored = SessionState { is_revoked: true, expires_at: ago(1), ..stored() };
    assert_eq!(at_home(&stored, N), REVOKED);
}

#[test]
fn tokens_withdrawn_by_a_change_of_credentials_are_dead_but_end_nothing() {
    let stored = SessionState { revoked_below: N, ..rotated(1) };
    for counter in 0..N {
        assert_eq!(at_home(&stored, counter), REVOKED);
        assert_eq!(elsewhere(&stored, counter), REVOKED);
    }
    assert_eq!(at_home(&stored, N), rotate(N + 1, false));
}

#[test]
fn the_newest_child_rotates_from_anywhere() {
    assert_eq!(at_home(&stored(), N), rotate(N + 1, false));
    let far = RefreshDecision::Rotate { counter: N + 1, recovered: false, distance: Distance::Elsewhere };
    let full = SessionState { elsewhere: vec![ago(1); 3], ..stored() };
    assert_eq!(elsewhere(&full, N), far);
    let first = SessionState { counter: 0, rotation: None, ..stored() };
    assert_eq!(at_home(&first, 0), rotate(1, false));
    // Before the first rotation a request is compared with the sign-in.
    let distance = Distance::Nearby;
    assert_eq!(
        decide_from(&first, 0, nearby()),
        RefreshDecision::Rotate { counter: 1, recovered: false, distance }
    );
}

#[test]
fn the_parent_is_concurrent_for_ten_seconds_from_anywhere() {
    for seconds in [-5, 0, 1, 10] {
        assert_eq!(at_home(&rotated(seconds), N - 1), CONCURRENTLY);
        assert_eq!(elsewhere(&rotated(seconds), N - 1), CONCURRENTLY_ELSEWHERE);
    }
    assert_eq!(at_home(&rotated(11), N - 1), RETRIED);
    assert_eq!(elsewhere(&rotated(11), N - 1), RETRIED_ELSEWHERE);
}

#[test]
fn concurrent_refreshes_are_accepted_two_hundred_times() {
    let mut stored = rotated(1);
    for (given, outcome) in
        [(0, CONCURRENTLY_ELSEWHERE), (199, CONCURRENTLY_ELSEWHERE), (200, RETRIED_ELSEWHERE)]
    {
        stored.rotation.as_mut().unwrap().concurrent = given;
        assert_eq!(elsewhere(&stored, N - 1), outcome);
    }
    assert_eq!(at_home(&stored, N - 1), RETRIED);
    stored.elsewhere = vec![ago(1); 3];
    assert_eq!(elsewhere(&stored, N - 1), RefreshDecision::Reuse);
}

#[test]
fn a_lost_response_is_repeated_for_five_minutes() {
    for seconds in [11, 60, 299, 300] {
        assert_eq!(at_home(&rotated(seconds), N - 1), RETRIED);
        assert_eq!(elsewhere(&rotated(seconds), N - 1), RETRIED_ELSEWHERE);
    }
    assert_eq!(at_home(&rotated(301), N - 1), RefreshDecision::Reuse);
    assert_eq!(elsewhere(&rotated(301), N - 1), RefreshDecision::Reuse);
}

#[test]
fn repeats_from_another_origin_are_limited_by_the_day_also_within_ten_seconds() {
    let day = 24 * 3600;
    for age in [1, 60] {
        for (most, origin, distance) in [(3, away(), Distance::Elsewhere), (20, nearby(), Distance::Nearby)] {
            let accepted =
                if age == 1 { again(Again::Concurrent, distance) } else { again(Again::Retry, distance) };
            let with = |times: Vec<Timestamp>| match distance {
                Distance::Nearby => {
                    SessionState { nearby: times, elsewhere: vec![ago(60); 3], ..rotated(age) }
                }
                _ => SessionState { elsewhere: times, nearby: vec![ago(60); 20], ..rotated(age) },
            };
            let full = vec![ago(60); most];
            let oldest = |seconds| [vec![ago(seconds)], vec![ago(60); most - 1]].concat();
            for (times, outcome) in [
                (vec![ago(60); most - 1], accepted),
                (full, RefreshDecision::Reuse),
                (oldest(day), accepted),
                (oldest(day - 1), RefreshDecision::Reuse),
            ] {
                assert_eq!(decide_from(&with(times), N - 1, origin.clone()), outcome, "{distance:?} {age}");
            }
            // The origin that rotated is never limited.
            assert!(matches!(at_home(&with(vec![ago(60); most]), N - 1), RefreshDecision::Again { .. }));
        }
    }
}

#[test]
fn another_program_on_the_same_network_is_nearby() {
    let other = origin("192.0.2.0", "film/2");
    assert_eq!(decide_from(&rotated(60), N - 1, other), RETRIED_NEARBY);
}

#[test]
fn the_device_of_the_session_is_at_home_anywhere() {
    let mark = |byte| DeviceMark::from_stored(&[byte; 16]);
    let on = |device, sent, origin| {
        let stored =
            SessionState { device, elsewhere: vec![ago(60); 3], nearby: vec![ago(60); 20], ..rotated(60) };
        decide(
            Some(&stored),
            Presented { key: 1, counter: N - 1 },
            &RequestFacts { device: sent, ..request(origin) },
        )
    };
    for origin in [home(), nearby(), away()] {
        assert_eq!(on(mark(1), mark(1), origin), RETRIED);
    }
    for (device, sent) in [(mark(1), mark(2)), (mark(1), None), (None, mark(2)), (None, None)] {
        assert_eq!(on(device, sent, away()), RefreshDecision::Reuse, "{device:?} {sent:?}");
        assert_eq!(on(device, sent, nearby()), RefreshDecision::Reuse, "{device:?} {sent:?}");
        assert_eq!(on(device, sent, home()), RETRIED, "{device:?} {sent:?}");
    }
}

#[test]
fn as_many_repeats_are_stored_as_the_rule_needs() {
    let mut stored = stored();
    for number in 0..50 {
        stored.note_repeat(Distance::Nearby, ago(-number));
        stored.note_repeat(Distance::Elsewhere, ago(-number));
        stored.note_repeat(Distance::Same, ago(-number));
    }
    assert_eq!((stored.nearby.len(), stored.elsewhere.len()), (20, 3));
    assert_eq!((stored.nearby[19], stored.elsewhere[0]), (ago(-49), ago(-47)));
}

#[test]
fn a_small_lead_is_recovered_and_a_larger_one_refused() {
    assert_eq!(at_home(&stored(), N + 1), rotate(N + 2, true));
    assert_eq!(at_home(&stored(), N + 2), rotate(N + 3, true));
    assert_eq!(at_home(&stored(), N + 3), AHEAD);
    assert_eq!(at_home(&stored(), u64::MAX), AHEAD);
}

#[test]
fn the_last_counter_does_not_overflow() {
    let stored = SessionState { counter: u64::MAX, ..stored() };
    assert_eq!(at_home(&stored, u64::MAX), AHEAD);
}

#[test]
fn grandparents_and_older_are_reuse() {
    for counter in 0..N - 1 {
        assert_eq!(at_home(&rotated(1), counter), RefreshDecision::Reuse);
    }
}

#[test]
fn a_parent_without_a_rotation_is_reuse() {
    let stored = SessionState { rotation: None, ..stored() };
    assert_eq!(at_home(&stored, N - 1), RefreshDecision::Reuse);
}

#[test]
fn parallel_refreshes_converge_on_one_child() {
    let first = at_home(&stored(), N);
    assert_eq!(first, rotate(N + 1, false));
    let after = SessionState { counter: N + 1, ..rotated(0) };
    for _ in 0..50 {
        assert_eq!(at_home(&after, N), CONCURRENTLY);
    }
}

/// Every combination of small values, checked against the properties that hold for all of them.
#[test]
fn no_small_state_breaks_a_promise() {
    let flags = [false, true];
    for (n, c) in (0..5).flat_map(|n| (0..9).map(move |c| (n, c))) {
        for (is_revoked, is_user_active) in flags.iter().flat_map(|a| flags.map(|b| (*a, b))) {
            for (idle, age, below, times) in states() {
                let rotation = Rotation { at: ago(age), origin: home(), concurrent: 0 };
                let stored = SessionState {
                    counter: n,
                    revoked_below: below,
                    is_revoked,
                    is_user_active,
                    idle_expires_at: ago(-idle),
                    rotation: (n > 0).then_some(rotation),
                    elsewhere: vec![ago(5); times],
                    ..stored()
                };
                for origin in [home(), nearby(), away()] {
                    hold_promises(&stored, c, decide_from(&stored, c, origin));
                }
            }
        }
    }
}

fn states() -> impl Iterator<Item = (i64, i64, u64, usize)> {
    let idles = [-1, 0, 1];
    let ages = [0, 10, 11, 300, 301];
    idles.into_iter().flat_map(move |idle| {
        ages.into_iter().flat_map(move |age| {
            [0, 2].into_iter().flat_map(move |below| [0, 3].map(move |times| (idle, age, below, times)))
        })
    })
}

fn hold_promises(stored: &SessionState, c: u64, outcome: RefreshDecision) {
    let is_dead = stored.is_revoked || !stored.is_user_active || stored.idle_expires_at <= now();
    let n = stored.counter;
    match outcome {
        RefreshDecision::Rotate { counter, recovered, .. } => {
            assert!(!is_dead && counter == c + 1 && counter > n && counter <= n + 3, "{stored:?} {c}");
            assert_eq!(recovered, c > n);
        }
        RefreshDecision::Again { distance, .. } => {
            assert!(distance != Distance::Elsewhere || stored.elsewhere.len() < 3, "{stored:?} {c}");
            assert!(!is_dead && c + 1 == n && c >= stored.revoked_below, "{stored:?} {c}");
        }
        RefreshDecision::Refuse(RefreshRefusal::Ahead) => assert!(!is_dead && c > n + 2),
        RefreshDecision::Refuse(_) => assert!(is_dead || c < stored.revoked_below, "{stored:?} {c}"),
        RefreshDecision::Reuse => assert!(!is_dead && c < n, "{stored:?} {c}"),
    }
}

proptest! {
    #[test]
    fn any_counters_are_decided_without_panic(n: u64, c: u64, below: u64, age in -1000_i64..1000) {
        let stored = SessionState { counter: n, revoked_below: below, ..rotated(age) };
        let outcome = at_home(&stored, c);
        if let RefreshDecision::Rotate { counter, .. } = outcome {
            prop_assert!(counter > n && c >= n);
        }
    }
}
