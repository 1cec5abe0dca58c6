//! `POST /api/v1/oauth/exchange`: exchanges the one-time code of a page for a token pair.

use deserr::Deserr;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::flow::Initiator;
use super::one_time::{self, Claim, OneTimeKind};
use super::sign_in::{ProviderProof, sign_in};
use super::stored_identity::expired;
use crate::api::text::Opaque;
use crate::api::{Access, Code, Findings, Operation, Problem, Request, Response};
use crate::sessions::{Pair, pair, pair_again};

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
        .answer::<Pair>(200, "The session's token pair.", pair::example())
        .problems(&[Code::CodeExpired, Code::AccountDisabled, Code::ErasurePending, Code::TooManySessions])
}

/// Handles the request.
///
/// # Errors
///
/// 410 `code_expired` when the code is unknown, used, or another browser's; 403 `account_disabled`; 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    perform(request).await.map(|pair| pair.respond())
}

/// The user of the session that a code would open, for a page that asks before. `None` for one that is unknown, used, or another browser's.
///
/// # Errors
///
/// 503 without Redis.
pub(crate) async fn user_of(request: &Request, code: &str) -> Result<Option<Uuid>, Problem> {
    let owner = Initiator::of(&request.headers, None).owner_afterwards();
    let proof: Option<ProviderProof> =
        one_time::read(&request.context, (OneTimeKind::SignIn, code), &owner).await?;
    Ok(proof.map(|proof| proof.user))
}

/// What the endpoint does, for a page too.
pub(crate) async fn perform(request: Request) -> Result<Pair, Problem> {
    let body: Body = request.form()?.finish()?;
    let (context, owner) = (&request.context, Initiator::of(&request.headers, None).owner_afterwards());
    let value = (OneTimeKind::SignIn, body.one_time_code.as_ref());
    let claim = one_time::claim::<ProviderProof, _>(context, value, &owner, "exchange".to_owned()).await?;
    let pair = match claim.ok_or_else(expired)? {
        Claim::First(proof, ticket) => {
            let opened = sign_in(context, &request.actor(), &proof).await;
            let opened = opened.map(|opened| (opened.session, opened.pair));
            one_time::settle(context, ticket, &proof, opened, |_| false).await?
        }
        Claim::Again(session) => pair_again(context, &request.client, session).await?.ok_or_else(expired)?,
    };
    Ok(pair)
}
