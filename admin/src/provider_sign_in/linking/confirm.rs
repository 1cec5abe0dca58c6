//! `POST /api/v1/oauth/link/confirm`: links an identity to the account that has its address, with the password of the
//! account.

use deserr::Deserr;
use serde_json::json;
use utoipa::ToSchema;

use super::{link_by_password, owner_of};
use crate::actor::{Actor, DeviceText};
use crate::api::text::Opaque;
use crate::api::{Access, Code, Findings, Operation, Problem, Request, Response};
use crate::context::Context;
use crate::guessing::LimitedRoute;
use crate::passwords::{Password, PasswordMatch};
use crate::permit::{HashPermit, Tried};
use crate::provider_sign_in::flow::CodeVerifier;
use crate::provider_sign_in::one_time::{self, Claim, OneTimeKind, Ticket};
use crate::provider_sign_in::pending_link::PendingLink;
use crate::provider_sign_in::sign_in::sign_in;
use crate::provider_sign_in::stored_identity::expired;
use crate::sessions::history::{self, Event, HistoryEntry};
use crate::sessions::open::Opened;
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
    /// The verifier of the app whose sign-in got the flow; without one the cookie of the browser is used.
    #[deserr(default)]
    #[schema(value_type = Option<String>, pattern = "^[A-Za-z0-9._~-]{43,128}$")]
    code_verifier: Option<CodeVerifier>,
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
            "The flow is valid for ten minutes and five attempts, and only for the browser or app that started the sign-in. \
             Afterwards the account at the provider is another sign-in method, and the address is verified. The same request, repeated within \
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
/// 410 `code_expired` when the flow is unknown, over, or another client's; 401 `invalid_credentials`; 403
/// `account_disabled`; 409 `oauth_account_in_use` or `oauth_provider_linked`; 429 `too_many_attempts`; 503.
pub async fn handle(mut request: Request) -> Result<Response, Problem> {
    let body: Body = request.form()?.finish()?;
    let owner = owner_of(&request, body.code_verifier.as_ref());
    request.client.present(body.device_token);
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
    let opened = confirm(context, &request.actor(), (&mut pending, &flow), password).await;
    let are_left = pending.attempts.are_left();
    // An attempt that was not checked costs the user none.
    let keeps = |code| match code {
        Code::TooManyAttempts => true,
        Code::InvalidCredentials => are_left,
        _ => false,
    };
    one_time::settle(context, ticket, &pending, opened.map(|opened| (opened.session, opened.pair)), keeps)
        .await
}

async fn confirm(
    context: &Context,
    actor: &Actor,
    (pending, flow): (&mut PendingLink, &str),
    password: &Password,
) -> Result<Opened, Problem> {
    let user = pending.user;
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
        pending.attempts.fail();
        history::record(context, actor, entry(Event::ProofFailed)).await;
        return Err(Problem::new(Code::InvalidCredentials));
    };
    permit.succeeded().await;
    let identity = (&pending.identity(context)?, pending.rule);
    let verified = (&hash, Code::AccountDisabled, Some(&*pending));
    let (proof, history) = link_by_password(context, actor, identity, user, verified).await?;
    for entry in history {
        history::record(context, actor, entry).await;
    }
    sign_in(context, actor, &proof).await
}
