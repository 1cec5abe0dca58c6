//! The set compared with a simple model, with concurrent readers, and measured for memory and time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use proptest::prelude::*;

use super::*;

const NOW: u64 = 1_800_000_000;
const LEEWAY: u64 = 5;
/// How many names the property test uses.
const NUMBERS: u64 = 8;

fn key(number: u64) -> RecordKey {
    RecordKey::new("test", Kind::Token, &number.to_string())
}

fn record(kind: Kind, reason: Reason, key: RecordKey, argument: u64, until: u64) -> Record {
    Record { kind, reason, until: Until::at(until), key, argument }
}

fn token(jti: u64, sid: u64, user: u64, generation: u64, kid: u64) -> VerifiedToken {
    VerifiedToken {
        subject: "someone".to_owned(),
        session: None,
        audiences: Vec::new(),
        roles: Vec::new(),
        issued_at: NOW,
        expires_at: NOW + 900,
        auth_time: Some(NOW),
        by_password: true,
        generation,
        deployment_generation: generation,
        token_key: Some(key(jti)),
        session_key: Some(key(sid)),
        user_key: key(user),
        signing_key: key(kid),
    }
}

fn set() -> Revoked {
    let revoked = Revoked::new(LEEWAY);
    revoked.purge(NOW);
    revoked
}

fn standing(revoked: &Revoked, token: &VerifiedToken) -> RevocationStatus {
    revoked.status(token, &revoked.marks(token))
}

#[test]
fn each_kind_refuses_what_it_names_and_nothing_else() {
    for (kind, number) in [(Kind::Token, 1), (Kind::Session, 2), (Kind::User, 3), (Kind::Key, 4)] {
        let revoked = set();
        revoked.apply(&record(kind, Reason::Revoked, key(number), 6, NOW + 900));
        assert_eq!(standing(&revoked, &token(1, 2, 3, 5, 4)), RevocationStatus::Revoked, "{kind:?}");
        assert_eq!(standing(&revoked, &token(11, 12, 13, 5, 14)), RevocationStatus::NotRevoked, "{kind:?}");
        assert_eq!(revoked.count(), 1);
    }
}

#[test]
fn generations_refuse_only_what_lies_below_them() {
    let revoked = set();
    revoked.apply(&record(Kind::User, Reason::Revoked, key(3), 6, NOW + 900));
    assert_eq!(standing(&revoked, &token(1, 2, 3, 6, 4)), RevocationStatus::NotRevoked);
    revoked.apply(&record(Kind::Everything, Reason::Revoked, RecordKey::ZERO, 7, NOW + 900));
    assert_eq!(standing(&revoked, &token(1, 2, 3, 6, 4)), RevocationStatus::Revoked);
    assert_eq!(standing(&revoked, &token(1, 2, 3, 7, 4)), RevocationStatus::NotRevoked);
}

#[test]
fn revoked_wins_over_refresh_needed_only_where_both_refuse() {
    let revoked = set();
    revoked.apply(&record(Kind::User, Reason::RefreshNeeded, key(3), 9, NOW + 900));
    revoked.apply(&record(Kind::User, Reason::Revoked, key(3), 5, NOW + 900));
    assert_eq!(standing(&revoked, &token(1, 2, 3, 4, 4)), RevocationStatus::Revoked);
    assert_eq!(standing(&revoked, &token(1, 2, 3, 5, 4)), RevocationStatus::RefreshNeeded);
    assert_eq!(standing(&revoked, &token(1, 2, 3, 9, 4)), RevocationStatus::NotRevoked);
}

#[test]
fn a_session_revoked_stays_so_when_a_refresh_is_asked_for_later() {
    let revoked = set();
    revoked.apply(&record(Kind::Session, Reason::Revoked, key(2), 0, NOW + 900));
    revoked.apply(&record(Kind::Session, Reason::RefreshNeeded, key(2), 0, NOW + 1800));
    assert_eq!(standing(&revoked, &token(1, 2, 3, 4, 4)), RevocationStatus::Revoked);
    revoked.purge(NOW + 1200);
    assert_eq!(standing(&revoked, &token(1, 2, 3, 4, 4)), RevocationStatus::Revoked);
}

#[test]
fn a_killed_key_and_a_never_ending_record_outlive_every_purge() {
    let revoked = set();
    revoked.apply(&record(Kind::Key, Reason::Revoked, key(4), 0, NOW));
    let forever = Record { until: Until::Never, ..record(Kind::Token, Reason::Revoked, key(1), 0, 0) };
    revoked.apply(&forever);
    for hours in 0..100 {
        revoked.purge(NOW + hours * 3600);
    }
    assert_eq!(standing(&revoked, &token(1, 2, 3, 5, 40)), RevocationStatus::Revoked);
    assert_eq!(standing(&revoked, &token(10, 2, 3, 5, 4)), RevocationStatus::Revoked);
}

#[test]
fn expired_records_take_no_memory() {
    let revoked = set();
    revoked.apply(&record(Kind::Token, Reason::Revoked, key(1), 0, NOW - 700));
    assert!(revoked.count() == 0);
    for number in 0..50_000 {
        revoked.apply(&record(Kind::Token, Reason::Revoked, key(number), 0, NOW + number % 3600));
    }
    let full = revoked.bytes();
    revoked.purge(NOW + 3600 + 600 + LEEWAY);
    assert!(revoked.count() == 0);
    assert!(revoked.bytes() * 20 < full);
}

#[test]
fn a_clock_that_steps_back_does_not_bring_anything_back_to_life() {
    let revoked = set();
    revoked.apply(&record(Kind::Token, Reason::Revoked, key(1), 0, NOW + 900));
    revoked.purge(NOW - 100_000);
    revoked.apply(&record(Kind::Token, Reason::Revoked, key(2), 0, NOW + 900));
    revoked.purge(NOW + 600);
    assert_eq!(standing(&revoked, &token(1, 9, 3, 5, 4)), RevocationStatus::Revoked);
    assert_eq!(standing(&revoked, &token(2, 9, 3, 5, 4)), RevocationStatus::Revoked);
}

#[test]
fn a_million_of_either_kind_take_at_most_32_bytes_each() {
    const MANY: u64 = 1_000_000;
    for kind in [Kind::Session, Kind::User] {
        let revoked = set();
        let mut most = 0.0_f64;
        for number in 0..MANY {
            let key = RecordKey::from_bytes(u128::from(number).to_be_bytes());
            revoked.apply(&record(kind, Reason::Revoked, key, 1, NOW + 900));
            if number > MANY / 2 && number % 1000 == 0 {
                most = most.max(revoked.bytes() as f64 / revoked.count() as f64);
            }
        }
        assert_eq!(revoked.count() as u64, MANY);
        assert!(most <= 32.0, "{kind:?}: {most} bytes");
    }
}

#[test]
fn readers_see_every_applied_record_while_the_tables_grow() {
    let revoked = Arc::new(set());
    let applied = Arc::new(AtomicU64::new(0));
    let done = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..2)
        .map(|seed| {
            let (revoked, applied, done) = (Arc::clone(&revoked), Arc::clone(&applied), Arc::clone(&done));
            std::thread::spawn(move || {
                let mut step = seed;
                while !done.load(Ordering::Acquire) {
                    let bound = applied.load(Ordering::Acquire);
                    step += 7919;
                    if bound > 0 {
                        let number = step % bound;
                        let user = token(1 << 40, 1 << 41, number, 0, 1 << 42);
                        assert_eq!(
                            standing(&revoked, &user),
                            RevocationStatus::Revoked,
                            "{number} of {bound}"
                        );
                        let stranger = token(1 << 40, 1 << 41, number + (1 << 43), 0, 1 << 42);
                        assert_eq!(standing(&revoked, &stranger), RevocationStatus::NotRevoked);
                    }
                }
            })
        })
        .collect();
    for number in 0..40_000 {
        revoked.apply(&record(
            Kind::User,
            Reason::Revoked,
            key(number),
            1 + number,
            NOW + 900 + number % 1800,
        ));
        applied.store(number + 1, Ordering::Release);
    }
    done.store(true, Ordering::Release);
    for reader in readers {
        reader.join().unwrap();
    }
}

/// A model of the set: every record that was ever applied, examined one by one.
#[derive(Default)]
struct Model(Vec<Record>);

impl Model {
    /// The worst that the records not expired at `now` say about a token with these numbers.
    fn standing(&self, number: u64, generation: u64, now: u64) -> RevocationStatus {
        let says = |reason| {
            self.0.iter().any(|record| {
                let meant = record.reason == reason && record.key == key(number);
                let refuses = record.kind != Kind::User || generation < record.argument;
                let is_needed = match record.until {
                    Until::At(second) => u64::from(second) > now.saturating_sub(LEEWAY),
                    Until::Never => true,
                };
                meant && refuses && is_needed
            })
        };
        match (says(Reason::Revoked), says(Reason::RefreshNeeded)) {
            (true, _) => RevocationStatus::Revoked,
            (false, true) => RevocationStatus::RefreshNeeded,
            (false, false) => RevocationStatus::NotRevoked,
        }
    }
}

#[derive(Debug, Clone)]
enum Step {
    Apply(Kind, Reason, u64, u64, u64),
    Pass(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let kinds = prop_oneof![Just(Kind::Token), Just(Kind::Session), Just(Kind::User)];
    let reasons = prop_oneof![Just(Reason::Revoked), Just(Reason::RefreshNeeded)];
    let apply = (kinds, reasons, 0..NUMBERS, 0..4_u64, 0..12_000_u64)
        .prop_map(|(kind, reason, key, argument, life)| Step::Apply(kind, reason, key, argument, life));
    let pass = prop_oneof![0..900_u64, 0..20_000_u64].prop_map(Step::Pass);
    proptest::collection::vec(prop_oneof![8 => apply, 1 => pass], 0..100)
}

proptest! {
    #[test]
    fn nothing_is_forgotten_early_and_nothing_is_made_up(steps in steps()) {
        let revoked = set();
        let mut model = Model::default();
        let mut now = NOW;
        for step in steps {
            match step {
                Step::Apply(kind, reason, number, argument, life) => {
                    let record = record(kind, reason, key(number), argument, now + life);
                    revoked.apply(&record);
                    model.0.push(record);
                    continue;
                }
                Step::Pass(seconds) => {
                    now += seconds;
                    revoked.purge(now);
                }
            }
            for (number, generation) in (0..NUMBERS).flat_map(|number| [(number, 0), (number, 2)]) {
                let said = standing(&revoked, &token(number, number, number, generation, 1 << 42));
                let least = model.standing(number, generation, now);
                prop_assert!(said >= least, "{number}/{generation}: {said:?} < {least:?}");
                // Until its last bucket ends, or if it was merged with a later record of the same name, a
                // record may stay.
                let ever = model.standing(number, generation, 0);
                prop_assert!(said <= ever, "{number}/{generation}: {said:?} > {ever:?}");
            }
        }
    }
}
