use super::*;

/// A leader that waits, with nothing in epoch 7.
fn waiting() -> Leader {
    let mut leader = Leader::default();
    let selected = LeaderEvent::Selected { count: 0, is_all: true, roles: 3, beat: 2 };
    for event in [
        LeaderEvent::Connected { highest: 6 },
        LeaderEvent::NoHandover,
        LeaderEvent::Taken { epoch: 7, beat: 1 },
        LeaderEvent::Cleared { is_all: true },
        selected,
        selected,
        LeaderEvent::Roles { version: 3 },
        LeaderEvent::Done,
        LeaderEvent::Done,
        selected,
        LeaderEvent::Done,
    ] {
        leader.step(event);
    }
    assert!(leader.is_waiting());
    leader
}

#[test]
fn a_heartbeat_is_opened_before_the_rows_are_selected_and_closed_with_the_last_of_them() {
    let mut leader = waiting();
    let at = LogPosition { epoch: 7, seq: 0 };
    let beat = leader.step(LeaderEvent::Woken(Waking::BeatIsDue));
    assert_eq!(beat, LeaderAction::Beat { at, beat: 2, roles: 3 });
    assert_eq!(leader.step(LeaderEvent::Done), LeaderAction::Select);
    let more = LeaderEvent::Selected { count: 5, is_all: false, roles: 3, beat: 8 };
    assert_eq!(leader.step(more), LeaderAction::Append { at, close: None, roles: 3 });
    assert_eq!(leader.step(LeaderEvent::Done), LeaderAction::Mark { at });
    assert_eq!(leader.step(LeaderEvent::Done), LeaderAction::Select);
    let last = LeaderEvent::Selected { count: 1, is_all: true, roles: 3, beat: 9 };
    let at = LogPosition { epoch: 7, seq: 5 };
    assert_eq!(leader.step(last), LeaderAction::Append { at, close: Some(2), roles: 3 });
    assert_eq!(leader.step(LeaderEvent::Done), LeaderAction::Mark { at });
    assert_eq!(leader.step(LeaderEvent::Done), LeaderAction::Wait);
    assert_eq!(leader.at(), LogPosition { epoch: 7, seq: 6 });
}

#[test]
fn a_new_role_map_is_written_before_the_rows_that_were_selected_before_it() {
    let mut leader = waiting();
    leader.step(LeaderEvent::Woken(Waking::Committed));
    let selected = LeaderEvent::Selected { count: 1, is_all: true, roles: 4, beat: 3 };
    assert_eq!(leader.step(selected), LeaderAction::WriteRoles);
    let at = LogPosition { epoch: 7, seq: 0 };
    let append = leader.step(LeaderEvent::Roles { version: 5 });
    assert_eq!(append, LeaderAction::Append { at, close: None, roles: 5 });
}

#[test]
fn what_was_never_published_goes_before_each_part_of_a_filling() {
    let mut leader = Leader::default();
    leader.step(LeaderEvent::Connected { highest: 0 });
    leader.step(LeaderEvent::NoHandover);
    let first = leader.step(LeaderEvent::Taken { epoch: 1, beat: 1 });
    assert_eq!(first, LeaderAction::Clear);
    let rows = |count, is_all| LeaderEvent::Selected { count, is_all, roles: 1, beat: 1 };
    let at = |seq| LogPosition { epoch: 1, seq };
    assert_eq!(leader.step(LeaderEvent::Cleared { is_all: false }), LeaderAction::SelectNew);
    assert_eq!(leader.step(rows(2, false)), LeaderAction::LoadNew { at: at(0) });
    assert_eq!(leader.step(LeaderEvent::Done), LeaderAction::MarkNew { at: at(0) });
    assert_eq!(leader.step(LeaderEvent::Done), LeaderAction::SelectNew);
    assert_eq!(leader.step(rows(1, true)), LeaderAction::LoadNew { at: at(2) });
    leader.step(LeaderEvent::Done);
    assert_eq!(leader.step(LeaderEvent::Done), LeaderAction::Clear);
    assert_eq!(leader.step(LeaderEvent::Cleared { is_all: false }), LeaderAction::SelectNew);
    assert_eq!(leader.step(rows(0, true)), LeaderAction::Clear);
    assert_eq!(leader.step(LeaderEvent::Cleared { is_all: true }), LeaderAction::SelectNew);
    assert_eq!(leader.step(rows(0, true)), LeaderAction::SelectPage);
    assert_eq!(leader.step(rows(3, false)), LeaderAction::LoadPage { at: at(3) });
    assert_eq!(leader.step(LeaderEvent::Done), LeaderAction::SelectNew);
    assert_eq!(leader.step(rows(0, true)), LeaderAction::SelectPage);
    assert_eq!(leader.step(rows(0, true)), LeaderAction::ReadRoles);
    assert_eq!(leader.step(LeaderEvent::Roles { version: 1 }), LeaderAction::Open { at: at(6) });
    let beat = leader.step(LeaderEvent::Done);
    assert_eq!(beat, LeaderAction::Beat { at: at(6), beat: 1, roles: 1 });
}

#[test]
fn a_fault_of_redis_begins_a_new_epoch_and_every_other_fault_steps_down() {
    let after = |fault| waiting().step(LeaderEvent::Failed(fault));
    assert_eq!(after(LeaderFault::Redis), LeaderAction::Connect);
    assert_eq!(after(LeaderFault::OtherEpoch(6)), LeaderAction::Connect);
    assert_eq!(after(LeaderFault::OtherEpoch(8)), LeaderAction::StepDown);
    assert_eq!(after(LeaderFault::Database), LeaderAction::StepDown);
    let mut filling = Leader::default();
    assert_eq!(filling.step(LeaderEvent::Failed(LeaderFault::Redis)), LeaderAction::StepDown);
}

#[test]
fn an_event_that_does_not_belong_to_the_action_steps_down() {
    assert_eq!(waiting().step(LeaderEvent::Done), LeaderAction::StepDown);
    assert_eq!(Leader::default().step(LeaderEvent::Done), LeaderAction::StepDown);
}

#[test]
fn what_is_committed_before_the_end_is_published_first() {
    let mut leader = waiting();
    assert_eq!(leader.step(LeaderEvent::Woken(Waking::Stopping)), LeaderAction::Select);
    let last = LeaderEvent::Selected { count: 1, is_all: true, roles: 3, beat: 3 };
    let at = LogPosition { epoch: 7, seq: 0 };
    assert_eq!(leader.step(last), LeaderAction::Append { at, close: None, roles: 3 });
    leader.step(LeaderEvent::Done);
    let end = LogPosition { epoch: 7, seq: 1 };
    assert_eq!(leader.step(LeaderEvent::Done), LeaderAction::Leave { at: end, roles: 3 });
    assert_eq!(leader.step(LeaderEvent::Done), LeaderAction::Finish);
}

/// The first leader after one that left its epoch 7.
fn after_a_handover(in_redis: u64) -> Leader {
    let mut leader = Leader::default();
    let take = leader.step(LeaderEvent::Connected { highest: in_redis });
    assert_eq!(take, LeaderAction::TakeHandover { in_redis });
    let at = LogPosition { epoch: 7, seq: 5 };
    leader.step(LeaderEvent::Handover { at, roles: 3, beat: 9 });
    leader
}

#[test]
fn an_epoch_that_was_left_is_continued_with_a_heartbeat() {
    let mut leader = after_a_handover(7);
    let at = LogPosition { epoch: 7, seq: 5 };
    assert_eq!(leader.doing(), LeaderAction::Beat { at, beat: 9, roles: 3 });
    assert_eq!(leader.step(LeaderEvent::Done), LeaderAction::Select);
}

#[test]
fn an_epoch_that_was_left_is_not_continued_beside_a_higher_one() {
    assert_eq!(after_a_handover(8).doing(), LeaderAction::TakeEpoch { in_redis: 8 });
}

#[test]
fn an_epoch_that_redis_does_not_agree_with_is_replaced_and_not_tried_again() {
    for fault in [LeaderFault::Redis, LeaderFault::OtherEpoch(6)] {
        let mut leader = after_a_handover(7);
        assert_eq!(leader.step(LeaderEvent::Failed(fault)), LeaderAction::Connect);
        let taken = leader.step(LeaderEvent::Connected { highest: 7 });
        assert_eq!(taken, LeaderAction::TakeEpoch { in_redis: 7 });
    }
}

#[test]
fn records_that_never_end_are_counted_when_they_are_carried_along() {
    let mut leader = waiting();
    let trim = leader.step(LeaderEvent::Woken(Waking::MayTrim { floor: 9, carried: 2 }));
    let at = LogPosition { epoch: 7, seq: 0 };
    assert_eq!(trim, LeaderAction::Trim { at, floor: 9, carried: 2, roles: 3 });
    assert_eq!(leader.step(LeaderEvent::Done), LeaderAction::Wait);
    assert_eq!(leader.at().seq, 2);
}
