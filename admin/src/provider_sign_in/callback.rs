//! `GET` and `POST /api/v1/oauth/{provider}/callback`: a user returns from a provider.
//!
//! The provider redirects a browser here; an app intercepts that URL and posts its parameters. A browser whose flow names
//! a page to return to gets there in any case, once its state is known: with a code, or with the code of a problem. A
//! request that a browser repeats within a minute leads to the same place.

use deserr::Deserr;
use serde_json::json;
use utoipa::ToSchema;

use super::flow::{CodeVerifier, Flow, FlowPurpose, Initiator};
use super::identity::ProviderIdentity;
use super::linking::provider::{confirm, join};
use super::one_time::{self, Claim, OneTimeKind};
use super::outcome::{CallbackAnswer, FinishedFlow, Outcome};
use super::path::{of_provider, provider};
use super::prove_again::identify;
use super::resolve::resolve;
use super::return_to::ReturnTo;
use super::{browser, failure, secret};
use crate::api::text::{Opaque, text_type};
use crate::api::{Access, Code, Findings, Operation, Problem, Request, Response, Shape};
use crate::metrics::CallbackOutcome;
use crate::providers::{CodeGrant, Provider, ProviderError};
use crate::sessions::pair;
use crate::users::profile;

/// The longest parameter in bytes. The standard has no limit for a code, and providers send codes of several kilobytes;
/// nginx reads a request line of 32 KiB.
const MAX_PARAMETER: usize = 8 * 1024;

/// The parameters of an authorization response (RFC 6749, sections 4.1.2 and 4.1.2.1), as an app posts them.
#[derive(Deserr, ToSchema)]
#[schema(as = ProviderAnswer)]
#[serde(deny_unknown_fields)]
#[deserr(error = Findings, deny_unknown_fields)]
struct Body {
    /// The state of the authorization request.
    #[schema(value_type = String, pattern = "^[A-Za-z0-9_-]{43}$")]
    state: Opaque,
    /// The authorization code; absent when there is an `error`.
    #[deserr(default)]
    #[schema(value_type = Option<String>, pattern = "^[ -~]+$", min_length = 1, max_length = 8192)]
    code: Option<Visible>,
    /// The provider's error code, when there is no `code`.
    #[deserr(default)]
    #[schema(value_type = Option<String>, pattern = "^[ -~]+$", min_length = 1, max_length = 8192)]
    error: Option<Visible>,
    /// From VK ID.
    #[deserr(default)]
    #[schema(value_type = Option<String>, pattern = "^[ -~]+$", min_length = 1, max_length = 8192)]
    device_id: Option<Visible>,
    /// The issuer of the response, where the provider sends it (RFC 9207).
    #[deserr(default)]
    #[schema(value_type = Option<String>, pattern = "^[ -~]+$", min_length = 1, max_length = 8192)]
    iss: Option<Visible>,
    /// The verifier of the challenge that the sign-in was started with; without one the cookie is used.
    #[deserr(default)]
    #[schema(value_type = Option<String>, pattern = "^[A-Za-z0-9._~-]{43,128}$")]
    code_verifier: Option<CodeVerifier>,
}

text_type!(
    /// A parameter that the provider sends.
    Visible, parameter
);

fn parameter(text: &str) -> Result<String, &'static str> {
    match is_visible(text) {
        true => Ok(text.to_owned()),
        false => Err("Must be 1 to 8192 characters of visible ASCII or spaces."),
    }
}

/// VSCHAR of RFC 6749, appendix A.
fn is_visible(text: &str) -> bool {
    (1..=MAX_PARAMETER).contains(&text.len()) && text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

/// The parameters of an authorization response, from a browser or an app.
#[derive(Default)]
struct CallbackParameters {
    state: String,
    code: Option<String>,
    error: Option<String>,
    device_id: Option<String>,
    iss: Option<String>,
    code_verifier: Option<CodeVerifier>,
    is_app: bool,
}

impl From<Body> for CallbackParameters {
    fn from(body: Body) -> Self {
        Self {
            state: body.state.into(),
            code: body.code.map(String::from),
            error: body.error.map(String::from),
            device_id: body.device_id.map(String::from),
            iss: body.iss.map(String::from),
            code_verifier: body.code_verifier,
            is_app: true,
        }
    }
}

/// Describes the callback of a browser.
pub fn describe_get(operation: Operation) -> Operation {
    describe(operation)
        .summary("Provider callback (browser).")
        .detail(
            "The provider redirects the browser here. Other parameters are ignored.\n\n\
             A prefetch is refused, and the same request within a minute gets the same response.\n\n\
             If the sign-in was started with `return_to` and the state is valid, its outcome is always a redirect to \
             that page. The query has one of: `one_time_code` (send it to `/oauth/exchange`); `linked` (the \
             provider's identifier); `error` (a problem code, and, if the user has to confirm a link or decline, a \
             `flow` for `/oauth/link/show`). Without such a page, a failed request with `Accept: text/html` is \
             redirected to the first page of `ADMIN_OAUTH_RETURN_TO`, with the `error`.",
        )
        .query("state", "The state of the authorization request.", Shape::text("bJ3t1mR0t8nYk6w2Qv5xZ7aC9dE1fG3hI5jK7lM9nO0"))
        .query("code", "The authorization code.", visible("4/0AeanS0ZQ"))
        .query("error", "The provider's error code, when there is no `code`.", visible("access_denied"))
        .query("device_id", "From VK ID.", visible("d-1"))
        .query("iss", "The issuer of the response (RFC 9207).", visible("https://accounts.google.com"))
        .link()
        .empty(303, "The browser is redirected to the return page.")
        .answer_header(303, "Location", "That page, with the outcome.")
}

/// Describes the callback of an app.
pub fn describe_post(operation: Operation) -> Operation {
    describe(operation)
        .summary("Provider callback (native app).")
        .detail("The app posts the callback's query parameters; the response contains the result and is not a redirect.")
        .body::<Body>(json!({
            "state": "bJ3t1mR0t8nYk6w2Qv5xZ7aC9dE1fG3hI5jK7lM9nO0",
            "code": "4/0AeanS0ZQ",
            "code_verifier": "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
        }))
}

/// The shape of what a provider sends: visible characters and spaces.
fn visible(example: &str) -> Shape {
    Shape::text(example).pattern("^[ -~]+$").length(1..=8192)
}

fn describe(operation: Operation) -> Operation {
    of_provider(operation)
        .tag("Providers")
        .access(Access::Public)
        .for_people()
        .answer::<CallbackAnswer>(
            200,
            "A session's token pair; or, after linking, the provider.",
            pair::example(),
        )
        .problems(&[
            Code::StateInvalid,
            Code::CodeExpired,
            Code::AccessDenied,
            Code::IdentityOfAnother,
            Code::AccountDisabled,
            Code::AccountFrozen,
            Code::ErasurePending,
            Code::RegistrationClosed,
            Code::EmailTaken,
            Code::ConsentRequired,
            Code::LinkConfirmationRequired,
            Code::EmailProofRequired,
            Code::EmailProofOffered,
            Code::OauthAccountInUse,
            Code::OauthProviderLinked,
            Code::TokenRevoked,
            Code::ProviderError,
            Code::ProviderTimeout,
            Code::ProviderUnavailable,
            Code::TooManySessions,
        ])
}

/// Answers a browser.
///
/// # Errors
///
/// Each problem of the description, unless there is a page to return to.
pub async fn handle_get(request: Request) -> Result<Response, Problem> {
    let (mut parameters, mut state, mut is_repeated) = (CallbackParameters::default(), None, false);
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
        Some(page) => Ok(page.with_error(&problem)),
        None => Err(problem),
    })
}

/// Answers an app.
///
/// # Errors
///
/// Each problem of the description.
pub async fn handle_post(request: Request) -> Result<Response, Problem> {
    let form = request.form()?;
    let [code, error, device] = ["code", "error", "device_id"].map(|name| form.has(name));
    let (body, mut found) = form.read::<Body>();
    if !code && !error {
        found.add("code", "field_missing", "Is required, unless there is an `error`.");
    }
    if !error && !device && provider(&request)?.needs_device() {
        found.add("device_id", "field_missing", "Is required with the `code` of this provider.");
    }
    finish(&request, &CallbackParameters::from(found.finish(body)?)).await
}

/// Finishes the flow of the state, once and only for the client that started it: an app sends its verifier, and a
/// browser is recognised by its cookie.
///
/// # Errors
///
/// 400 `state_invalid` when the state is unknown, was used, belongs to another provider, or was created for another
/// browser or app; each problem of the outcome, unless there is a page to return to; 503 without Redis.
async fn finish(request: &Request, parameters: &CallbackParameters) -> Result<Response, Problem> {
    let (context, provider) = (&request.context, provider(request)?);
    let verifier = parameters.code_verifier.as_ref();
    let initiator = Initiator::of(&request.headers, verifier);
    let own = verifier.map(|verifier| verifier.as_ref().to_owned());
    let own = own.or_else(|| browser::own(&request.headers)).unwrap_or_default();
    let (state, owner) = (parameters.state.as_str(), initiator.owner_at(provider.id()));
    let unknown = || {
        Problem::new(Code::StateInvalid)
            .detail("Start again and finish the sign-in in the same browser or app.")
    };
    let claim = async {
        let (attempt, name) = (parameters.attempt(provider)?, (OneTimeKind::Flow, state));
        one_time::claim::<Flow, FinishedFlow>(context, name, &owner, attempt).await?.ok_or_else(unknown)
    };
    let count = |outcome| context.metrics.provider_callback(provider.id(), outcome);
    let refused = |problem: &Problem| count(CallbackOutcome::Failed(problem.code().as_str()));
    let (flow, ticket) = match claim.await.inspect_err(refused)? {
        Claim::First(flow, ticket) => (flow, ticket),
        Claim::Again(ended) => {
            count(CallbackOutcome::Repeated);
            return ended.respond(context, &request.client, provider, [state, &own]).await;
        }
    };
    let page = flow.return_to.clone().filter(|_| !parameters.is_app);
    let outcome = complete(request, provider, parameters, (&flow, &own), page.is_some()).await;
    let outcome = outcome.unwrap_or_else(|problem| (&problem).into());
    FinishedFlow { page, outcome }
        .keep_and_respond(context, &request.client, provider, ticket, &initiator, [state, &own])
        .await
}

/// Completes the flow: identifies the user at the provider, and resolves who that is here.
async fn complete(
    request: &Request,
    provider: &Provider,
    parameters: &CallbackParameters,
    (flow, own): (&Flow, &str),
    is_for_page: bool,
) -> Result<Outcome, Problem> {
    let context = &request.context;
    let code = match (parameters.error.as_deref(), parameters.code.as_deref()) {
        (None, Some(code)) => code,
        (Some("access_denied"), _) => return Err(Problem::new(Code::AccessDenied)),
        (error, _) => return Err(failure::problem(provider, &ProviderError::rejected(error))),
    };
    let grant = CodeGrant {
        code,
        verifier: flow.verifier.as_deref().unwrap_or(own),
        state: &parameters.state,
        nonce: &flow.nonce,
        issuer: parameters.iss.as_deref(),
        device: parameters.device_id.as_deref(),
    };
    let identity = provider.identify(&grant, context.clock.unix_seconds()).await;
    let identity = identity.map_err(|error| failure::problem(provider, &error))?;
    let identity = ProviderIdentity {
        provider,
        subject: identity.subject,
        email: identity.email.as_deref().and_then(|email| email.parse().ok()),
        is_email_vouched: identity.is_email_vouched,
        is_email_authoritative: identity.is_email_authoritative,
        display_name: identity.name.as_deref().and_then(profile::name_from),
        consent: flow.consent.clone(),
    };
    let actor = request.actor();
    match &flow.purpose {
        FlowPurpose::SignIn => resolve(context, &actor, None, &identity, is_for_page).await,
        FlowPurpose::Link(link) => resolve(context, &actor, Some(*link), &identity, is_for_page).await,
        FlowPurpose::Prove(asking) => identify(context, *asking, &identity).await,
        FlowPurpose::Confirm(pending) => confirm(context, &actor, pending, &identity, is_for_page).await,
        FlowPurpose::Join(pending) => join(context, &actor, pending, &identity, is_for_page).await,
    }
}

impl CallbackParameters {
    /// By what a repeated callback is recognised, if this provider may have sent the parameters.
    ///
    /// # Errors
    ///
    /// 400 `request_malformed`, before anything is looked up.
    fn attempt(&self, provider: &Provider) -> Result<String, Problem> {
        let mut parameters = [&self.code, &self.error, &self.device_id, &self.iss].into_iter().flatten();
        if !parameters.all(|text| is_visible(text)) {
            return Err(malformed(
                "`code`, `error`, `device_id` and `iss` must be 1 to 8192 characters of visible ASCII or spaces.",
            ));
        }
        if self.error.is_none() && self.code.is_none() {
            return Err(malformed("`code` or `error` is required."));
        }
        if self.error.is_none() && provider.needs_device() && self.device_id.is_none() {
            return Err(malformed("`device_id` is required."));
        }
        let [code, error] = [&self.code, &self.error].map(|text| text.as_deref().unwrap_or_default());
        Ok(secret::derived("callback", [code, error]))
    }
}

fn malformed(why: &str) -> Problem {
    Problem::new(Code::RequestMalformed).detail(why)
}
