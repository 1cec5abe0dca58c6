//! Whether a role map is signed.

use shared::revocation::{LogIdentity, LogKeys, is_role_map};

/// What a role map must be signed with.
#[derive(Debug)]
pub(super) enum RoleMapSeal {
    /// With nothing: the sidecar has no keys.
    NotRequired,
    /// With one of these keys, for this log.
    Required { keys: LogKeys, log: Option<LogIdentity>, tags: Vec<u8> },
}

impl RoleMapSeal {
    /// Whether this is the map of that version.
    pub(super) fn fits(&self, map: &[u8], version: u64) -> bool {
        match self {
            Self::NotRequired => true,
            Self::Required { keys, log, tags } => {
                log.is_some_and(|log| is_role_map(map, version, tags, keys, log))
            }
        }
    }
}
