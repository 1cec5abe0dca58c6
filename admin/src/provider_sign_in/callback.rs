//! `GET` and `POST /api/v1/oauth/{provider}/callback`: somebody comes back from a provider.
//!
//! A browser is sent here by the provider; an app reads where it was to be sent, and posts what it read. A browser
//! that is to return to a page gets there, once its state is known, whatever comes of it: with a code, or with the word for what
//! went wrong.

use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::begin::{Begun, claim};
use super::browser;
use super::confirm::Unconfirmed;
use super::exchange::Waiting;
use super::return_to::ReturnTo;
use super::settle::{Comer, Settled, settle};
use super::sign_in::{Proven, sign_in};
use super::{failure, of_provider, provider, secret};
use crate::api::{Access, Code, Operation, Problem, Request, Response, Shape};
use crate::pending::Kind;
use crate::providers::{Grant, Provider, ProviderError};
use crate::sessions::session::Device;
use crate::sessions::{Pair, mint};

/// The longest of each that a provider sends, in bytes, with room to spare.
const MAX_CODE: usize = 1024;
const MAX_DEVICE: usize = 256;
const MAX_ISSUER: usize = 2048;
const MAX_ERROR: usize = 256;

/// What an app read from where it was to be sent.
#[derive(Deserialize, ToSchema)]
#[schema(as = ProviderAnswer)]
#[serde(deny_unknown_fields)]
struct Body {
    /// What it was sent with.
    #[schema(pattern = "^[A-Za-z0-9_-]{43}$")]
    state: String,
    /// What tokens are given for; or else there is an `error`.
    #[schema(min_length = 1, max_length = 1024)]
    code: Option<String>,
    /// The provider's word for why there is none.
    #[schema(max_length = 256)]
    error: Option<String>,
    /// From VK ID.
    #[schema(max_length = 256)]
    device_id: Option<String>,
    /// Whose answer it is, where the provider says so (RFC 9207).
    #[schema(max_length = 2048)]
    iss: Option<String>,
    /// Of the challenge that the sign-in was begun with; without one the cookie counts.
    #[schema(pattern = "^[A-Za-z0-9._~-]{43,128}$")]
    code_verifier: Option<String>,
}

/// What somebody came back with.
#[derive(Default)]
struct Return {
    state: String,
    code: Option<String>,
    error: Option<String>,
    device: Option<String>,
    issuer: Option<String>,
    verifier: Option<String>,
    is_app: bool,
}

/// A session's pair of tokens; or, for whoever came to link an account, where it is.
#[derive(Serialize, ToSchema)]
#[schema(as = CallbackAnswer)]
#[serde(untagged)]
enum Answered {
    SignedIn(Pair),
    Linked(Linked),
}

/// An account was linked.
#[derive(Serialize, ToSchema)]
struct Linked {
    /// The provider.
    linked: String,
}

/// The outcome.
enum Answer<'b> {
    SignedIn(Pair),
    /// For the page that is returned to.
    OneTimeCode(&'b ReturnTo, String),
    Linked,
}

/// What the document says of the way of a browser.
pub fn describe_get(operation: Operation) -> Operation {
    describe(operation)
        .summary("Come back from a provider, as a browser.")
        .detail(
            "The provider sends the browser here. What it adds beside these parameters is passed over.\n\n\
             Where the sign-in was begun with `return_to` and the state is good, the browser goes there in any case: with `one_time_code`, \
             for `/oauth/exchange`; with `linked`, the provider's name; or with `error`, a problem's code, and, for \
             `link_confirmation_required`, a `flow`. Who comes with `Accept: text/html` and no such page goes to the first of the \
             operator's pages, with the `error`.",
        )
        .query("state", "What it was sent with.", Shape::text("bJ3t1mR0t8nYk6w2Qv5xZ7aC9dE1fG3hI5jK7lM9nO0"))
        .query("code", "What tokens are given for.", Shape::text("4/0AeanS0ZQ").length(1..=1024))
        .query("error", "The provider's word for why there is no code.", Shape::text("access_denied"))
        .query("device_id", "From VK ID.", Shape::text("d-1").length(1..=256))
        .query("iss", "Whose answer it is (RFC 9207).", Shape::text("https://accounts.google.com"))
        .without_head()
        .empty(303, "The page to return to.")
        .answer_header(303, "Location", "That page, with what came of it.")
}

/// What the document says of the way of an app.
pub fn describe_post(operation: Operation) -> Operation {
    describe(operation)
        .summary("Come back from a provider, as an app.")
        .detail("The app sends what it was to be sent to the callback with. It is answered at once.")
        .body::<Body>(json!({
            "state": "bJ3t1mR0t8nYk6w2Qv5xZ7aC9dE1fG3hI5jK7lM9nO0",
            "code": "4/0AeanS0ZQ",
            "code_verifier": "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
        }))
}

fn describe(operation: Operation) -> Operation {
    of_provider(operation)
        .tag("Providers")
        .access(Access::Public)
        .answer::<Answered>(
            200,
            "A session's pair of tokens; or, to link, the provider that is linked now.",
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
/// Each problem of the document, unless there is a page to return to.
pub async fn handle_get(request: Request) -> Result<Response, Problem> {
    let answer = match Return::from_query(&request) {
        Ok(returned) => complete(&request, &returned).await,
        Err(problem) => Err(problem),
    };
    match (answer, ReturnTo::usual(&request)) {
        (Err(problem), Some(page)) => Ok(browser::stay(&request, page.tell(&problem))),
        (answer, _) => answer,
    }
}

/// Answers an app.
///
/// # Errors
///
/// Each problem of the document.
pub async fn handle_post(request: Request) -> Result<Response, Problem> {
    let body: Body = request.json()?;
    complete(&request, &body.into()).await
}

async fn complete(request: &Request, returned: &Return) -> Result<Response, Problem> {
    let provider = provider(request)?;
    returned.check(provider)?;
    let metrics = &request.context.metrics;
    let count = |outcome| metrics.provider_callback(provider.id(), outcome);
    let claimed = claim(request, provider, &returned.state, returned.verifier.as_deref()).await;
    let (begun, verifier) = claimed.inspect_err(|problem| count(problem.code().as_str()))?;
    let page = begun.return_to.as_ref().filter(|_| !returned.is_app);
    let answer = answer(request, provider, returned, &begun, page, &verifier).await;
    count(match &answer {
        Ok(Answer::SignedIn(_) | Answer::OneTimeCode(..)) => "accepted",
        Ok(Answer::Linked) => "linked",
        Err(problem) => problem.code().as_str(),
    });
    respond(request, provider, answer, page)
}

/// At once, or by way of the page.
fn respond(
    request: &Request,
    provider: &Provider,
    answer: Result<Answer<'_>, Problem>,
    page: Option<&ReturnTo>,
) -> Result<Response, Problem> {
    match (answer, page) {
        (Ok(Answer::SignedIn(pair)), _) => Ok(Response::json(StatusCode::OK, &Answered::SignedIn(pair))),
        (Ok(Answer::OneTimeCode(page, code)), _) => {
            Ok(browser::stay(request, page.redirect(&[("one_time_code", &code)])))
        }
        (Ok(Answer::Linked), Some(page)) => Ok(page.redirect(&[("linked", provider.id())])),
        (Ok(Answer::Linked), None) => {
            let linked = Linked { linked: provider.id().to_owned() };
            Ok(Response::json(StatusCode::OK, &Answered::Linked(linked)))
        }
        (Err(problem), Some(page)) => Ok(browser::stay(request, page.tell(&problem))),
        (Err(problem), None) => Err(problem),
    }
}

async fn answer<'b>(
    request: &Request,
    provider: &Provider,
    returned: &Return,
    begun: &Begun,
    page: Option<&'b ReturnTo>,
    verifier: &str,
) -> Result<Answer<'b>, Problem> {
    let code = returned.code(provider)?;
    let grant = Grant {
        code,
        verifier,
        state: &returned.state,
        nonce: &begun.nonce,
        issuer: returned.issuer.as_deref(),
        device: returned.device.as_deref(),
    };
    let person = request.context.providers.identify(provider, &grant).await;
    let person = person.map_err(|error| failure::problem(provider, &error))?;
    let comer = Comer::new(provider, &person);
    match settle(request, &comer, begun.aim).await? {
        Settled::Linked => Ok(Answer::Linked),
        Settled::Confirm { user, rule, has_password: true } => {
            let flow = secret::new()?;
            let unconfirmed = Unconfirmed::new(user, rule, &comer, begun.origin.browser());
            request.context.pending.put(Kind::Flow, &flow, &unconfirmed).await?;
            Err(Problem::new(Code::LinkConfirmationRequired).flow(flow))
        }
        Settled::Confirm { has_password: false, .. } => Err(Problem::new(Code::LinkConfirmationRequired)
            .detail("Sign in as you did before, and link this account then.")),
        Settled::User(user) => {
            let (provider, subject) = (provider.id().to_owned(), person.subject);
            arrive(request, begun, page, Proven { user, provider, subject }).await
        }
    }
}

/// Somebody is let in: at once, or, by way of a page, with a code that the page is to fetch the tokens for.
async fn arrive<'b>(
    request: &Request,
    begun: &Begun,
    page: Option<&'b ReturnTo>,
    proven: Proven,
) -> Result<Answer<'b>, Problem> {
    match (page, begun.origin.browser()) {
        (Some(page), Some(browser)) => {
            let code = secret::new()?;
            request.context.pending.put(Kind::Code, &code, &Waiting { proven, browser }).await?;
            Ok(Answer::OneTimeCode(page, code))
        }
        (Some(_) | None, _) => {
            let device = Device::of(&request.client, None);
            Ok(Answer::SignedIn(sign_in(request, &proven, &device, Code::StateInvalid).await?))
        }
    }
}

impl Return {
    /// From the query, where providers put more than is asked for; what is asked for stands once.
    fn from_query(request: &Request) -> Result<Self, Problem> {
        let mut returned = Self::default();
        let mut state = None;
        for (name, value) in request.query_pairs() {
            let place = match name.as_str() {
                "state" => &mut state,
                "code" => &mut returned.code,
                "error" => &mut returned.error,
                "device_id" => &mut returned.device,
                "iss" => &mut returned.issuer,
                _ => continue,
            };
            if place.replace(value).is_some() {
                return Err(malformed("A parameter stands twice."));
            }
        }
        returned.state = state.unwrap_or_default();
        Ok(returned)
    }

    /// Asks that it is something that this provider sends, before anything is spent on it.
    fn check(&self, provider: &Provider) -> Result<(), Problem> {
        let fits = |text: &Option<String>, most: usize| {
            let fits = |text: &String| {
                (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
            };
            text.as_ref().is_none_or(fits)
        };
        if !fits(&self.code, MAX_CODE) || !fits(&self.device, MAX_DEVICE) || !fits(&self.issuer, MAX_ISSUER) {
            return Err(malformed("A code, device_id or iss is a short text of visible ASCII."));
        }
        if let Some(error) = &self.error {
            let is_short = error.len() <= MAX_ERROR;
            return if is_short { Ok(()) } else { Err(malformed("The error is too long.")) };
        }
        if self.code.is_none() {
            return Err(malformed("There is neither a code nor an error."));
        }
        if provider.needs_device() && self.device.is_none() {
            return Err(malformed("The device_id is missing."));
        }
        Ok(())
    }

    /// The code, or what the provider says instead.
    fn code(&self, provider: &Provider) -> Result<&str, Problem> {
        match (self.error.as_deref(), self.code.as_deref()) {
            (None, Some(code)) => Ok(code),
            (Some("access_denied"), _) => Err(Problem::new(Code::AccessDenied)),
            (error, _) => Err(failure::problem(provider, &ProviderError::refused(error))),
        }
    }
}

impl From<Body> for Return {
    fn from(body: Body) -> Self {
        Self {
            state: body.state,
            code: body.code,
            error: body.error,
            device: body.device_id,
            issuer: body.iss,
            verifier: body.code_verifier,
            is_app: true,
        }
    }
}

fn malformed(why: &str) -> Problem {
    Problem::new(Code::RequestMalformed).detail(why)
}
