//! What the database says of an access token.

use crate::actor::CallerToken;

/// What the database says of a token, in one statement and so of one moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Facts {
    pub(super) is_expired: bool,
    /// Session and user are active, and neither the token itself nor the key that signed it was revoked.
    pub(super) stands: bool,
    pub(super) generation: u64,
    pub(super) deployment_generation: u64,
}

impl Facts {
    /// Whether no newer generation of tokens has begun, neither the user's nor the deployment's.
    pub(super) fn is_current(&self, token: &CallerToken) -> bool {
        token.generation == self.generation && token.deployment_generation == self.deployment_generation
    }
}
