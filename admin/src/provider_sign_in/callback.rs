//! `GET` and `POST /api/v1/oauth/{provider}/callback`: a user returns from a provider.
//!
//! The provider redirects a browser here; an app intercepts that URL and posts its parameters. A browser whose flow names
//! a page to return to gets there in any case, once its state is known: with a code, or with the code of a problem.

use http::HeaderMap;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::flow::{Flow, Initiator};
use super::identity::ProviderIdentity;
use super::one_time::{self, Kind};
use super::outcome::{self, respond};
use super::path::{of_provider, provider};
use super::resolve::resolve;
use super::return_to::ReturnTo;
use super::{browser, failure, secret};
use crate::api::{Access, Code, Operation, Problem, Request, Response, Shape};
use crate::context::Context;
use crate::providers::{CodeGrant, Provider, ProviderError};
use crate::sessions::mint;

/// The longest accepted parameters in bytes; real ones are far shorter.
const MAX_CODE: usize = 1024;
const MAX_DEVICE: usize = 256;
const MAX_ISSUER: usize = 2048;
const MAX_ERROR: usize = 256;

/// The parameters of an authorization response (RFC 6749, sections 4.1.2 and 4.1.2.1), as an app posts them.
#[derive(Default, Deserialize, ToSchema)]
#[schema(as = ProviderAnswer)]
#[serde(deny_unknown_fields)]
struct Parameters {
    /// The state of the authorization request.
    #[schema(pattern = "^[A-Za-z0-9_-]{43}$")]
    state: String,
    /// The authorization code; absent when there is an `error`.
    #[schema(min_length = 1, max_length = 1024)]
    code: Option<String>,
    /// The provider's error code, when there is no `code`.
    #[schema(max_length = 256)]
    error: Option<String>,
    /// From VK ID.
    #[schema(max_length = 256)]
    device_id: Option<String>,
    /// The issuer of the response, where the provider sends it (RFC 9207).
    #[schema(max_length = 2048)]
    iss: Option<String>,
    /// The verifier of the challenge that the sign-in was started with; without one the cookie is used.
    #[schema(pattern = "^[A-Za-z0-9._~-]{43,128}$")]
    code_verifier: Option<String>,
    #[serde(skip)]
    is_app: bool,
}

/// A flow, and the PKCE verifier with which its code is exchanged.
struct Claimed {
    flow: Flow,
    verifier: String,
}

/// Describes the callback of a browser.
pub fn describe_get(operation: Operation) -> Operation {
    describe(operation)
        .summary("Provider callback (browser).")
        .detail(
            "The provider redirects the browser here. Other parameters are ignored.\n\n\
             If the sign-in was started with `return_to` and the state is valid, the browser is redirected there in \
             any case: with `one_time_code`, for `/oauth/exchange`; with `linked`, the provider's name; or with \
             `error`, a problem's code, and, for `link_confirmation_required`, a `flow`. A request with \
             `Accept: text/html` and without such a page is redirected to the first of the operator's pages, with the \
             `error`.",
        )
        .query("state", "The state of the authorization request.", Shape::text("bJ3t1mR0t8nYk6w2Qv5xZ7aC9dE1fG3hI5jK7lM9nO0"))
        .query("code", "The authorization code.", Shape::text("4/0AeanS0ZQ").length(1..=1024))
        .query("error", "The provider's error code, when there is no `code`.", Shape::text("access_denied"))
        .query("device_id", "From VK ID.", Shape::text("d-1").length(1..=256))
        .query("iss", "The issuer of the response (RFC 9207).", Shape::text("https://accounts.google.com"))
        .without_head()
        .empty(303, "The browser is redirected to the page to return to.")
        .answer_header(303, "Location", "That page, with the outcome.")
}

/// Describes the callback of an app.
pub fn describe_post(operation: Operation) -> Operation {
    describe(operation)
        .summary("Provider callback (native app).")
        .detail("The app posts the callback's query parameters; the response is immediate.")
        .body::<Parameters>(json!({
            "state": "bJ3t1mR0t8nYk6w2Qv5xZ7aC9dE1fG3hI5jK7lM9nO0",
            "code": "4/0AeanS0ZQ",
            "code_verifier": "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
        }))
}

fn describe(operation: Operation) -> Operation {
    of_provider(operation)
        .tag("Providers")
        .access(Access::Public)
        .answer::<outcome::Body>(
            200,
            "A session's token pair; or, after linking, the provider.",
            mint::example(),
        )
        .problems(&[
            Code::StateInvalid,
            Code::AccessDenied,
            Code::AccountDisabled,
            Code::RegistrationClosed,
            Code::LinkConfirmationRequired,
            Code::EmailProofRequired,
            Code::OauthAccountInUse,
            Code::OauthProviderLinked,
            Code::TokenRevoked,
            Code::ProviderError,
            Code::ProviderTimeout,
            Code::ProviderUnavailable,
        ])
}

/// Answers a browser.
///
/// # Errors
///
/// Each problem of the description, unless there is a page to return to.
pub async fn handle_get(request: Request) -> Result<Response, Problem> {
    let (mut parameters, mut state, mut is_repeated) = (Parameters::default(), None, false);
    // Providers add parameters of their own. Each of ours may appear once.
    for (name, value) in request.query_pairs() {
        let parameter = match name.as_str() {
            "state" => &mut state,
            "code" => &mut parameters.code,
            "error" => &mut parameters.error,
            "device_id" => &mut parameters.device_id,
            "iss" => &mut parameters.iss,
            _ => continue,
        };
        is_repeated |= parameter.replace(value).is_some();
    }
    parameters.state = state.unwrap_or_default();
    let response = match is_repeated {
        true => Err(malformed("Duplicate parameter.")),
        false => finish(&request, &parameters).await,
    };
    response.or_else(|problem| match ReturnTo::default_for(&request.context, &request.headers) {
        Some(page) => Ok(browser::renew(&request.headers, page.with_error(&problem))),
        None => Err(problem),
    })
}

/// Answers an app.
///
/// # Errors
///
/// Each problem of the description.
pub async fn handle_post(request: Request) -> Result<Response, Problem> {
    let parameters: Parameters = request.json()?;
    finish(&request, &Parameters { is_app: true, ..parameters }).await
}

/// Finishes the flow of the state: claims it, identifies the user at the provider, and resolves who that is here.
async fn finish(request: &Request, parameters: &Parameters) -> Result<Response, Problem> {
    let context = &request.context;
    let provider = provider(request)?;
    parameters.check(provider)?;
    let mut page = None;
    let outcome = async {
        let Claimed { flow, verifier } = claim(context, &request.headers, provider, parameters).await?;
        page = flow.return_to.clone().filter(|_| !parameters.is_app);
        let code = match (parameters.error.as_deref(), parameters.code.as_deref()) {
            (None, Some(code)) => code,
            (Some("access_denied"), _) => return Err(Problem::new(Code::AccessDenied)),
            (error, _) => return Err(failure::problem(provider, &ProviderError::rejected(error))),
        };
        let grant = CodeGrant {
            code,
            verifier: &verifier,
            state: &parameters.state,
            nonce: &flow.nonce,
            issuer: parameters.iss.as_deref(),
            device: parameters.device_id.as_deref(),
        };
        let identity = provider.identify(&grant, context.clock.unix_seconds()).await;
        let identity = identity.map_err(|error| failure::problem(provider, &error))?;
        let identity = ProviderIdentity::new(provider, identity);
        resolve(context, &request.actor(), &flow, &identity, page.as_ref()).await
    };
    let outcome = outcome.await;
    respond(request, provider, page.as_ref(), outcome).await
}

/// Takes the flow of the state, once, at its provider, and only for the client that started it: an app sends its
/// verifier; a browser is recognised by the cookie in `headers`.
///
/// # Errors
///
/// 400 `state_invalid` when the state is unknown, belongs to another provider, or was created for another browser or
/// app; 503 without Redis.
async fn claim(
    context: &Context,
    headers: &HeaderMap,
    provider: &Provider,
    parameters: &Parameters,
) -> Result<Claimed, Problem> {
    let unknown = || {
        Problem::new(Code::StateInvalid)
            .detail("Start again and finish the sign-in in the same browser or app.")
    };
    let flow: Flow = one_time::take(context, Kind::Flow, &parameters.state).await?.ok_or_else(unknown)?;
    if flow.provider != provider.id() {
        return Err(unknown());
    }
    let verifier = match (&flow.initiator, parameters.code_verifier.as_deref()) {
        (Initiator::Browser { fingerprint, verifier }, None) if browser::is_from(headers, fingerprint) => {
            verifier.clone()
        }
        (Initiator::App { challenge }, Some(verifier)) if secret::is_verifier_of(verifier, challenge) => {
            verifier.to_owned()
        }
        (Initiator::Browser { .. } | Initiator::App { .. }, _) => return Err(unknown()),
    };
    Ok(Claimed { flow, verifier })
}

impl Parameters {
    /// Checks that this provider may have sent them, before anything is looked up.
    fn check(&self, provider: &Provider) -> Result<(), Problem> {
        let fits = |text: &Option<String>, most: usize| {
            let fits = |text: &String| {
                (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
            };
            text.as_ref().is_none_or(fits)
        };
        if !fits(&self.code, MAX_CODE) || !fits(&self.device_id, MAX_DEVICE) || !fits(&self.iss, MAX_ISSUER) {
            return Err(malformed(
                "`code`, `device_id` and `iss` must be visible ASCII, of at most 1024, 256 and 2048 characters.",
            ));
        }
        if let Some(error) = &self.error {
            let is_short = error.len() <= MAX_ERROR;
            return if is_short { Ok(()) } else { Err(malformed("`error` may be at most 256 bytes.")) };
        }
        if self.code.is_none() {
            return Err(malformed("`code` or `error` is required."));
        }
        if provider.needs_device() && self.device_id.is_none() {
            return Err(malformed("`device_id` is required."));
        }
        Ok(())
    }
}

fn malformed(why: &str) -> Problem {
    Problem::new(Code::RequestMalformed).detail(why)
}
