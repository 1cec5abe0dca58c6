//! What a return from a provider has proved about the user of a session, until the page gets its token.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::sign_in::ProviderProof;

/// That the user of a session was identified again.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct ProvenAgain {
    pub(super) session: Uuid,
    pub(super) proof: ProviderProof,
}
