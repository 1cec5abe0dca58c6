//! Starts a flow: the authorization request that a browser is sent to a provider with (RFC 6749, section 4.1.1).

use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Serialize;
use serde_json::{Value, json};
use url::Url;
use utoipa::ToSchema;

use super::failure;
use super::flow::{Flow, FlowPurpose, Initiator};
use super::one_time::{self, NewValue, OneTimeKind};
use super::return_to::{ReturnTo, redirect};
use super::{browser, secret};
use crate::actor::Actor;
use crate::api::{Problem, Response};
use crate::context::Context;
use crate::guessing::LimitedRoute;
use crate::metrics::CallbackOutcome;
use crate::permit::{Permit, Tried};
use crate::providers::{AuthorizationRequest, Provider};

/// The request of a client that starts a flow.
pub(super) struct FlowStart<'s> {
    pub(super) provider: &'s Provider,
    pub(super) purpose: FlowPurpose,
    pub(super) return_to: Option<ReturnTo>,
    /// The challenge of an app that keeps its verifier. A browser has none, and is recognised by its cookie.
    pub(super) challenge: Option<String>,
    /// The version to which the user consents, if an account is created.
    pub(super) consent: Option<String>,
}

/// Where the browser must go, and the cookie that it must keep.
pub(crate) struct Started {
    url: Url,
    cookie: Option<HeaderValue>,
}

/// The URL to open.
#[derive(Serialize, ToSchema)]
#[schema(as = AuthorizationUrl)]
pub(super) struct AuthorizationUrl {
    /// The provider's page.
    #[schema(format = "uri")]
    authorize_url: String,
}

/// An example of [`AuthorizationUrl`].
pub(super) fn example() -> Value {
    json!({
        "authorize_url": "https://accounts.google.com/o/oauth2/v2/auth?response_type=code&client_id=cinema&..."
    })
}

/// Stores the flow and builds its authorization request. `headers` are those of the client.
///
/// # Errors
///
/// 429 `too_many_attempts`; 502, 503 or 504 when the provider's endpoints are unknown or its circuit breaker is open;
/// 503 without Redis.
pub(super) async fn start(
    context: &Context,
    actor: &Actor,
    headers: &HeaderMap,
    start: FlowStart<'_>,
) -> Result<Started, Problem> {
    let tried = Tried { route: LimitedRoute::ProviderStart, identifier: "", session: &[], account: None };
    let permit = Permit::take(context, actor, tried).await?;
    let (state, nonce) = (secret::new(&*context.random)?, secret::new(&*context.random)?);
    let (initiator, verifier, challenge, cookie) = match start.challenge {
        Some(challenge) => (Initiator::App { challenge: challenge.clone() }, None, challenge, None),
        None => {
            let own = browser::own_or_new(headers, &*context.random)?;
            let (verifier, cookie) = (secret::new(&*context.random)?, browser::cookie(&own));
            let challenge = secret::challenge(&verifier);
            (Initiator::Browser(own), Some(verifier), challenge, Some(cookie))
        }
    };
    let request = AuthorizationRequest { state: &state, challenge: &challenge, nonce: &nonce };
    let url = start.provider.authorize_url(&request).await.map_err(|error| {
        let problem = failure::problem(start.provider, &error);
        let outcome = CallbackOutcome::Failed(problem.code().as_str());
        context.metrics.provider_callback(start.provider.id(), outcome);
        problem
    })?;
    let flow =
        Flow { purpose: start.purpose, return_to: start.return_to, nonce, verifier, consent: start.consent };
    let owner = initiator.owner_at(start.provider.id());
    one_time::store(context, &NewValue::new(OneTimeKind::Flow, state, owner, &flow)?).await?;
    permit.succeeded().await;
    Ok(Started { url, cookie })
}

impl Started {
    /// The provider's page.
    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    /// The cookie that the browser must keep, if it has none yet.
    pub(crate) fn cookie(&self) -> Option<&HeaderValue> {
        self.cookie.as_ref()
    }

    /// For a client that opens the URL itself.
    pub(super) fn as_json(&self) -> Response {
        let body = AuthorizationUrl { authorize_url: self.url.to_string() };
        self.with_cookie(Response::json(StatusCode::OK, &body))
    }

    /// For a browser.
    pub(super) fn as_redirect(&self) -> Response {
        self.with_cookie(redirect(StatusCode::FOUND, self.url.as_str()))
    }

    fn with_cookie(&self, response: Response) -> Response {
        match &self.cookie {
            Some(cookie) => response.with_cookie(cookie.clone()),
            None => response,
        }
    }
}
