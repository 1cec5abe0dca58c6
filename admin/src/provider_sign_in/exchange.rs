//! `POST /api/v1/oauth/exchange`: exchanges the one-time code of a page for a token pair.

use http::StatusCode;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::browser;
use super::one_time::{self, Kind};
use super::sign_in::{PendingSignIn, sign_in};
use crate::api::{Access, Code, Operation, Problem, Request, Response};
use crate::sessions::{Pair, mint};

/// The code with which the browser returned to its page.
#[derive(Deserialize, ToSchema)]
#[schema(as = OneTimeCode)]
#[serde(deny_unknown_fields)]
struct Body {
    #[schema(pattern = "^[A-Za-z0-9_-]{43}$")]
    one_time_code: String,
}

/// Describes the endpoint.
pub fn describe(operation: Operation) -> Operation {
    operation
        .tag("Providers")
        .summary("Get the tokens after a sign-in through a provider.")
        .detail(
            "The code is valid once, for a minute, and only with the cookie of the browser that started the sign-in.",
        )
        .access(Access::Public)
        .body::<Body>(json!({ "one_time_code": "bJ3t1mR0t8nYk6w2Qv5xZ7aC9dE1fG3hI5jK7lM9nO0" }))
        .answer::<Pair>(200, "The session's token pair.", mint::example())
        .problems(&[Code::CodeExpired, Code::AccountDisabled])
}

/// Handles the request.
///
/// # Errors
///
/// 410 `code_expired` when the code is unknown, used, or another browser's; 403 `account_disabled`; 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    let body: Body = request.json()?;
    let (context, code) = (&request.context, body.one_time_code.as_str());
    let pending: Option<PendingSignIn> = one_time::take(context, Kind::SignIn, code).await?;
    let pending = pending.filter(|pending| browser::is_from(&request.headers, &pending.browser));
    let expired = || Problem::new(Code::CodeExpired).detail("Start the sign-in again.");
    let pending = pending.ok_or_else(expired)?;
    let signed_in = sign_in(context, &request.actor(), &pending.proof).await;
    // The client may send the code again after an error of ours.
    if signed_in.as_ref().is_err_and(|problem| problem.code().status().is_server_error()) {
        one_time::store(context, Kind::SignIn, code, &pending).await?;
    }
    Ok(Response::json(StatusCode::OK, &signed_in?))
}
