use super::*;
use crate::revocation::{Kind, Reason, RecordKey, ServerId, Until};

const OURS: Option<HistoryId> = Some(HistoryId::from_bytes([1; 16]));
const THEIRS: Option<HistoryId> = Some(HistoryId::from_bytes([2; 16]));

fn entries(sequence: impl IntoIterator<Item = u64>) -> Vec<LogEntry> {
    let entry = |seq: u64| {
        let key = RecordKey::new("issuer", Kind::Token, &seq.to_string());
        let record =
            Record { kind: Kind::Token, reason: Reason::Revoked, until: Until::Never, key, argument: 0 };
        LogEntry { position: LogPosition { epoch: 1, seq }, record: record.encode().to_vec(), trace: None }
    };
    sequence.into_iter().map(entry).collect()
}

fn part(last: u64, entries: Vec<LogEntry>, opened: u64, closed: u64) -> LogReply {
    LogReply::Log(LogPart {
        server: Some(ServerId::from_bits(1)),
        last,
        time: 0,
        roles: Some(1),
        opened,
        closed,
        entries,
    })
}

/// A reader of an empty epoch.
fn reader() -> RevocationReader<u32> {
    let mut reader = RevocationReader::default();
    let effects = reader.begin(1, OURS);
    assert_eq!(effects, [ReaderEffect::Begin(1), ReaderEffect::ReadAgain]);
    reader
}

/// The certificate of an answer, if there is one.
fn certified(reader: &mut RevocationReader<u32>, sent: u32, reply: &LogReply) -> Option<u32> {
    reader.step(sent, reply, true).into_iter().find_map(|effect| match effect {
        ReaderEffect::Certified(since) => Some(since),
        _ => None,
    })
}

#[test]
fn a_closed_heartbeat_certifies_the_last_question_before_it_was_opened() {
    let mut reader = reader();
    assert_eq!(certified(&mut reader, 10, &part(0, vec![], 4, 4)), None);
    assert_eq!(certified(&mut reader, 11, &part(0, vec![], 4, 4)), None);
    // Opened, not closed: the snapshot may be older than what was committed meanwhile.
    assert_eq!(certified(&mut reader, 12, &part(0, vec![], 5, 4)), None);
    assert_eq!(certified(&mut reader, 13, &part(0, vec![], 5, 5)), Some(11));
    assert_eq!(certified(&mut reader, 14, &part(0, vec![], 6, 6)), Some(13));
}

#[test]
fn a_log_that_is_not_read_to_its_end_certifies_nothing_yet() {
    let mut reader = reader();
    certified(&mut reader, 10, &part(0, vec![], 4, 4));
    assert_eq!(certified(&mut reader, 11, &part(2, entries([1]), 5, 5)), None);
    assert_eq!(certified(&mut reader, 12, &part(2, entries([2]), 6, 5)), Some(10));
}

#[test]
fn nothing_is_certified_while_another_condition_does_not_hold() {
    let mut reader = reader();
    certified(&mut reader, 10, &part(0, vec![], 4, 4));
    let late = part(0, vec![], 5, 5);
    assert_eq!(reader.step(11, &late, false), [ReaderEffect::End]);
    assert_eq!(certified(&mut reader, 12, &late), Some(10));
}

#[test]
fn questions_to_another_log_certify_nothing() {
    let others = [
        LogReply::Epoch { epoch: 2, history: THEIRS },
        LogReply::Fork { history: THEIRS },
        LogReply::Regressed,
    ];
    for other in others {
        let mut reader = reader();
        certified(&mut reader, 10, &part(0, vec![], 4, 4));
        reader.step(11, &other, true);
        assert_eq!(certified(&mut reader, 12, &part(0, vec![], 6, 6)), None, "{other:?}");
        assert_eq!(certified(&mut reader, 13, &part(0, vec![], 7, 7)), Some(12), "{other:?}");
    }
}

#[test]
fn questions_to_another_server_certify_nothing() {
    let mut reader = reader();
    let of = |server, opened, closed| match part(0, vec![], opened, closed) {
        LogReply::Log(part) => LogReply::Log(LogPart { server, ..part }),
        other => other,
    };
    let (ours, theirs) = (Some(ServerId::from_bits(1)), Some(ServerId::from_bits(2)));
    certified(&mut reader, 10, &of(ours, 4, 4));
    // Promoted before it got the next heartbeats.
    assert_eq!(certified(&mut reader, 20, &of(theirs, 4, 4)), None);
    assert_eq!(certified(&mut reader, 21, &of(ours, 5, 5)), None);
    assert_eq!(certified(&mut reader, 22, &of(ours, 6, 6)), Some(21));
    for sent in 23..26 {
        assert_eq!(certified(&mut reader, sent, &of(None, u64::from(sent), u64::from(sent))), None);
    }
}

#[test]
fn an_epoch_that_is_not_above_all_others_certifies_nothing_until_one_is() {
    let mut reader = reader();
    for epoch in [0, 1] {
        let lower = LogReply::Epoch { epoch, history: THEIRS };
        let effects = reader.step(1, &lower, true);
        assert_eq!(effects[0], ReaderEffect::Report(LogFault::LowerEpoch));
        certified(&mut reader, 2, &part(0, vec![], 1, 1));
        assert_eq!(certified(&mut reader, 3, &part(0, vec![], 2, 2)), None);
    }
    reader.step(4, &LogReply::Epoch { epoch: 2, history: OURS }, true);
    certified(&mut reader, 5, &part(0, vec![], 1, 1));
    assert_eq!(certified(&mut reader, 6, &part(0, vec![], 2, 2)), Some(5));
}

#[test]
fn a_log_that_lacks_records_or_has_unknown_ones_certifies_nothing_until_a_new_epoch() {
    let unknown = vec![LogEntry { record: vec![9], ..entries([1]).remove(0) }];
    for (broken, is_gap) in [
        (part(3, vec![], 5, 5), true),
        (part(3, entries([1, 3]), 5, 5), true),
        (part(1, unknown, 5, 5), false),
    ] {
        let mut reader = reader();
        certified(&mut reader, 10, &part(0, vec![], 4, 4));
        let effects = reader.step(11, &broken, true);
        assert_eq!(effects.contains(&ReaderEffect::Report(LogFault::Gap)), is_gap);
        assert!(effects.contains(&ReaderEffect::End));
        let last = reader.position().seq;
        assert_eq!(certified(&mut reader, 12, &part(last, vec![], 6, 6)), None);
        reader.step(13, &LogReply::Epoch { epoch: 2, history: OURS }, true);
        certified(&mut reader, 14, &part(0, vec![], 7, 7));
        assert_eq!(certified(&mut reader, 15, &part(0, vec![], 8, 8)), Some(14));
    }
}

#[test]
fn a_trimmed_position_continues_at_the_floor() {
    let mut reader = reader();
    assert_eq!(reader.step(1, &LogReply::Trimmed(5), true), [ReaderEffect::ReadAgain]);
    let six = part(6, entries([6]), 1, 1);
    let effects = reader.step(2, &six, true);
    assert!(matches!(effects[..], [ReaderEffect::Apply(..), ReaderEffect::End]), "{effects:?}");
}

#[test]
fn a_page_is_applied_as_far_as_it_follows_on() {
    let mut reader = reader();
    let page = entries([1, 2, 4]);
    assert_eq!(reader.read_page(&page).len(), 3);
    assert_eq!(reader.position().seq, 2);
    let gap = part(4, entries([4]), 1, 1);
    assert_eq!(reader.step(2, &gap, true)[0], ReaderEffect::Report(LogFault::Gap));
}

#[test]
fn the_log_of_an_earlier_release_is_enough_only_before_the_first_certificate() {
    let mut reader = RevocationReader::default();
    reader.step(1, &LogReply::Epoch { epoch: 1, history: None }, true);
    let old = part(0, vec![], 0, 0);
    assert_eq!(reader.step(2, &old, true), [ReaderEffect::End, ReaderEffect::Uncertified(true)]);
    let gap = part(1, vec![], 0, 0);
    assert!(reader.step(3, &gap, true).contains(&ReaderEffect::Uncertified(false)));
    reader.step(4, &LogReply::Epoch { epoch: 2, history: OURS }, true);
    certified(&mut reader, 5, &part(0, vec![], 1, 1));
    assert_eq!(certified(&mut reader, 6, &part(0, vec![], 2, 2)), Some(5));
    reader.step(7, &LogReply::Epoch { epoch: 3, history: None }, true);
    assert_eq!(reader.step(8, &old, true), [ReaderEffect::End]);
}

#[test]
fn few_questions_are_remembered() {
    let mut reader = reader();
    for beat in 0..100 {
        certified(&mut reader, 1, &part(0, vec![], beat, 0));
    }
    assert_eq!(reader.questions.len(), MAX_QUESTIONS);
    assert_eq!(certified(&mut reader, 2, &part(0, vec![], 100, 99)), Some(1));
}
