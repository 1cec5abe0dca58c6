//! `POST /api/v1/oauth/link/confirm`: links an identity to the account that has its address, with the password of the
//! account.

use deserr::Deserr;
use serde_json::json;
use utoipa::ToSchema;

use super::flow::browser_owner;
use super::one_time::{self, Claim, OneTimeKind, Ticket};
use super::pending_link::PendingLink;
use super::sign_in::sign_in;
use super::{browser, store};
use crate::actor::{Actor, DeviceText};
use crate::api::text::Opaque;
use crate::api::{Access, Code, Findings, Operation, Problem, Request, Response};
use crate::context::Context;
use crate::guessing::LimitedRoute;
use crate::passwords::{Password, PasswordHash, PasswordMatch};
use crate::permit::{HashPermit, Tried};
use crate::sessions::history::{self, Event, HistoryEntry};
use crate::sessions::open::Opened;
use crate::sessions::store::stamp;
use crate::sessions::{Pair, mint, pair_again};
use crate::users::store as users;

/// The `flow` of `link_confirmation_required`, and the password of the account.
#[derive(Deserr, ToSchema)]
#[schema(as = LinkConfirmation)]
#[serde(deny_unknown_fields)]
#[deserr(error = Findings, deny_unknown_fields)]
struct Body {
    #[schema(value_type = String, pattern = "^[A-Za-z0-9_-]{43}$")]
    flow: Opaque,
    #[schema(value_type = String, format = Password, pattern = "^[^\\x00]*$")]
    password: Password,
    /// The device token of an earlier pair, from an app that keeps no cookies.
    #[deserr(default)]
    #[schema(value_type = Option<String>, pattern = "^[!-~]+$", min_length = 1, max_length = 512)]
    device_token: Option<DeviceText>,
}

/// Describes the endpoint.
pub fn describe(operation: Operation) -> Operation {
    operation
        .tag("Providers")
        .summary("Link a provider's account to the existing account with the same e-mail address.")
        .detail(
            "The flow is valid for ten minutes and five attempts, and only in the browser that started the sign-in. \
             Afterwards the account at the provider is another sign-in method. The same request, repeated within \
             a minute, returns tokens of the same session.",
        )
        .access(Access::Public)
        .for_people()
        .body::<Body>(json!({
            "flow": "bJ3t1mR0t8nYk6w2Qv5xZ7aC9dE1fG3hI5jK7lM9nO0",
            "password": "correct horse battery staple"
        }))
        .answer::<Pair>(200, "The session's token pair.", mint::example())
        .problems(&[
            Code::CodeExpired,
            Code::InvalidCredentials,
            Code::TooManyAttempts,
            Code::AccountDisabled,
            Code::OauthAccountInUse,
            Code::OauthProviderLinked,
            Code::TooManySessions,
        ])
}

/// Handles the request.
///
/// # Errors
///
/// 410 `code_expired` when the flow is unknown, over, or another browser's; 401 `invalid_credentials`; 403
/// `account_disabled`; 409 `oauth_account_in_use` or `oauth_provider_linked`; 429 `too_many_attempts`; 503.
pub async fn handle(mut request: Request) -> Result<Response, Problem> {
    let body: Body = request.form()?.finish()?;
    request.client.present(body.device_token);
    let expired = || Problem::new(Code::CodeExpired).detail("Start the sign-in again.");
    // A flow of an app belongs to its bearer.
    let owner = browser::own(&request.headers).map(|own| browser_owner(&own)).unwrap_or_default();
    // The password that was tried must not be found in Redis, nor be guessed from it: the flow itself is not there either.
    let attempt = body.password.fingerprint(body.flow.as_ref());
    let claim =
        one_time::claim(&request.context, (OneTimeKind::Link, body.flow.as_ref()), &owner, attempt).await?;
    let pair = match claim.ok_or_else(expired)? {
        Claim::First(pending, ticket) => attempt_to_link(&request, pending, &body.password, ticket).await?,
        Claim::Again(session) => {
            pair_again(&request.context, &request.client, session).await?.ok_or_else(expired)?
        }
    };
    Ok(pair.respond())
}

/// Confirms the link, and keeps the identifier of the session for a repeated request. The value is claimed, so two
/// passwords are never checked at the same time.
async fn attempt_to_link(
    request: &Request,
    mut pending: PendingLink,
    password: &Password,
    ticket: Ticket,
) -> Result<Pair, Problem> {
    let context = &request.context;
    let flow = ticket.fingerprint();
    let problem = match confirm(context, &request.actor(), (&mut pending, &flow), password).await {
        Ok(opened) => {
            one_time::keep(context, ticket, &opened.session).await;
            return Ok(opened.pair);
        }
        Err(problem) => problem,
    };
    // An error of ours, or an attempt that was not checked, costs the user none.
    let may_retry = problem.code().status().is_server_error()
        || problem.code() == Code::TooManyAttempts
        || (problem.code() == Code::InvalidCredentials && pending.has_attempts_left());
    if may_retry {
        one_time::release(context, ticket, &pending).await;
    } else {
        one_time::discard(context, ticket).await;
    }
    Err(problem)
}

async fn confirm(
    context: &Context,
    actor: &Actor,
    (pending, flow): (&mut PendingLink, &str),
    password: &Password,
) -> Result<Opened, Problem> {
    let user = pending.proof.user;
    let account = users::find_by_id(&context.db.get().await?, user, actor.address()).await?;
    let tried = Tried {
        route: LimitedRoute::Confirmation,
        identifier: "",
        session: flow.as_bytes(),
        account: account.as_ref().map(|account| account.facts),
    };
    let mut permit = HashPermit::take(context, actor, tried).await?;
    let hash = account.and_then(|account| account.password_hash);
    let matched = permit.verify(password, hash.as_ref()).await?;
    let entry = |event| HistoryEntry { event, user: Some(user), session: None };
    let (Some(hash), PasswordMatch::Yes | PasswordMatch::YesButOutdated) = (hash, matched) else {
        permit.failed();
        pending.count_failure();
        history::record(context, actor, entry(Event::ProofFailed)).await;
        return Err(Problem::new(Code::InvalidCredentials));
    };
    permit.succeeded().await;
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
    let stamp = stamp(&tx, link.user).await?;
    if stamp.is_none_or(|stamp| stamp.generation != pending.proof.generation) {
        return Err(Problem::new(Code::CodeExpired).detail("Start the sign-in again."));
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
