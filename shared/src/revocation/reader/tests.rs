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
        certificate: Vec::new(),
        roles_tags: Vec::new(),
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

const LOG: LogIdentity = LogIdentity { epoch: 1, history: HistoryId::from_bytes([1; 16]) };

fn chain(records: u64) -> LogChain {
    entries(1..=records).iter().fold(LogChain::begin(LOG), |chain, entry| chain.after(&entry.record))
}

/// What admin signs for a log of so many records, and the moment that it answers.
fn signed(beat: u64, seq: u64, floor: u64, answers: Option<u32>) -> ReadingProof<u32> {
    let (chain, floor_chain) = (chain(seq), chain(floor));
    let certificate = LogCertificate { beat, seq, chain, floor, floor_chain, roles: 1, challenges: vec![] };
    ReadingProof { may_certify: true, certificate: Some((certificate, answers)) }
}

/// A reader of an empty epoch that believes only what is signed.
fn authenticated() -> RevocationReader<u32> {
    let mut reader = RevocationReader::authenticated();
    reader.begin(1, OURS);
    reader
}

fn signed_certificate(
    reader: &mut RevocationReader<u32>,
    sent: u32,
    reply: &LogReply,
    proof: &ReadingProof<u32>,
) -> Option<u32> {
    reader.step_signed(sent, reply, proof).into_iter().find_map(|effect| match effect {
        ReaderEffect::Certified(since) => Some(since),
        _ => None,
    })
}

#[test]
fn an_authenticated_reader_certifies_what_is_signed() {
    let mut reader = authenticated();
    assert_eq!(signed_certificate(&mut reader, 10, &part(0, vec![], 4, 4), &signed(4, 0, 0, Some(9))), None);
    let two = part(2, entries([1, 2]), 5, 5);
    assert_eq!(signed_certificate(&mut reader, 12, &two, &signed(5, 2, 0, Some(10))), Some(10));
    // Appended after the certificate.
    let third = part(3, entries([3]), 6, 5);
    assert_eq!(signed_certificate(&mut reader, 14, &third, &signed(5, 2, 0, Some(10))), None);
    let closed = part(3, vec![], 6, 6);
    assert_eq!(signed_certificate(&mut reader, 15, &closed, &signed(6, 3, 0, Some(13))), Some(12));
}

#[test]
fn an_authenticated_reader_believes_no_heartbeat_that_is_not_signed() {
    let mut reader = authenticated();
    for beat in 4..9 {
        let reply = part(0, vec![], beat, beat);
        assert_eq!(certified(&mut reader, u32::try_from(beat).unwrap(), &reply), None);
    }
}

#[test]
fn a_certificate_that_answers_no_question_of_this_reader_is_an_old_one() {
    let mut reader = authenticated();
    for beat in 4..9 {
        let (sent, reply) = (u32::try_from(beat).unwrap(), part(0, vec![], beat, beat));
        assert_eq!(signed_certificate(&mut reader, sent, &reply, &signed(beat, 0, 0, None)), None);
    }
}

#[test]
fn a_certificate_proves_no_more_than_the_question_that_it_answers() {
    let mut reader = authenticated();
    signed_certificate(&mut reader, 10, &part(0, vec![], 4, 4), &signed(4, 0, 0, Some(3)));
    let reply = part(0, vec![], 5, 5);
    assert_eq!(signed_certificate(&mut reader, 11, &reply, &signed(5, 0, 0, Some(4))), Some(4));
}

#[test]
fn records_other_than_the_signed_ones_certify_nothing_until_a_new_epoch() {
    let mut altered = entries([1, 2]);
    altered[1].record = entries([7])[0].record.clone();
    let mut reader = authenticated();
    let reply = part(2, altered, 5, 5);
    let effects = reader.step_signed(10, &reply, &signed(5, 2, 0, Some(9)));
    assert!(effects.contains(&ReaderEffect::Report(LogFault::Altered)));
    for sent in 11..14 {
        let reply = part(2, vec![], sent.into(), sent.into());
        assert_eq!(
            signed_certificate(&mut reader, sent, &reply, &signed(sent.into(), 2, 0, Some(sent))),
            None
        );
    }
}

#[test]
fn a_log_that_is_shorter_than_the_signed_one_certifies_nothing() {
    let mut reader = authenticated();
    for sent in 10..14 {
        let entries = if sent == 10 { entries([1]) } else { vec![] };
        let reply = part(1, entries, sent.into(), sent.into());
        assert_eq!(
            signed_certificate(&mut reader, sent, &reply, &signed(sent.into(), 2, 0, Some(sent))),
            None
        );
    }
}

#[test]
fn a_trimmed_log_is_read_on_from_a_signed_floor_alone() {
    let mut reader = authenticated();
    reader.step(1, &LogReply::Trimmed(5), true);
    assert!(reader.is_awaiting_floor());
    // Another client claims that records were trimmed which were not: the signed floor is another one.
    let six = part(6, entries([6]), 5, 5);
    assert_eq!(reader.step_signed(2, &six, &signed(5, 6, 2, Some(1))), []);
    assert_eq!(reader.read_page(&entries([6])), [ReaderEffect::ReadAgain]);
    assert_eq!(signed_certificate(&mut reader, 3, &six, &signed(5, 6, 5, Some(2))), None);
    assert!(!reader.is_awaiting_floor());
    let next = part(6, vec![], 6, 6);
    assert_eq!(signed_certificate(&mut reader, 4, &next, &signed(6, 6, 5, Some(3))), Some(3));
}

#[test]
fn an_authenticated_reader_never_reads_a_log_without_a_history() {
    let mut reader = RevocationReader::<u32>::authenticated();
    reader.step(1, &LogReply::Epoch { epoch: 1, history: None }, true);
    let old = part(0, vec![], 0, 0);
    assert_eq!(reader.step_signed(2, &old, &signed(4, 0, 0, Some(1))), [ReaderEffect::End]);
}
