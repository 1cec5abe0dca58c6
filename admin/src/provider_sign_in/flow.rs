//! A flow: from the authorization request to the callback. It is stored meanwhile, as a one-time value.

use http::HeaderMap;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::browser;
use super::pending_link::PendingLink;
use super::pending_proof::PendingProof;
use super::return_to::ReturnTo;
use super::secret;
use crate::api::text::text_type;

/// The data of an authorization request that its callback needs. Purposefully without `Debug`: it holds secrets.
#[derive(Serialize, Deserialize)]
pub(super) struct Flow {
    pub(super) purpose: FlowPurpose,
    pub(super) return_to: Option<ReturnTo>,
    pub(super) nonce: String,
    /// The PKCE verifier, which is kept here for a browser. An app has its own.
    pub(super) verifier: Option<String>,
    /// The version to which the user consents, if an account is created.
    #[serde(default)]
    pub(super) consent: Option<String>,
}

/// The purpose of a flow. Purposefully without `Debug`: it is personal.
#[derive(Serialize, Deserialize)]
pub(super) enum FlowPurpose {
    /// To sign in.
    SignIn,
    /// To link the account at the provider to a signed-in user.
    Link(AskingSession),
    /// To prove again who the user of a session is, by an account at a provider that is linked already. No session is opened.
    Prove(AskingSession),
    /// To confirm, with an identity that is linked to the account, that another one belongs to it, too.
    Confirm(Box<PendingLink>),
    /// To link the account of an earlier flow, whose provider does not vouch for an address, to the account of this one.
    Join(Box<PendingProof>),
}

/// The user of a session, who asks to link an account at a provider, or to prove with one: unless a new generation of the
/// user's tokens has begun, because a changed password may have been the response to an attacker who started this flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct AskingSession {
    pub(super) user: Uuid,
    pub(super) session: Uuid,
    pub(super) generation: u64,
}

text_type!(
    /// The verifier of an app.
    pub(super) CodeVerifier, verifier
);

fn verifier(text: &str) -> Result<String, &'static str> {
    match secret::is_verifier(text) {
        true => Ok(text.to_owned()),
        false => Err("Must be 43 to 128 characters of A-Z, a-z, 0-9, -, ., _ and ~."),
    }
}

/// The client that starts a flow, and alone may finish it, and use what follows from it.
pub(super) enum Initiator {
    /// The browser whose cookie has this secret.
    Browser(String),
    /// An app, which keeps the PKCE verifier of this challenge.
    App { challenge: String },
}

impl Initiator {
    /// The client of a request: an app by the verifier that it sends, or else a browser by its cookie.
    pub(super) fn of(headers: &HeaderMap, verifier: Option<&CodeVerifier>) -> Self {
        match verifier {
            Some(verifier) => Self::App { challenge: secret::challenge(verifier.as_ref()) },
            None => Self::Browser(browser::own(headers).unwrap_or_default()),
        }
    }

    /// The owner of a flow at `provider`, compared in Redis: it contains a hash instead of each secret.
    pub(super) fn owner_at(&self, provider: &str) -> String {
        format!("{provider} {}", self.owner_afterwards())
    }

    /// The owner of what follows from a flow at any provider.
    pub(super) fn owner_afterwards(&self) -> String {
        match self {
            Self::Browser(own) => format!("browser {}", secret::fingerprint(own)),
            Self::App { challenge } => format!("app {challenge}"),
        }
    }
}
