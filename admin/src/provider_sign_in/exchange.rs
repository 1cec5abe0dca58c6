//! `POST /api/v1/oauth/exchange`: exchanges the one-time code of a page for a token pair.

use deserr::Deserr;
use serde_json::json;
use utoipa::ToSchema;

use super::browser;
use super::flow::browser_owner;
use super::one_time::{self, Claim, OneTimeKind, Ticket};
use super::sign_in::{ProviderProof, sign_in};
use crate::api::text::Opaque;
use crate::api::{Access, Code, Findings, Operation, Problem, Request, Response};
use crate::sessions::{Pair, mint, pair_again};

/// The value of `one_time_code` in the URL of the return page.
#[derive(Deserr, ToSchema)]
#[schema(as = OneTimeCode)]
#[serde(deny_unknown_fields)]
#[deserr(error = Findings, deny_unknown_fields)]
struct Body {
    #[schema(value_type = String, pattern = "^[A-Za-z0-9_-]{43}$")]
    one_time_code: Opaque,
}

/// Describes the endpoint.
pub fn describe(operation: Operation) -> Operation {
    operation
        .tag("Providers")
        .summary("Get the tokens after a sign-in through a provider.")
        .detail(
            "The code is valid once, for a minute, and only with the cookie of the browser that started the sign-in. \
             The same request, repeated within a minute, returns tokens of the same session.",
        )
        .access(Access::Public)
        .for_people()
        .body::<Body>(json!({ "one_time_code": "bJ3t1mR0t8nYk6w2Qv5xZ7aC9dE1fG3hI5jK7lM9nO0" }))
        .answer::<Pair>(200, "The session's token pair.", mint::example())
        .problems(&[Code::CodeExpired, Code::AccountDisabled, Code::TooManySessions])
}

/// Handles the request.
///
/// # Errors
///
/// 410 `code_expired` when the code is unknown, used, or another browser's; 403 `account_disabled`; 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    let body: Body = request.form()?.finish()?;
    let expired = || Problem::new(Code::CodeExpired).detail("Start the sign-in again.");
    let own = browser::own(&request.headers).unwrap_or_default();
    let value = (OneTimeKind::SignIn, body.one_time_code.as_ref());
    let attempt = "exchange".to_owned();
    let claim = one_time::claim(&request.context, value, &browser_owner(&own), attempt).await?;
    let pair = match claim.ok_or_else(expired)? {
        Claim::First(proof, ticket) => open(&request, &proof, ticket).await?,
        Claim::Again(session) => {
            pair_again(&request.context, &request.client, session).await?.ok_or_else(expired)?
        }
    };
    Ok(pair.respond())
}

/// Opens the session, and keeps its identifier for a repeated request.
async fn open(request: &Request, proof: &ProviderProof, ticket: Ticket) -> Result<Pair, Problem> {
    let context = &request.context;
    match sign_in(context, &request.actor(), proof).await {
        Ok(opened) => {
            one_time::keep(context, ticket, &opened.session).await;
            Ok(opened.pair)
        }
        Err(problem) => {
            // The client may send the code again after an error of ours.
            if problem.code().status().is_server_error() {
                one_time::release(context, ticket, proof).await;
            } else {
                one_time::discard(context, ticket).await;
            }
            Err(problem)
        }
    }
}
