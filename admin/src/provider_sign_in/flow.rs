//! A flow: from the authorization request to the callback. It is stored meanwhile, as a one-time value.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::one_time::BEARER;
use super::pending_link::PendingLink;
use super::pending_proof::PendingProof;
use super::return_to::ReturnTo;
use super::secret;

/// The data of an authorization request that its callback needs. Purposefully without `Debug`: it holds secrets.
#[derive(Serialize, Deserialize)]
pub(super) struct Flow {
    pub(super) purpose: FlowPurpose,
    pub(super) return_to: Option<ReturnTo>,
    pub(super) nonce: String,
    /// The PKCE verifier, which is kept here for a browser. An app has its own.
    pub(super) verifier: Option<String>,
}

/// The purpose of a flow. Purposefully without `Debug`: it is personal.
#[derive(Serialize, Deserialize)]
pub(super) enum FlowPurpose {
    /// To sign in.
    SignIn,
    /// To link the account at the provider to a signed-in user.
    Link(LinkRequest),
    /// To confirm, with an identity that is linked to the account, that another one belongs to it, too.
    Confirm(Box<PendingLink>),
    /// To link the account of an earlier flow, whose provider does not vouch for an address, to the account of this one.
    Join(Box<PendingProof>),
}

/// The user of a session, who asks to link an account at a provider: unless a new generation of the user's tokens has
/// begun, because a changed password may have been the response to an attacker who started this flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LinkRequest {
    pub(super) user: Uuid,
    pub(super) session: Uuid,
    pub(super) generation: u64,
}

/// The client that starts a flow, and alone may finish it.
pub(super) enum Initiator {
    /// The browser whose cookie has this secret.
    Browser(String),
    /// An app, which keeps the PKCE verifier of this challenge.
    App { challenge: String },
}

impl Initiator {
    /// The owner of a flow at `provider`, compared in Redis: it contains a hash instead of each secret.
    pub(super) fn owner_at(&self, provider: &str) -> String {
        match self {
            Self::Browser(own) => format!("{provider} {}", browser_owner(own)),
            Self::App { challenge } => format!("{provider} app {challenge}"),
        }
    }

    /// The owner of what follows from a flow: the same browser, or a client of the app's.
    pub(super) fn owner_afterwards(&self) -> String {
        match self {
            Self::Browser(own) => browser_owner(own),
            Self::App { .. } => BEARER.to_owned(),
        }
    }
}

/// The browser whose cookie has the secret `own`, as an owner.
pub(super) fn browser_owner(own: &str) -> String {
    format!("browser {}", secret::fingerprint(own))
}
