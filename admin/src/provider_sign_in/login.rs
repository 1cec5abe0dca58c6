//! `GET /api/v1/oauth/{provider}/login`: sends a browser, or an app, to a provider.

use http::{StatusCode, header};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::begin::{Aim, Start, Started, check_challenge, start};
use super::return_to::{self, ReturnTo, accepts};
use super::{of_provider, provider};
use crate::api::{Access, Code, Operation, Problem, Query, Request, Response, Shape};

/// Where to go.
#[derive(Serialize, ToSchema)]
#[schema(as = Departure)]
pub(super) struct Departure {
    /// The provider's page.
    #[schema(format = "uri")]
    authorize_url: String,
}

/// Documents the endpoint.
pub fn describe(operation: Operation) -> Operation {
    of_provider(operation)
        .tag("Providers")
        .summary("Begin to sign in through a provider.")
        .detail(
            "A browser is sent to the provider, and comes back to the callback within ten minutes. It keeps a cookie \
             until then, without which nobody can go on in its place.\n\n\
             With `Accept: application/json` the address is answered instead. An app that cannot keep cookies makes a \
             verifier (RFC 7636), gives its challenge here, and posts the verifier to the callback.",
        )
        .access(Access::Public)
        .query(
            "return_to",
            "The page to come back to in the end, one that the operator listed.",
            Shape::text("http://127.0.0.1:8080/sign-in/"),
        )
        .query(
            "code_challenge",
            "The challenge of an app's own verifier, method S256.",
            Shape::text("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM").pattern("^[A-Za-z0-9_-]{43}$"),
        )
        .answer::<Departure>(200, "Where to go; only if asked for as JSON.", example())
        .empty(302, "There.")
        .answer_header(302, "Location", "The provider's page.")
        .empty(303, "Back to the page to return to, because the provider cannot be asked.")
        .answer_header(303, "Location", "That page, with `error`.")
        .without_head()
        .problems(&[
            Code::ReturnToNotAllowed,
            Code::ValidationFailed,
            Code::ProviderError,
            Code::ProviderTimeout,
            Code::ProviderUnavailable,
        ])
}

/// A departure for the document.
pub(super) fn example() -> serde_json::Value {
    json!({
        "authorize_url": "https://accounts.google.com/o/oauth2/v2/auth?response_type=code&client_id=cinema&..."
    })
}

/// Handles the request.
///
/// # Errors
///
/// 404 `provider_unknown`; 422 `return_to_not_allowed` or `validation_failed`; 502, 503 or 504 when the provider
/// cannot be asked; 503 while Redis is away.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    let provider = provider(&request)?;
    let query = Query::read(&request, &["return_to", "code_challenge"])?;
    let return_to = query.get("return_to").map(|page| ReturnTo::read(&request, page)).transpose()?;
    let challenge = query.get("code_challenge").map(str::to_owned);
    check_challenge(challenge.as_deref())?;
    let page = return_to.clone();
    let started = start(&request, Start { provider, aim: Aim::SignIn, return_to, challenge }).await;
    match (started, page) {
        (started, _) if accepts(&request.headers, "application/json") => Ok(started?.as_json()),
        (Ok(started), _) => Ok(started.as_redirect()),
        (Err(problem), Some(page)) => Ok(page.tell(&problem)),
        (Err(problem), None) => Err(problem),
    }
}

impl Started {
    /// For whoever goes there by itself.
    pub(super) fn as_json(&self) -> Response {
        let departure = Departure { authorize_url: self.url.to_string() };
        self.with_cookie(Response::json(StatusCode::OK, &departure))
    }

    fn as_redirect(&self) -> Response {
        self.with_cookie(return_to::redirect(StatusCode::FOUND, self.url.as_str()))
    }

    fn with_cookie(&self, response: Response) -> Response {
        match &self.cookie {
            Some(cookie) => response.with_header(header::SET_COOKIE, cookie.clone()),
            None => response,
        }
    }
}
