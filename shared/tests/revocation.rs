//! The revocation record, byte for byte, against published vectors and by property.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use proptest::prelude::*;
use shared::revocation::{Kind, RECORD_BYTES, Reason, Record, RecordError, RecordKey, Until, decode_all};

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Vector {
    name: String,
    issuer: String,
    claim: String,
    kind: u8,
    reason: u8,
    until: Option<u32>,
    argument: u64,
    key: String,
    record: String,
}

fn vectors() -> Vec<Vector> {
    serde_json::from_str(include_str!("vectors/revocation.json")).unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn record(vector: &Vector) -> Record {
    let kind = Kind::from_byte(vector.kind).unwrap();
    Record {
        kind,
        reason: Reason::from_byte(vector.reason).unwrap(),
        until: vector.until.map_or(Until::Never, Until::At),
        key: match kind {
            Kind::Everything => RecordKey::ZERO,
            _ => RecordKey::new(&vector.issuer, kind, &vector.claim),
        },
        argument: vector.argument,
    }
}

fn any_record() -> impl Strategy<Value = Record> {
    let until = prop_oneof![any::<u32>().prop_map(|second| Until::at(second.into())), Just(Until::Never)];
    (1_u8..=5, 1_u8..=2, until, any::<[u8; 16]>(), any::<u64>()).prop_map(
        |(kind, reason, until, key, argument)| {
            let kind = Kind::from_byte(kind).unwrap();
            let key = if kind == Kind::Everything { RecordKey::ZERO } else { RecordKey::from_bytes(key) };
            Record { kind, reason: Reason::from_byte(reason).unwrap(), until, key, argument }
        },
    )
}

#[test]
fn the_published_vectors_hold_both_ways() {
    let vectors = vectors();
    assert!(vectors.len() >= 6, "every kind, and one that never ends");
    for vector in vectors {
        let record = record(&vector);
        assert_eq!(hex(record.key.as_bytes()), vector.key, "{}", vector.name);
        assert_eq!(hex(&record.encode()), vector.record, "{}", vector.name);
        assert_eq!(Record::decode(&record.encode()), Ok(record), "{}", vector.name);
    }
}

#[test]
fn the_same_text_of_another_kind_or_issuer_has_another_key() {
    let text = "0192f3a4-0000-7000-8000-000000000001";
    let session = RecordKey::new("https://a.example", Kind::Session, text);
    assert_ne!(session, RecordKey::new("https://a.example", Kind::User, text));
    assert_ne!(session, RecordKey::new("https://b.example", Kind::Session, text));
}

#[test]
fn records_of_a_newer_program_are_refused_with_their_own_error() {
    let valid = record(&vectors()[0]).encode();
    let with = |index: usize, byte: u8| {
        let mut bytes = valid;
        bytes[index] = byte;
        Record::decode(&bytes)
    };
    assert_eq!(with(0, 2), Err(RecordError::Version(2)));
    assert_eq!(with(1, 6), Err(RecordError::Kind(6)));
    assert_eq!(with(1, 0), Err(RecordError::Kind(0)));
    assert_eq!(with(2, 3), Err(RecordError::Reason(3)));
    assert_eq!(with(3, 1), Err(RecordError::NotZero));
    assert_eq!(with(1, 5), Err(RecordError::NotZero), "everything has no key");
    assert_eq!(Record::decode(&valid[..31]), Err(RecordError::Length(31)));
    assert_eq!(Record::decode(&[]), Err(RecordError::Length(0)));
}

#[test]
fn an_end_beyond_the_range_is_never() {
    assert_eq!(Until::at(u64::from(u32::MAX)), Until::Never);
    assert_eq!(Until::at(u64::MAX), Until::Never);
    assert_eq!(Until::at(u64::from(u32::MAX) - 1), Until::At(u32::MAX - 1));
}

proptest! {
    #[test]
    fn every_record_survives_its_bytes(record in any_record()) {
        prop_assert_eq!(Record::decode(&record.encode()), Ok(record));
    }

    #[test]
    fn bytes_that_are_read_are_written_the_same(bytes in prop::collection::vec(any::<u8>(), 0..70)) {
        if let Ok(record) = Record::decode(&bytes) {
            prop_assert_eq!(record.encode().to_vec(), bytes);
        }
    }

    #[test]
    fn an_invalid_record_hides_no_valid_one(records in prop::collection::vec(any_record(), 1..8), spoilt: prop::sample::Index) {
        let spoilt = spoilt.index(records.len());
        let mut message: Vec<u8> = records.iter().flat_map(Record::encode).collect();
        message[spoilt * RECORD_BYTES] = 9;
        let read: Vec<_> = decode_all(&message).collect();
        prop_assert_eq!(read.len(), records.len());
        for (index, (read, written)) in read.iter().zip(&records).enumerate() {
            prop_assert_eq!(read, &if index == spoilt { Err(RecordError::Version(9)) } else { Ok(*written) });
        }
    }
}
