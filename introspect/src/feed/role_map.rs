//! The role map beside the log: read whenever `meta` names another one than the map in use.
//!
//! The relay writes the map and its version in `meta` atomically, so that a map other than the named one is
//! either newer, written after `meta` was read, or wrong. After a wrong map the roles are unknown until a valid
//! map is read: an older map could permit what was withdrawn. For the same reason a `meta` that returned to an
//! earlier version together with its map is not followed, and a map that is named but cannot be read within
//! [`LATEST`] makes the roles unknown too. An unavailable Redis alone does not: then no other map has been
//! named.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{RedisError, cmd};
use shared::revocation::RedisKeys;
use shared::role_map::{MAX_BYTES, PublishedRoleMap, RoleMap, RoleMapError};
use tokio::time::Instant;

use crate::knowledge::Knowledge;
use crate::metrics::{Anomaly, Metrics};

/// How long a map that `meta` has named may stay unread.
pub(super) const LATEST: Duration = Duration::from_secs(2);

/// How long a wrong map is not read again: it may be large, and `meta` is read many times a second.
const PAUSE: Duration = Duration::from_secs(1);

/// Keeps the role map up to date.
pub(super) struct RoleMapReader {
    known: Arc<Knowledge>,
    metrics: Arc<Metrics>,
    state: RoleMapState,
    /// The newest map that was ever valid.
    newest: Option<RoleMapVersion>,
    /// The map that was last read although `meta` named an older one.
    ahead: Option<RoleMapVersion>,
    /// The current fault, so that it is counted and logged once.
    fault: Option<String>,
}

/// Whether a map is in use, and which map must be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RoleMapState {
    /// No map is in use; the one that `meta` names is to be read.
    Unknown,
    /// No map is in use: the named one was wrong when it was last read.
    Wrong { named: RoleMapVersion, read: Instant },
    /// The map in use is the one that `meta` named last.
    Current(RoleMapVersion),
    /// A map is in use, perhaps of another Redis: the one that `meta` names is to be read.
    Doubted,
    /// A map is in use, and `meta` names a later one. `since` is when the first later map was named: naming
    /// further maps does not extend the time.
    Awaited { named: RoleMapVersion, since: Instant },
}

/// The outcome of reading a map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MapReading {
    /// The map is in use, or roles are unknown.
    Settled,
    /// The map was written after `meta` was read, which must be read again at once. An older one may be in use.
    Newer,
}

/// Identifies a map. Both numbers only grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RoleMapVersion {
    pub(super) epoch: u64,
    pub(super) version: u64,
}

/// Why a map is not used.
#[derive(Debug, thiserror::Error)]
enum MapFault {
    #[error(
        "meta does not name a role map: the leading admin has an earlier version, which does not write one; stop it"
    )]
    Unnamed,
    #[error("the role map is missing")]
    Missing,
    #[error("Redis refuses to return it: {0}")]
    Refused(RedisError),
    #[error(transparent)]
    Malformed(RoleMapError),
    #[error("meta names {named}, but the map is {found}")]
    Other { found: RoleMapVersion, named: RoleMapVersion },
    #[error("meta names {named}, which could not be read within {LATEST:?}")]
    Late { named: RoleMapVersion },
    #[error("meta names {named}, which is older than the map in use; keeping the newer one")]
    Back { named: RoleMapVersion },
}

impl RoleMapReader {
    pub(super) fn new(known: Arc<Knowledge>, metrics: Arc<Metrics>) -> Self {
        Self { known, metrics, state: RoleMapState::Unknown, newest: None, ahead: None, fault: None }
    }

    /// The connection is a new one, perhaps to another Redis: the map that `meta` names is read in any case. Until
    /// then the one in use stays in use.
    pub(super) fn doubt(&mut self) {
        self.state = match self.state {
            RoleMapState::Unknown | RoleMapState::Wrong { .. } => RoleMapState::Unknown,
            RoleMapState::Current(_) | RoleMapState::Doubted => RoleMapState::Doubted,
            awaited @ RoleMapState::Awaited { .. } => awaited,
        };
    }

    /// The map that has to be read when `meta` of `epoch` names `version`; none when it is in use, was wrong a
    /// moment ago, or cannot be used.
    pub(super) fn must_read(&mut self, epoch: u64, version: Option<u64>) -> Option<RoleMapVersion> {
        let Some(version) = version else {
            self.lose(&MapFault::Unnamed);
            return None;
        };
        let named = RoleMapVersion { epoch, version };
        if self.newest > Some(named) {
            self.complain(&MapFault::Back { named });
            return None;
        }
        let is_later = self.newest < Some(named);
        match self.state {
            RoleMapState::Current(current) if current == named => {
                self.fault = None;
                return None;
            }
            RoleMapState::Wrong { named: wrong, read } if wrong == named && read.elapsed() < PAUSE => {
                return None;
            }
            RoleMapState::Awaited { since, .. } if is_later => {
                self.state = RoleMapState::Awaited { named, since }
            }
            RoleMapState::Current(_) | RoleMapState::Doubted if is_later => {
                self.state = RoleMapState::Awaited { named, since: Instant::now() };
            }
            RoleMapState::Current(_) | RoleMapState::Doubted | RoleMapState::Awaited { .. } => {
                self.state = RoleMapState::Doubted;
            }
            RoleMapState::Unknown | RoleMapState::Wrong { .. } => {}
        }
        Some(named)
    }

    /// Whether no older map is in use than the one that `meta` named last.
    pub(super) fn is_settled(&self) -> bool {
        match self.state {
            RoleMapState::Unknown | RoleMapState::Wrong { .. } | RoleMapState::Current(_) => true,
            RoleMapState::Doubted | RoleMapState::Awaited { .. } => false,
        }
    }

    /// When roles will be unknown unless the awaited map has been read.
    pub(super) fn deadline(&self) -> Option<Instant> {
        match self.state {
            RoleMapState::Awaited { since, .. } => Some(since + LATEST),
            RoleMapState::Unknown
            | RoleMapState::Wrong { .. }
            | RoleMapState::Current(_)
            | RoleMapState::Doubted => None,
        }
    }

    /// Makes roles unknown if the awaited map has not been read in time.
    pub(super) fn check(&mut self) {
        if let RoleMapState::Awaited { named, since } = self.state
            && since.elapsed() >= LATEST
        {
            self.lose(&MapFault::Late { named });
        }
    }

    /// Uses the map that was [`read`], if it is the one that `meta` named.
    ///
    /// # Errors
    ///
    /// When the connection is broken.
    pub(super) fn take(
        &mut self,
        named: RoleMapVersion,
        read: Result<Vec<u8>, RedisError>,
    ) -> Result<MapReading, RedisError> {
        match judge(named, read) {
            Ok(map) => self.install(named, map),
            // If the server had answered with an error, it would have a code.
            Err(MapFault::Refused(error)) if error.code().is_none() => return Err(error),
            // Written after `meta` was read. If `meta` still names the older map the next time, the map is
            // wrong.
            Err(MapFault::Other { found, .. }) if found > named && self.ahead != Some(found) => {
                self.ahead = Some(found);
                return Ok(MapReading::Newer);
            }
            Err(fault) => {
                self.lose(&fault);
                self.state = RoleMapState::Wrong { named, read: Instant::now() };
            }
        }
        Ok(MapReading::Settled)
    }

    fn install(&mut self, version: RoleMapVersion, map: RoleMap) {
        tracing::info!(%version, roles = map.len(), "Role map read.");
        self.metrics.role_map_version.set(version.version as i64);
        self.metrics.role_map_roles.set(map.len() as i64);
        self.known.set_role_map(Some(map));
        (self.state, self.newest) = (RoleMapState::Current(version), Some(version));
        (self.ahead, self.fault) = (None, None);
    }

    fn lose(&mut self, fault: &MapFault) {
        self.known.set_role_map(None);
        self.metrics.role_map_version.set(0);
        self.metrics.role_map_roles.set(0);
        self.state = RoleMapState::Unknown;
        self.complain(fault);
    }

    fn complain(&mut self, fault: &MapFault) {
        let why = fault.to_string();
        if self.fault.as_ref() != Some(&why) {
            self.metrics.anomaly(Anomaly::RoleMap);
            tracing::warn!(why, "Cannot follow the role map; retrying.");
            self.fault = Some(why);
        }
    }
}

impl fmt::Display for RoleMapVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.epoch, self.version)
    }
}

/// The bytes of the map; `None` if the key does not exist. At most one byte more than a map may have.
pub(super) async fn read(redis: &mut MultiplexedConnection, keys: &RedisKeys) -> Result<Vec<u8>, RedisError> {
    cmd("GETRANGE").arg(&keys.roles).arg(0).arg(MAX_BYTES).query_async(redis).await
}

fn judge(named: RoleMapVersion, read: Result<Vec<u8>, RedisError>) -> Result<RoleMap, MapFault> {
    let bytes = read.map_err(MapFault::Refused)?;
    if bytes.is_empty() {
        return Err(MapFault::Missing);
    }
    let published = PublishedRoleMap::decode(&bytes).map_err(MapFault::Malformed)?;
    let found = RoleMapVersion { epoch: published.epoch, version: published.version };
    match found.cmp(&named) {
        Ordering::Equal => Ok(published.map),
        Ordering::Less | Ordering::Greater => Err(MapFault::Other { found, named }),
    }
}

#[cfg(test)]
mod tests {
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
}
