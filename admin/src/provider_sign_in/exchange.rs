//! `POST /api/v1/oauth/exchange`: the one-time code of a page for a pair of tokens.

use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::begin::is_from;
use super::secret;
use super::sign_in::{Proven, sign_in};
use crate::api::{Access, Code, Operation, Problem, Request, Response};
use crate::pending::Kind;
use crate::sessions::session::Device;
use crate::sessions::{Pair, mint};

/// A code that a browser came back to its page with.
#[derive(Deserialize, ToSchema)]
#[schema(as = OneTimeCode)]
#[serde(deny_unknown_fields)]
struct Body {
    #[schema(pattern = "^[A-Za-z0-9_-]{43}$")]
    one_time_code: String,
}

/// Somebody whose page is about to fetch the tokens.
#[derive(Serialize, Deserialize)]
pub(super) struct Waiting {
    pub(super) proven: Proven,
    /// The hash of their browser's secret.
    pub(super) browser: String,
}

/// Documents the endpoint.
pub fn describe(operation: Operation) -> Operation {
    operation
        .tag("Providers")
        .summary("Get the tokens after a sign-in through a provider.")
        .detail(
            "The code counts once, for a minute, and only in the browser that began the sign-in: its cookie has to \
             come with it.",
        )
        .access(Access::Public)
        .body::<Body>(json!({ "one_time_code": "bJ3t1mR0t8nYk6w2Qv5xZ7aC9dE1fG3hI5jK7lM9nO0" }))
        .answer::<Pair>(200, "The token pair of the session.", mint::example())
        .problems(&[Code::CodeExpired, Code::AccountDisabled])
}

/// Handles the request.
///
/// # Errors
///
/// 410 `code_expired` for a code that is not known, was used, or is another browser's; 403 `account_disabled`; 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    let body: Body = request.json()?;
    let gone = || Problem::new(Code::CodeExpired).detail("Begin the sign-in again.");
    if !secret::has_the_form(&body.one_time_code) {
        return Err(gone());
    }
    let waiting: Option<Waiting> = request.context.pending.take(Kind::Code, &body.one_time_code).await?;
    let waiting = waiting.filter(|waiting| is_from(&request, &waiting.browser)).ok_or_else(gone)?;
    let device = Device::of(&request.client, None);
    let signed_in = sign_in(&request, &waiting.proven, &device, Code::CodeExpired).await;
    // What went wrong here is no fault of theirs: they may come again with it.
    if signed_in.as_ref().is_err_and(|problem| problem.code().status().is_server_error()) {
        request.context.pending.put(Kind::Code, &body.one_time_code, &waiting).await?;
    }
    Ok(Response::json(StatusCode::OK, &signed_in?))
}
