//! Sends somebody to a provider, and knows them again when they come back.

use http::HeaderValue;
use serde::{Deserialize, Serialize};
use url::Url;
use uuid::Uuid;

use super::return_to::ReturnTo;
use super::{browser, failure, secret};
use crate::api::{Code, Problem, Request};
use crate::pending::{Kind, fingerprint};
use crate::providers::{Provider, Question};

/// What somebody is sent to a provider for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Aim {
    /// To sign in.
    SignIn,
    /// To link the account to whoever has this session, as long as no new generation of their tokens began: a password
    /// that was changed meanwhile may have been changed because of whoever began this.
    Link { user: Uuid, session: Uuid, generation: u64 },
}

/// How somebody is to be sent.
pub(super) struct Start<'s> {
    pub(super) provider: &'s Provider,
    pub(super) aim: Aim,
    pub(super) return_to: Option<ReturnTo>,
    /// The challenge of an app that keeps the verifier; a browser has none, and is known by its cookie.
    pub(super) challenge: Option<String>,
}

/// Where to send them, and what their browser is to keep.
pub(super) struct Started {
    pub(super) url: Url,
    pub(super) cookie: Option<HeaderValue>,
}

/// What is remembered until they come back. Purposefully without `Debug`.
#[derive(Serialize, Deserialize)]
pub(super) struct Begun {
    provider: String,
    pub(super) aim: Aim,
    pub(super) return_to: Option<ReturnTo>,
    pub(super) nonce: String,
    pub(super) origin: Origin,
}

/// Who began it.
#[derive(Serialize, Deserialize)]
pub(super) enum Origin {
    /// The browser whose secret has this hash; the verifier is kept for it.
    Browser { hash: String, verifier: String },
    /// An app that keeps the verifier of this challenge.
    App { challenge: String },
}

/// Remembers who is sent where and for what.
///
/// # Errors
///
/// 502, 503 or 504 when the provider cannot be asked where to send people; 503 while Redis is away.
pub(super) async fn start(request: &Request, start: Start<'_>) -> Result<Started, Problem> {
    let (state, nonce) = (secret::new()?, secret::new()?);
    let (origin, challenge, cookie) = origin(request, start.challenge)?;
    let question = Question { state: &state, challenge: &challenge, nonce: &nonce };
    let url = request.context.providers.authorize(start.provider, &question).await;
    let url = url.map_err(|error| {
        let problem = failure::problem(start.provider, &error);
        request.context.metrics.provider_callback(start.provider.id(), problem.code().as_str());
        problem
    })?;
    let provider = start.provider.id().to_owned();
    let begun = Begun { provider, aim: start.aim, return_to: start.return_to, nonce, origin };
    request.context.pending.put(Kind::State, &state, &begun).await?;
    Ok(Started { url, cookie })
}

/// Asks that the challenge of an app has the form of one.
///
/// # Errors
///
/// 422 `validation_failed`.
pub(super) fn check_challenge(challenge: Option<&str>) -> Result<(), Problem> {
    if challenge.is_none_or(secret::has_the_form) {
        return Ok(());
    }
    let sentence = "A challenge is the SHA-256 of a verifier in base64url, 43 characters.";
    Err(Problem::new(Code::ValidationFailed).field("code_challenge", "field_invalid", sentence))
}

fn origin(
    request: &Request,
    challenge: Option<String>,
) -> Result<(Origin, String, Option<HeaderValue>), Problem> {
    if let Some(challenge) = challenge {
        return Ok((Origin::App { challenge: challenge.clone() }, challenge, None));
    }
    let (own, verifier) = (browser::own_or_new(&request.headers)?, secret::new()?);
    let challenge = secret::challenge(&verifier);
    Ok((Origin::Browser { hash: fingerprint(&own), verifier }, challenge, Some(browser::cookie(&own))))
}

/// Knows somebody again who comes back from `provider` with `state`, which counts once. With what the provider's code
/// is given for tokens: the verifier.
///
/// # Errors
///
/// 400 `state_invalid` for a state that is not known, is another provider's, or was begun by another browser or app;
/// 503 while Redis is away.
pub(super) async fn claim(
    request: &Request,
    provider: &Provider,
    state: &str,
    verifier: Option<&str>,
) -> Result<(Begun, String), Problem> {
    let unknown = || {
        Problem::new(Code::StateInvalid)
            .detail("Begin the sign-in again, in the browser that it shall end in.")
    };
    if !secret::has_the_form(state) {
        return Err(unknown());
    }
    let begun: Option<Begun> = request.context.pending.take(Kind::State, state).await?;
    let begun = begun.filter(|begun| begun.provider == provider.id()).ok_or_else(unknown)?;
    let verifier = match (&begun.origin, verifier) {
        (Origin::Browser { hash, verifier }, None) if is_from(request, hash) => verifier.clone(),
        (Origin::App { challenge }, Some(verifier))
            if secret::is_verifier(verifier)
                && secret::are_equal(&secret::challenge(verifier), challenge) =>
        {
            verifier.to_owned()
        }
        (Origin::Browser { .. } | Origin::App { .. }, _) => return Err(unknown()),
    };
    Ok((begun, verifier))
}

/// Whether a request comes from the browser whose secret has this hash.
pub(super) fn is_from(request: &Request, hash: &str) -> bool {
    browser::own(&request.headers).is_some_and(|own| secret::are_equal(&fingerprint(&own), hash))
}

impl Origin {
    /// The browser, which alone may go on with what comes of it; an app is answered at once and has none.
    pub(super) fn browser(&self) -> Option<String> {
        match self {
            Self::Browser { hash, .. } => Some(hash.clone()),
            Self::App { .. } => None,
        }
    }
}
