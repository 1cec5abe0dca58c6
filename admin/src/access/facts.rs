//! The state of an access token in the database.

use crate::actor::CallerToken;

/// The state of a token in the database, read in one statement and therefore at one moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct CallerFacts {
    pub(super) is_expired: bool,
    /// Whether its owner proved who they are within the last ten minutes, as the token says.
    pub(super) is_fresh: bool,
    /// Session and user are active, and neither the token itself nor the key that signed it is revoked.
    pub(super) stands: bool,
    /// Whether the token itself must be refreshed.
    pub(super) is_outdated: bool,
    pub(super) generation: u64,
    /// Whether tokens of this generation of the user were revoked, and do not only lack current roles. Read only
    /// for a token of an older generation.
    pub(super) is_generation_revoked: bool,
    pub(super) deployment_generation: u64,
}

impl CallerFacts {
    /// Whether the token's generations are current, both the user's and the deployment's, and it need not be refreshed.
    pub(super) fn is_current(&self, token: &CallerToken) -> bool {
        token.generation == self.generation
            && token.deployment_generation == self.deployment_generation
            && !self.is_outdated
    }

    /// Whether a refresh replaces the token by a valid one, as the sidecars say it too: "revoked" wins.
    pub(super) fn needs_refresh(&self, token: &CallerToken) -> bool {
        (self.is_outdated || token.generation < self.generation)
            && token.deployment_generation == self.deployment_generation
            && !self.is_generation_revoked
    }
}
