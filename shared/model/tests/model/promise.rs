//! Whatever happens, a certificate is true; and without any part of the protocol it would not be.

use model::bounds::{Bounds, Mutation};
use model::search::{SearchOutcome, search};
use model::state::World;

/// Everything that can happen if nothing is left out.
const ACTIONS: [&str; 18] = [
    "commit",
    "connect",
    "crash",
    "cut",
    "demote",
    "depose",
    "expire",
    "heartbeat",
    "lag",
    "late script",
    "lead",
    "new rows",
    "promote",
    "read",
    "replicate",
    "step",
    "time out",
    "wipe",
];

fn explore(bounds: Bounds) -> SearchOutcome {
    let outcome = search(&bounds, World::new(bounds));
    let mut firings: Vec<_> = outcome.firings.iter().collect();
    firings.sort_unstable();
    println!("{bounds:?}: {} states; {firings:?}; {:?}", outcome.states, outcome.broken);
    outcome
}

/// Searches all states of a world of this size, of which there were `states` when this was written.
fn holds(bounds: Bounds, states: usize) {
    let outcome = explore(bounds);
    assert_eq!(outcome.broken, None);
    assert!(outcome.states >= states, "the search has become smaller: {} states", outcome.states);
    for action in ACTIONS {
        assert!(outcome.firings.get(action).is_some_and(|count| *count > 300), "{action}");
    }
    assert_eq!(outcome.firings.contains_key("leave"), bounds.leaves > 0);
}

/// What is broken without a part of the protocol.
fn broken_by(mutation: Mutation) -> &'static str {
    let outcome = explore(Bounds { rows: 1, faults: 1, beats: 3, leaves: 1, mutation: Some(mutation) });
    outcome.broken.expect("the search notices what is left out").0
}

#[test]
fn a_certificate_is_true_after_any_two_faults() {
    holds(Bounds { rows: 1, faults: 2, beats: 2, leaves: 0, mutation: None }, 3_000_000);
}

#[test]
fn a_certificate_is_true_for_three_revocations_and_any_fault() {
    holds(Bounds { rows: 3, faults: 1, beats: 2, leaves: 0, mutation: None }, 3_000_000);
}

#[test]
fn a_certificate_is_true_over_several_heartbeats() {
    holds(Bounds { rows: 2, faults: 1, beats: 3, leaves: 0, mutation: None }, 800_000);
}

#[test]
fn a_certificate_is_true_when_relays_stop_as_planned() {
    holds(Bounds { rows: 1, faults: 1, beats: 2, leaves: 1, mutation: None }, 400_000);
}

#[test]
fn a_certificate_would_be_false_if_a_heartbeat_had_one_phase() {
    assert!(broken_by(Mutation::OnePhaseHeartbeat).contains("committed before a certificate"));
}

#[test]
fn a_certificate_would_be_false_if_records_were_appended_without_compare() {
    assert!(broken_by(Mutation::AppendWithoutCompare).contains("committed before a certificate"));
}

#[test]
fn a_reader_would_miss_records_if_they_were_dropped_before_the_floor_rises() {
    assert!(broken_by(Mutation::TrimBeforeFloor).contains("gap"));
}

#[test]
fn a_certificate_would_be_false_if_an_epoch_survived_a_lost_connection() {
    assert!(broken_by(Mutation::NoRebind).contains("committed before a certificate"));
}

#[test]
fn a_certificate_would_be_false_if_an_epoch_was_continued_without_compare() {
    assert!(broken_by(Mutation::AdoptWithoutCompare).contains("committed before a certificate"));
}

#[test]
fn a_certificate_would_be_false_if_replicas_certified() {
    assert!(broken_by(Mutation::CertificatesFromReplica).contains("committed before a certificate"));
}

#[test]
fn a_certificate_would_be_false_if_the_answers_of_two_masters_were_mixed() {
    assert!(broken_by(Mutation::AnyServer).contains("committed before a certificate"));
}
