//! `POST /api/v1/oauth/link/confirm`: links an identity to the account that has its address, with the password of the
//! account.

use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::one_time::{self, Kind};
use super::pending_link::PendingLink;
use super::sign_in::sign_in;
use super::{browser, store};
use crate::actor::Actor;
use crate::api::{Access, Code, Operation, Problem, Request, Response};
use crate::context::Context;
use crate::passwords::{Password, PasswordHash, PasswordMatch};
use crate::sessions::history::{self, Entry, Event};
use crate::sessions::{Pair, mint};
use crate::users::store as users;

/// The `flow` of `link_confirmation_required`, and the password of the account.
#[derive(Deserialize, ToSchema)]
#[schema(as = LinkConfirmation)]
#[serde(deny_unknown_fields)]
struct Body {
    #[schema(pattern = "^[A-Za-z0-9_-]{43}$")]
    flow: String,
    #[schema(value_type = String, format = Password, pattern = "^[^\\x00]*$")]
    password: Password,
}

/// Describes the endpoint.
pub fn describe(operation: Operation) -> Operation {
    operation
        .tag("Providers")
        .summary("Link an account at a provider to the account with its e-mail address.")
        .detail(
            "The flow is valid for ten minutes and five passwords, and only in the browser that started the sign-in. \
             From then on the account at the provider is another sign-in method.",
        )
        .access(Access::Public)
        .body::<Body>(json!({
            "flow": "bJ3t1mR0t8nYk6w2Qv5xZ7aC9dE1fG3hI5jK7lM9nO0",
            "password": "correct horse battery staple"
        }))
        .answer::<Pair>(200, "The session's token pair.", mint::example())
        .problems(&[
            Code::CodeExpired,
            Code::InvalidCredentials,
            Code::AccountDisabled,
            Code::OauthAccountInUse,
            Code::OauthProviderLinked,
        ])
}

/// Handles the request.
///
/// # Errors
///
/// 410 `code_expired` when the flow is unknown, over, or another browser's; 401 `invalid_credentials`; 403
/// `account_disabled`; 409 `oauth_account_in_use` or `oauth_provider_linked`; 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    let body: Body = request.json()?;
    let (context, actor) = (&request.context, request.actor());
    let mut pending = take(context, &request.headers, &body.flow).await?;
    let confirmed = confirm(context, &actor, &mut pending, &body.password).await;
    let may_retry = match &confirmed {
        Ok(_) => false,
        // An error of ours costs the user no attempt.
        Err(problem) if problem.code().status().is_server_error() => true,
        Err(problem) => problem.code() == Code::InvalidCredentials && pending.has_attempts_left(),
    };
    if may_retry {
        one_time::store(context, Kind::Link, &body.flow, &pending).await?;
    }
    Ok(Response::json(StatusCode::OK, &confirmed?))
}

/// Takes the pending link, so that two passwords are never checked at the same time.
async fn take(context: &Context, headers: &HeaderMap, flow: &str) -> Result<PendingLink, Problem> {
    let pending: Option<PendingLink> = one_time::take(context, Kind::Link, flow).await?;
    let is_own = |link: &PendingLink| link.browser().is_none_or(|browser| browser::is_from(headers, browser));
    pending.filter(is_own).ok_or_else(|| Problem::new(Code::CodeExpired).detail("Start the sign-in again."))
}

async fn confirm(
    context: &Context,
    actor: &Actor,
    pending: &mut PendingLink,
    password: &Password,
) -> Result<Pair, Problem> {
    let user = pending.proof.user;
    let mut slot = context.hasher.reserve()?;
    let account = users::find_by_id(&context.db.get().await?, user).await?;
    let hash = account.and_then(|account| account.password_hash);
    let matched = slot.verify(password, hash.as_ref()).await?;
    drop(slot);
    let entry = |event| Entry { event, user: Some(user), session: None };
    let (Some(hash), PasswordMatch::Yes | PasswordMatch::YesButOutdated) = (hash, matched) else {
        pending.count_failure();
        history::record(context, actor, entry(Event::ProofFailed)).await;
        return Err(Problem::new(Code::InvalidCredentials));
    };
    link(context, pending, &hash).await?;
    history::record(context, actor, entry(Event::AccountLinked)).await;
    sign_in(context, actor, &pending.proof).await
}

/// Links the identity, if the password that was verified is still the current one.
async fn link(context: &Context, pending: &PendingLink, verified: &PasswordHash) -> Result<(), Problem> {
    let link = pending.link();
    let mut connection = context.db.get().await?;
    let tx = connection.begin().await?;
    let account = users::lock_for_change(&tx, link.user).await?;
    let account = account.ok_or_else(|| Problem::new(Code::AccountDisabled))?;
    if !account.has_hash(Some(verified)) {
        return Err(Problem::new(Code::InvalidCredentials));
    }
    if !store::insert(&tx, &link).await? {
        match store::owner(&tx, link.provider, link.subject).await? {
            Some(owner) if owner == link.user => {}
            Some(_) => return Err(Problem::new(Code::OauthAccountInUse)),
            None => return Err(Problem::new(Code::OauthProviderLinked)),
        }
    }
    Ok(tx.commit().await?)
}
