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

use super::role_map_seal::RoleMapSeal;
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
    /// What the next map must be signed with.
    seal: RoleMapSeal,
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
    #[error(
        "the role map {named} is not signed with a key of INTROSPECT_REVOCATION_KEYS: set it to what `admin keys sidecar` \
         prints, unless another client writes to Redis"
    )]
    NotSigned { named: RoleMapVersion },
    #[error("meta names {named}, but the map is {found}")]
    Other { found: RoleMapVersion, named: RoleMapVersion },
    #[error("meta names {named}, which could not be read within {LATEST:?}")]
    Late { named: RoleMapVersion },
    #[error("meta names {named}, which is older than the map in use; keeping the newer one")]
    Back { named: RoleMapVersion },
}

impl RoleMapReader {
    pub(super) fn new(known: Arc<Knowledge>, metrics: Arc<Metrics>) -> Self {
        let (state, seal) = (RoleMapState::Unknown, RoleMapSeal::NotRequired);
        Self { known, metrics, state, newest: None, ahead: None, seal, fault: None }
    }

    /// The map that is read next must be signed with this.
    pub(super) fn require(&mut self, seal: RoleMapSeal) {
        self.seal = seal;
    }

    /// Whether the map in use is older than this one.
    pub(super) fn is_older_than(&self, version: RoleMapVersion) -> bool {
        self.known.roles.is_known() && self.newest < Some(version)
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
        match judge(named, read, &self.seal) {
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

fn judge(
    named: RoleMapVersion,
    read: Result<Vec<u8>, RedisError>,
    seal: &RoleMapSeal,
) -> Result<RoleMap, MapFault> {
    let bytes = read.map_err(MapFault::Refused)?;
    if bytes.is_empty() {
        return Err(MapFault::Missing);
    }
    let published = PublishedRoleMap::decode(&bytes).map_err(MapFault::Malformed)?;
    let found = RoleMapVersion { epoch: published.epoch, version: published.version };
    match found.cmp(&named) {
        Ordering::Equal if seal.fits(&bytes, named.version) => Ok(published.map),
        Ordering::Equal => Err(MapFault::NotSigned { named }),
        Ordering::Less | Ordering::Greater => Err(MapFault::Other { found, named }),
    }
}

#[cfg(test)]
mod tests;
