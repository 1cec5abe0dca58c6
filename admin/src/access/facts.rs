//! What the database says about an access token.

use crate::actor::CallerToken;

/// What the database says about a token, read in one statement and therefore at one moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Facts {
    pub(super) is_expired: bool,
    /// Session and user are active, and neither the token itself nor the key that signed it is revoked.
    pub(super) stands: bool,
    pub(super) generation: u64,
    pub(super) deployment_generation: u64,
}

impl Facts {
    /// Whether the token's generations are current, both the user's and the deployment's.
    pub(super) fn is_current(&self, token: &CallerToken) -> bool {
        token.generation == self.generation && token.deployment_generation == self.deployment_generation
    }
}
