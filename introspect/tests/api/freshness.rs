//! How old the knowledge about revocations may be, and what each policy makes of it.

use shared::revocation::{Kind, Reason};

use crate::support::log::record;
use crate::support::{Answer, Proxy, Setup, Sidecar, redis_url, wait_until};

fn state(sidecar: &Sidecar, name: &str) -> bool {
    sidecar.metric(&format!("usher_introspect_state{{state=\"{name}\"}}")) == 1
}

fn freshness(answer: &Answer) -> &str {
    answer.header("x-auth-freshness").expect("allowed with a token")
}

/// Waits until the last certificate is older than usual policies accept.
fn wait_stale(sidecar: &Sidecar) {
    wait_until("stale", || state(sidecar, "stale"));
}

#[test]
fn while_heartbeats_come_every_policy_is_met() {
    let sidecar = Sidecar::start();
    let token = sidecar.token();
    for policy in ["user", "user;stale=300s", "user;fresh=1s"] {
        let answer = sidecar.ask_with(policy, &token);
        assert_eq!((answer.status, freshness(&answer)), (204, "fresh"), "{policy}");
    }
    assert!(state(&sidecar, "fresh") && !state(&sidecar, "stale"));
}

#[test]
fn without_heartbeats_only_locations_that_accept_it_are_served_and_nobody_is_signed_out() {
    let sidecar = Sidecar::start();
    let (claims, token) = (sidecar.claims(), sidecar.token());
    let gone = sidecar.mint.token(&claims);
    sidecar.log.append(&[record(Kind::Session, claims["sid"].as_str().unwrap(), Reason::Revoked, 0)]);
    sidecar.wait_for(&gone, 401);
    sidecar.log.pause_heartbeats(true);
    wait_stale(&sidecar);
    sidecar.ask_with("user", &token).is_undecided();
    sidecar.ask_with("user;fresh=1s", &token).is_undecided();
    let answer = sidecar.ask_with("user;stale=300s", &token);
    assert_eq!(answer.status, 204);
    assert!(freshness(&answer).starts_with("stale;age="), "{answer:?}");
    // What is known to be revoked is refused whatever the policy accepts.
    sidecar.ask_with("user;stale=300s", &gone).is_unauthorized("token_revoked");
    sidecar.ask("anonymous", &[]).is_allowed_anonymously();
    assert_eq!(sidecar.ask("user", &[]).status, 401);
    let ready = sidecar.operations("/health/ready");
    assert!(ready.status == 200 && ready.body.contains("\"state\":\"stale\""), "{ready:?}");
    sidecar.log.pause_heartbeats(false);
    sidecar.wait_for(&token, 204);
    assert!(state(&sidecar, "fresh"));
}

#[test]
fn a_policy_that_demands_less_than_usual_is_refused_before_the_others() {
    let sidecar = Sidecar::start();
    let token = sidecar.token();
    sidecar.log.pause_heartbeats(true);
    wait_until("over a second old", || sidecar.ask_with("user;fresh=1s", &token).status == 404);
    let name = "usher_introspect_decisions_total{code=\"dependency_unavailable\",reason=\"stale\"}";
    assert!(sidecar.metric(name) > 0);
    wait_until("late seconds are counted", || {
        let text = sidecar.operations("/metrics").body;
        let late = text
            .lines()
            .find_map(|line| line.strip_prefix("usher_introspect_revocations_late_seconds_total "));
        late.is_some_and(|late| late.parse::<f64>().unwrap() > 0.1)
    });
}

#[test]
fn a_sidecar_cut_off_from_redis_becomes_stale_and_recovers() {
    let (proxy, url) = Proxy::before(&redis_url()).unwrap();
    let sidecar = Setup::new().with("REDIS_URL", url).start();
    let token = sidecar.token();
    for silent in [true, false] {
        if silent {
            proxy.silence();
        } else {
            proxy.refuse();
        }
        sidecar.wait_for(&token, 404);
        assert_eq!(sidecar.ask_with("user;stale=300s", &token).status, 204);
        proxy.restore();
        sidecar.wait_for(&token, 204);
    }
}

#[test]
fn clocks_that_are_minutes_apart_certify_nothing() {
    let sidecar = Sidecar::start();
    let token = sidecar.token();
    sidecar.clock.advance(60);
    sidecar.wait_for(&token, 204);
    sidecar.clock.advance(120);
    sidecar.wait_for(&token, 404);
    let name = "usher_introspect_feed_anomalies_total{kind=\"clock\"}";
    wait_until("it is counted", || sidecar.metric(name) > 0);
}

#[test]
fn the_log_of_an_earlier_release_is_enough_for_usual_policies_until_a_heartbeat_came() {
    let setup = Setup::new();
    setup.log.begin(1, &[]);
    setup.log.forget_history();
    let sidecar = setup.start();
    let (claims, token) = (sidecar.claims(), sidecar.token());
    assert_eq!(freshness(&sidecar.ask_with("user", &token)), "uncertified");
    assert!(state(&sidecar, "uncertified"));
    sidecar.ask_with("user;fresh=1s", &token).is_undecided();
    let gone = sidecar.mint.token(&claims);
    sidecar.log.append(&[record(Kind::Session, claims["sid"].as_str().unwrap(), Reason::Revoked, 0)]);
    sidecar.wait_for(&gone, 401);
    // The upgraded relay begins a new epoch, and never has one been certified before.
    sidecar.log.begin(2, &[]);
    wait_until("fresh", || state(&sidecar, "fresh"));
    assert_eq!(freshness(&sidecar.ask_with("user;fresh=1s", &token)), "fresh");
    sidecar.log.begin(3, &[]);
    sidecar.log.forget_history();
    sidecar.wait_for(&token, 404);
}
