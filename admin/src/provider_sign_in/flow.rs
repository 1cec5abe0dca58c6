//! A flow: from the authorization request to the callback. It is stored meanwhile, as a one-time value.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::return_to::ReturnTo;

/// What the callback needs to know about its authorization request. Purposefully without `Debug`: it holds secrets.
#[derive(Serialize, Deserialize)]
pub(super) struct Flow {
    pub(super) provider: String,
    pub(super) purpose: Purpose,
    pub(super) return_to: Option<ReturnTo>,
    pub(super) nonce: String,
    pub(super) initiator: Initiator,
}

/// What a flow is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Purpose {
    /// To sign in.
    SignIn,
    /// To link the account at the provider to the user of this session, unless a new generation of the user's tokens
    /// has begun: a changed password may have been the response to an attacker who started this flow.
    Link { user: Uuid, session: Uuid, generation: u64 },
}

/// The client that started a flow, and alone may finish it.
#[derive(Serialize, Deserialize)]
pub(super) enum Initiator {
    /// The browser whose secret has this fingerprint. The PKCE verifier is kept here for it.
    Browser { fingerprint: String, verifier: String },
    /// An app, which keeps the PKCE verifier of this challenge.
    App { challenge: String },
}

impl Initiator {
    /// The fingerprint of the browser; `None` for an app, which gets its tokens from the callback.
    pub(super) fn browser(&self) -> Option<&str> {
        match self {
            Self::Browser { fingerprint, .. } => Some(fingerprint),
            Self::App { .. } => None,
        }
    }
}
