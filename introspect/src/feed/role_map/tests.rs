use runtime::metrics::MetricsFormat;
use tokio::time::advance;

use super::*;

const NAMED: RoleMapVersion = RoleMapVersion { epoch: 3, version: 7 };

fn reader() -> RoleMapReader {
    RoleMapReader::new(Arc::new(Knowledge::new(5)), Arc::new(Metrics::new(1)))
}

fn bytes(epoch: u64, version: u64) -> Result<Vec<u8>, RedisError> {
    Ok(PublishedRoleMap { epoch, version, map: RoleMap::default() }.encode())
}

#[test]
fn the_map_that_meta_names_is_held_until_there_is_doubt() {
    let mut reader = reader();
    assert_eq!(reader.must_read(3, Some(7)), Some(NAMED));
    assert_eq!(reader.take(NAMED, bytes(3, 7)).unwrap(), MapReading::Settled);
    assert_eq!(reader.must_read(3, Some(7)), None);
    assert_eq!(reader.must_read(4, Some(7)), Some(RoleMapVersion { epoch: 4, version: 7 }));
    reader.doubt();
    assert_eq!(reader.must_read(3, Some(7)), Some(NAMED));
}

#[test]
fn a_map_written_after_meta_was_read_is_no_fault_unless_meta_stays_older() {
    let mut reader = reader();
    reader.take(NAMED, bytes(3, 7)).unwrap();
    for newer in [(3, 8), (3, 9), (4, 1)] {
        assert_eq!(reader.take(NAMED, bytes(newer.0, newer.1)).unwrap(), MapReading::Newer, "{newer:?}");
        assert!(reader.fault.is_none());
    }
    assert_eq!(reader.take(NAMED, bytes(4, 1)).unwrap(), MapReading::Settled);
    assert!(reader.fault.is_some() && matches!(reader.state, RoleMapState::Wrong { .. }));
    assert_eq!(
        reader.take(RoleMapVersion { epoch: 4, version: 1 }, bytes(4, 1)).unwrap(),
        MapReading::Settled
    );
    assert!(reader.fault.is_none());
}

#[test]
fn a_meta_that_went_back_is_not_followed() {
    let mut reader = reader();
    reader.take(NAMED, bytes(3, 7)).unwrap();
    assert_eq!(reader.must_read(3, Some(6)), None);
    assert_eq!(reader.must_read(2, Some(9)), None);
    assert!(reader.fault.is_some());
    assert_eq!(reader.must_read(3, Some(7)), None);
    assert!(reader.fault.is_none());
    assert_eq!(reader.must_read(4, Some(1)), Some(RoleMapVersion { epoch: 4, version: 1 }));
}

#[test]
fn only_a_connection_that_failed_is_given_up() {
    let mut reader = reader();
    let refused = redis::make_extension_error("WRONGTYPE".to_owned(), None);
    assert_eq!(reader.take(NAMED, Err(refused)).unwrap(), MapReading::Settled);
    assert!(reader.fault.is_some());
    assert!(reader.take(NAMED, Err(RedisError::from((redis::ErrorKind::Io, "gone")))).is_err());
}

fn wrongs(reader: &RoleMapReader) -> u64 {
    let text = MetricsFormat::Prometheus.encode(&reader.metrics.registry).unwrap();
    let count = |line: &str| {
        line.strip_prefix("usher_introspect_feed_anomalies_total{kind=\"role_map\"} ")?.parse().ok()
    };
    text.lines().find_map(count).unwrap()
}

fn is_known(reader: &RoleMapReader) -> bool {
    !reader.known.roles.rights(&[]).are_unknown()
}

#[tokio::test(start_paused = true)]
async fn a_later_map_that_cannot_be_read_in_time_makes_roles_unknown_until_a_valid_one_is_read() {
    let mut reader = reader();
    reader.take(NAMED, bytes(3, 7)).unwrap();
    assert_eq!(reader.must_read(3, Some(8)), Some(RoleMapVersion { epoch: 3, version: 8 }));
    advance(LATEST / 2).await;
    // Neither another connection nor another map extends the time.
    reader.doubt();
    assert_eq!(reader.must_read(3, Some(9)), Some(RoleMapVersion { epoch: 3, version: 9 }));
    reader.check();
    assert!(is_known(&reader) && wrongs(&reader) == 0);
    advance(LATEST / 2).await;
    for _ in 0..3 {
        reader.check();
        assert!(!is_known(&reader) && wrongs(&reader) == 1);
        reader.must_read(3, Some(9));
        advance(LATEST).await;
    }
    reader.take(RoleMapVersion { epoch: 3, version: 9 }, bytes(3, 9)).unwrap();
    assert!(is_known(&reader));
    advance(LATEST).await;
    reader.check();
    assert!(is_known(&reader) && wrongs(&reader) == 1);
}

#[tokio::test(start_paused = true)]
async fn the_map_that_is_held_stays_in_use_as_long_as_no_later_one_is_named() {
    let mut reader = reader();
    reader.take(NAMED, bytes(3, 7)).unwrap();
    reader.doubt();
    assert_eq!(reader.must_read(3, Some(7)), Some(NAMED));
    advance(10 * LATEST).await;
    reader.check();
    assert!(is_known(&reader) && wrongs(&reader) == 0);
}
#[tokio::test(start_paused = true)]
async fn a_map_that_was_wrong_is_read_again_once_a_second_and_at_once_when_another_is_named() {
    let mut reader = reader();
    let garbage = || Ok(b"garbage".to_vec());
    reader.take(NAMED, garbage()).unwrap();
    assert_eq!(reader.must_read(3, Some(7)), None);
    advance(PAUSE / 2).await;
    assert_eq!(reader.must_read(3, Some(7)), None);
    advance(PAUSE / 2).await;
    assert_eq!(reader.must_read(3, Some(7)), Some(NAMED));
    reader.take(NAMED, garbage()).unwrap();
    let next = RoleMapVersion { epoch: 3, version: 8 };
    assert_eq!(reader.must_read(3, Some(8)), Some(next));
    reader.take(next, garbage()).unwrap();
    assert_eq!(reader.must_read(3, Some(8)), None);
    reader.doubt();
    assert_eq!(reader.must_read(3, Some(8)), Some(next));
    reader.take(next, bytes(3, 8)).unwrap();
    reader.doubt();
    assert_eq!(reader.must_read(3, Some(8)), Some(next));
}
