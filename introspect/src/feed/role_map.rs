//! The role map beside the log: read whenever `meta` names another one than is held.
//!
//! The relay writes the map and its version in `meta` in one, so that a map that is not the one named is either a
//! newer one, written since `meta` was read, or wrong. One that is wrong leaves the roles unknown until a good one
//! comes: an older one would perhaps permit what no longer is. For the same reason a `meta` that went back, with its map,
//! is not followed, and one that is named and cannot be read within [`LATEST`] makes the roles unknown too. Redis being
//! away is no such reason by itself: then nobody has said that there is another map.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{RedisError, cmd};
use shared::revocation::RedisKeys;
use shared::role_map::{MAX_BYTES, PublishedRoleMap, RoleMap, RoleMapError};
use tokio::time::Instant;

use crate::metrics::{Anomaly, Metrics};
use crate::ready::Ready;
use crate::rights::Roles;

/// How long a map that `meta` has named may stay unread.
pub(super) const LATEST: Duration = Duration::from_secs(2);

/// How long a map that was wrong is not read again: it may be long, and `meta` is read many times a second.
const PAUSE: Duration = Duration::from_secs(1);

/// Keeps the role map of now in [`Roles`].
pub(super) struct RoleMapReader {
    roles: Arc<Roles>,
    ready: Arc<Ready>,
    metrics: Arc<Metrics>,
    /// The one that was read last and is good; none when there is reason to read it again.
    held: Option<Edition>,
    /// The newest that was ever good.
    newest: Option<Edition>,
    /// The one that was newer than `meta` said, the last time that one was.
    ahead: Option<Edition>,
    /// Since when `meta` has named one that is later than `newest`.
    awaited: Option<Awaited>,
    /// Which one was named when what was read was wrong, and when that was.
    wrong: Option<(Edition, Instant)>,
    /// What is wrong, so that it is counted and logged once.
    trouble: Option<String>,
}

/// What came of reading a map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Read {
    /// It is held, or roles are unknown.
    Settled,
    /// It was written after `meta` was read, which must be read again at once. An older one may be in use.
    Newer,
}

/// A map that is yet to be read.
#[derive(Debug, Clone, Copy)]
struct Awaited {
    /// The one named last.
    edition: Edition,
    /// When the first was named: others named meanwhile give no more time.
    since: Instant,
}

/// Which map it is. Both numbers only grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Edition {
    pub(super) epoch: u64,
    pub(super) version: u64,
}

/// Why a map is not taken.
#[derive(Debug, thiserror::Error)]
enum Wrong {
    #[error("meta names none; an admin of this version has to lead")]
    Unnamed,
    #[error("it is not there")]
    Missing,
    #[error("Redis does not give it: {0}")]
    Refused(RedisError),
    #[error(transparent)]
    Malformed(RoleMapError),
    #[error("it is {found}, and meta names {named}")]
    Other { found: Edition, named: Edition },
    #[error("meta names {named}, which could not be read within {LATEST:?}")]
    Late { named: Edition },
    #[error("meta names {named}, which is before one already read; going on with the later one")]
    Back { named: Edition },
}

impl RoleMapReader {
    pub(super) fn new(roles: Arc<Roles>, ready: Arc<Ready>, metrics: Arc<Metrics>) -> Self {
        Self {
            roles,
            ready,
            metrics,
            held: None,
            newest: None,
            ahead: None,
            awaited: None,
            wrong: None,
            trouble: None,
        }
    }

    /// Perhaps this is another Redis: the next [`Self::must_read`] is true. What is known stays in use until then.
    pub(super) fn doubt(&mut self) {
        (self.held, self.wrong) = (None, None);
    }

    /// Which map has to be read when `meta` of `epoch` names `version`; none when it is held, was
    /// wrong a moment ago, or nothing is named that could be taken.
    pub(super) fn must_read(&mut self, epoch: u64, version: Option<u64>) -> Option<Edition> {
        let Some(version) = version else {
            self.lose(&Wrong::Unnamed);
            return None;
        };
        let named = Edition { epoch, version };
        if self.newest > Some(named) {
            self.complain(&Wrong::Back { named });
            return None;
        }
        if self.held == Some(named) {
            (self.awaited, self.trouble) = (None, None);
            return None;
        }
        if self.wrong.is_some_and(|(edition, when)| edition == named && when.elapsed() < PAUSE) {
            return None;
        }
        if self.newest < Some(named) {
            let since = self.awaited.map_or_else(Instant::now, |awaited| awaited.since);
            self.awaited = Some(Awaited { edition: named, since });
        }
        Some(named)
    }

    /// When roles will be unknown unless the map that is awaited has come.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.awaited.map(|awaited| awaited.since + LATEST)
    }

    /// Makes roles unknown if the map that is awaited has not come in time.
    pub(super) fn check(&mut self) {
        if let Some(Awaited { edition: named, since }) = self.awaited
            && since.elapsed() >= LATEST
        {
            self.lose(&Wrong::Late { named });
        }
    }

    /// Whether roles are judged by a map now, be it an older one than `meta` names.
    pub(super) fn is_known(&self) -> bool {
        self.ready.role_map_is_known()
    }

    /// Takes what was [`read`] if it is the map that `meta` named.
    ///
    /// # Errors
    ///
    /// When the connection is no longer good.
    pub(super) fn take(
        &mut self,
        named: Edition,
        read: Result<Vec<u8>, RedisError>,
    ) -> Result<Read, RedisError> {
        match judge(named, read) {
            Ok(map) => self.hold(named, map),
            // Not an answer of the server, which has a code.
            Err(Wrong::Refused(error)) if error.code().is_none() => return Err(error),
            // Written after meta was read. Once more with the same map, and it is meta that is wrong.
            Err(Wrong::Other { found, .. }) if found > named && self.ahead != Some(found) => {
                self.ahead = Some(found);
                return Ok(Read::Newer);
            }
            Err(wrong) => {
                self.lose(&wrong);
                self.wrong = Some((named, Instant::now()));
            }
        }
        Ok(Read::Settled)
    }

    fn hold(&mut self, edition: Edition, map: RoleMap) {
        tracing::info!(%edition, roles = map.len(), "The role map has been read.");
        self.metrics.role_map_version.set(edition.version as i64);
        self.metrics.role_map_roles.set(map.len() as i64);
        self.roles.install(map);
        self.ready.set_role_map(true);
        (self.held, self.newest) = (Some(edition), Some(edition));
        (self.ahead, self.awaited, self.wrong, self.trouble) = (None, None, None, None);
    }

    fn lose(&mut self, wrong: &Wrong) {
        self.roles.forget();
        self.ready.set_role_map(false);
        self.metrics.role_map_version.set(0);
        self.metrics.role_map_roles.set(0);
        // Unknown already, so that nothing is awaited until meta names one again.
        (self.held, self.awaited) = (None, None);
        self.complain(wrong);
    }

    fn complain(&mut self, wrong: &Wrong) {
        let why = wrong.to_string();
        if self.trouble.as_ref() != Some(&why) {
            self.metrics.anomaly(Anomaly::RoleMap);
            tracing::warn!(why, "The role map cannot be followed; trying again.");
            self.trouble = Some(why);
        }
    }
}

impl fmt::Display for Edition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.epoch, self.version)
    }
}

/// The bytes of the map; none where there is no key. Never more than a map may have and one.
pub(super) async fn read(redis: &mut MultiplexedConnection, keys: &RedisKeys) -> Result<Vec<u8>, RedisError> {
    cmd("GETRANGE").arg(&keys.roles).arg(0).arg(MAX_BYTES).query_async(redis).await
}

fn judge(named: Edition, read: Result<Vec<u8>, RedisError>) -> Result<RoleMap, Wrong> {
    let bytes = read.map_err(Wrong::Refused)?;
    if bytes.is_empty() {
        return Err(Wrong::Missing);
    }
    let published = PublishedRoleMap::decode(&bytes).map_err(Wrong::Malformed)?;
    let found = Edition { epoch: published.epoch, version: published.version };
    match found.cmp(&named) {
        Ordering::Equal => Ok(published.map),
        Ordering::Less | Ordering::Greater => Err(Wrong::Other { found, named }),
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    const NAMED: Edition = Edition { epoch: 3, version: 7 };

    fn reader() -> RoleMapReader {
        RoleMapReader::new(Arc::default(), Arc::default(), Arc::new(Metrics::new(1)))
    }

    fn bytes(epoch: u64, version: u64) -> Result<Vec<u8>, RedisError> {
        Ok(PublishedRoleMap { epoch, version, map: RoleMap::default() }.encode())
    }

    #[test]
    fn the_map_that_meta_names_is_held_until_there_is_doubt() {
        let mut reader = reader();
        assert_eq!(reader.must_read(3, Some(7)), Some(NAMED));
        assert_eq!(reader.take(NAMED, bytes(3, 7)).unwrap(), Read::Settled);
        assert_eq!(reader.must_read(3, Some(7)), None);
        assert_eq!(reader.must_read(4, Some(7)), Some(Edition { epoch: 4, version: 7 }));
        reader.doubt();
        assert_eq!(reader.must_read(3, Some(7)), Some(NAMED));
    }

    #[test]
    fn a_map_written_after_meta_was_read_is_no_trouble_unless_meta_stays_behind_it() {
        let mut reader = reader();
        reader.take(NAMED, bytes(3, 7)).unwrap();
        for newer in [(3, 8), (3, 9), (4, 1)] {
            assert_eq!(reader.take(NAMED, bytes(newer.0, newer.1)).unwrap(), Read::Newer, "{newer:?}");
            assert!(reader.trouble.is_none());
        }
        assert_eq!(reader.take(NAMED, bytes(4, 1)).unwrap(), Read::Settled);
        assert!(reader.trouble.is_some() && reader.held.is_none());
        assert_eq!(reader.take(Edition { epoch: 4, version: 1 }, bytes(4, 1)).unwrap(), Read::Settled);
        assert!(reader.trouble.is_none());
    }

    #[test]
    fn a_meta_that_went_back_is_not_followed() {
        let mut reader = reader();
        reader.take(NAMED, bytes(3, 7)).unwrap();
        assert_eq!(reader.must_read(3, Some(6)), None);
        assert_eq!(reader.must_read(2, Some(9)), None);
        assert!(reader.trouble.is_some());
        assert_eq!(reader.must_read(3, Some(7)), None);
        assert!(reader.trouble.is_none());
        assert_eq!(reader.must_read(4, Some(1)), Some(Edition { epoch: 4, version: 1 }));
    }

    #[test]
    fn only_a_connection_that_failed_is_given_up() {
        let mut reader = reader();
        let refused = redis::make_extension_error("WRONGTYPE".to_owned(), None);
        assert_eq!(reader.take(NAMED, Err(refused)).unwrap(), Read::Settled);
        assert!(reader.trouble.is_some());
        assert!(reader.take(NAMED, Err(RedisError::from((redis::ErrorKind::Io, "gone")))).is_err());
    }

    fn wrongs(reader: &RoleMapReader) -> u64 {
        let text = reader.metrics.text().unwrap();
        let count = |line: &str| {
            line.strip_prefix("usher_introspect_feed_anomalies_total{kind=\"role_map\"} ")?.parse().ok()
        };
        text.lines().find_map(count).unwrap()
    }

    fn is_known(reader: &RoleMapReader) -> bool {
        !reader.roles.rights(&[]).are_unknown()
    }

    #[tokio::test(start_paused = true)]
    async fn a_later_map_that_cannot_be_read_in_time_makes_roles_unknown_until_a_good_one_is_read() {
        let mut reader = reader();
        reader.take(NAMED, bytes(3, 7)).unwrap();
        assert_eq!(reader.must_read(3, Some(8)), Some(Edition { epoch: 3, version: 8 }));
        advance(LATEST / 2).await;
        // Neither another connection nor yet another map gives more time.
        reader.doubt();
        assert_eq!(reader.must_read(3, Some(9)), Some(Edition { epoch: 3, version: 9 }));
        reader.check();
        assert!(is_known(&reader) && wrongs(&reader) == 0);
        advance(LATEST / 2).await;
        for _ in 0..3 {
            reader.check();
            assert!(!is_known(&reader) && wrongs(&reader) == 1);
            reader.must_read(3, Some(9));
            advance(LATEST).await;
        }
        reader.take(Edition { epoch: 3, version: 9 }, bytes(3, 9)).unwrap();
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
        let next = Edition { epoch: 3, version: 8 };
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
