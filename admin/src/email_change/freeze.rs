//! `POST /api/v1/auth/email/freeze`: the holder of a former address freezes how the account is signed in to.

use deserr::Deserr;
use http::StatusCode;
use serde_json::json;
use utoipa::ToSchema;

use crate::actor::Actor;
use crate::api::text::Opaque;
use crate::api::{Access, Code, Findings, Operation, Problem, Request, Response};
use crate::context::Context;
use crate::guessing::LimitedRoute;
use crate::keys::LinkToken;
use crate::notices::{self, NoticeTarget};
use crate::permit::{Permit, Tried};
use crate::sessions::history::{self, Event, HistoryEntry};
use crate::users::email_changes::store::{self, StoredChange};
use crate::users::store::lock_all;

/// The token of a link.
#[derive(Deserr, ToSchema)]
#[schema(as = EmailFreeze)]
#[serde(deny_unknown_fields)]
#[deserr(error = Findings, deny_unknown_fields)]
struct Body {
    /// The part of the link after `#`.
    #[schema(value_type = String, pattern = "^[A-Za-z0-9_-]{43}$")]
    token: Opaque,
}

/// Documents the endpoint.
pub fn describe(operation: Operation) -> Operation {
    operation
        .tag("Sign-in")
        .summary("Freeze an account whose address was changed.")
        .detail(
            "By the link of the mail to the former address, within 72 hours of the change. For 72 hours from now the password, \
            the address, the login name and the linked accounts cannot be changed, and the account can be neither exported nor \
            erased at once (403 `account_frozen`); sign-ins and sessions go on. Repeating it prolongs nothing. An operator can \
            end it.",
        )
        .access(Access::Public)
        .body::<Body>(json!({ "token": "bJ3t1mR0t8nYk6w2Qv5xZ7aC9dE1fG3hI5jK7lM9nO0" }))
        .empty(204, "The account is frozen.")
        .problems(&[Code::CodeExpired, Code::TooManyAttempts])
}

/// Handles the request.
///
/// # Errors
///
/// 410 `code_expired` when the token is unknown, used or expired, or an operator has ended the freeze; 422; 429
/// `too_many_attempts`; 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    let body: Body = request.form()?.finish()?;
    freeze(&request.context, &request.actor(), &LinkToken::received(body.token.as_ref())).await?;
    Ok(Response::empty(StatusCode::NO_CONTENT))
}

/// Freezes the account of a link.
///
/// # Errors
///
/// As [`handle`].
pub(super) async fn freeze(context: &Context, actor: &Actor, token: &LinkToken) -> Result<(), Problem> {
    let change = find(context, actor, token).await?.filter(|change| change.is_live && !change.is_lifted);
    let user = change.ok_or_else(expired)?.user;
    let mut connection = context.db.get().await?;
    let tx = connection.begin().await?;
    lock_all(&tx, &[user]).await?;
    let is_new = store::freeze(&tx, token.hash(), user).await?;
    if is_new {
        let target = NoticeTarget { core: context, tx: &tx, user };
        notices::account_frozen(target, actor.client().into()).await?;
        tracing::info!(%user, "The holder of a former address froze an account.");
    }
    tx.commit().await?;
    if is_new {
        let entry = HistoryEntry { event: Event::AccountFrozen, user: Some(user), session: None };
        history::record(context, actor, entry).await;
    }
    Ok(())
}

/// The change of a token, which is counted as one of a link to set a password.
///
/// # Errors
///
/// 410 `code_expired` when it is unknown; 429 `too_many_attempts`; 503.
pub(super) async fn find(
    context: &Context,
    actor: &Actor,
    token: &LinkToken,
) -> Result<Option<StoredChange>, Problem> {
    let hash = token.hash();
    let name = hash.map(|byte| format!("{byte:02x}")).concat();
    let tried = Tried { route: LimitedRoute::Reset, identifier: &name, session: &[], account: None };
    let permit = Permit::take(context, actor, tried).await?;
    let found = store::find(&*context.db.get().await?, hash).await?;
    match &found {
        Some(_) => permit.succeeded().await,
        None => permit.failed(),
    }
    Ok(found)
}

/// 410 `code_expired`.
pub(super) fn expired() -> Problem {
    Problem::new(Code::CodeExpired).detail("The change can no longer be undone.")
}
