//! `DELETE /api/v1/me/accounts/{provider}`: unlinks an account at a provider from the caller.

use http::StatusCode;
use uuid::Uuid;

use crate::access::{caller, fresh};
use crate::actor::{Actor, Caller};
use crate::api::{Access, Code, Operation, Problem, Request, Response};
use crate::context::Context;
use crate::db::{DbError, Transaction};
use crate::notices::{self, NoticeTarget};
use crate::provider_sign_in::path::{PROVIDER, of_provider};
use crate::provider_sign_in::store;
use crate::revocations::{self, NewRevocation};
use crate::sessions::history::{self, Event, HistoryEntry};
use crate::sessions::renew::lock_account;
use crate::sessions::session::EndReason;
use crate::sessions::store::end_through;
use crate::users;
use crate::users::email_changes::check_not_frozen;

/// Documents the endpoint.
pub fn describe(operation: Operation) -> Operation {
    of_provider(operation)
        .tag("Me")
        .summary("Unlink an account at a provider.")
        .detail(
            "Sessions that were opened with it are revoked, including the current one. The only sign-in method cannot be \
             removed.",
        )
        .access(Access::SignedIn)
        .fresh()
        .empty(204, "Unlinked.")
        .problems(&[Code::NotFound, Code::AccountFrozen, Code::LastLoginMethod])
}

/// Answers the request. A provider that is no longer configured can be unlinked too.
///
/// # Errors
///
/// 404 `not_found` when none is linked; 403 `fresh_auth_required`; 409 `last_login_method`; 401; 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    let caller = caller(&request).await?;
    let provider = request.params.get(PROVIDER).unwrap_or_default().to_owned();
    fresh(&*request.context.db.get().await?, caller).await?;
    unlink(&request.context, &request.actor(), caller, &provider).await?;
    let entry = HistoryEntry {
        event: Event::AccountUnlinked,
        user: Some(caller.user),
        session: Some(caller.session),
    };
    history::record(&request.context, &request.actor(), entry).await;
    Ok(Response::empty(StatusCode::NO_CONTENT))
}

/// Locks in the general order: the user, then sessions.
async fn unlink(context: &Context, actor: &Actor, caller: Caller, provider: &str) -> Result<(), Problem> {
    let mut connection = context.db.get().await?;
    let tx = connection.begin().await?;
    lock_account(&tx, caller).await?;
    check_not_frozen(&*tx, caller.user).await?;
    let linked = store::list(&*tx, caller.user).await?;
    if !linked.iter().any(|account| account.provider == provider) {
        return Err(Problem::new(Code::NotFound));
    }
    if !has_other_method(&tx, context, caller.user, provider).await? {
        return Err(
            Problem::new(Code::LastLoginMethod).detail("Set a password or link another account first.")
        );
    }
    remove(&tx, context, actor, caller.user, provider).await?;
    Ok(tx.commit().await?)
}

/// Whether the user, who must be locked, can sign in without the account at `provider`: with a password, or through another
/// provider that is still configured.
pub(in crate::provider_sign_in) async fn has_other_method(
    tx: &Transaction<'_>,
    context: &Context,
    user: Uuid,
    provider: &str,
) -> Result<bool, DbError> {
    let is_method = |account: &store::LinkedAccount| {
        account.provider != provider && context.providers.find(&account.provider).is_some()
    };
    let has_other = store::list(&**tx, user).await?.iter().any(is_method);
    Ok(has_other || users::store::has_password_and_name(tx, user).await?)
}

/// Unlinks the account at `provider` from the user, who must be locked exclusively, and revokes the sessions that were
/// opened with it.
pub(in crate::provider_sign_in) async fn remove(
    tx: &Transaction<'_>,
    context: &Context,
    actor: &Actor,
    user: Uuid,
    provider: &str,
) -> Result<(), DbError> {
    store::delete(tx, user, provider).await?;
    let ended = end_through(tx, user, provider, EndReason::Unlinked).await?;
    let revocations: Vec<_> = ended.into_iter().map(NewRevocation::session).collect();
    revocations::record(tx, &context.issuer, &revocations).await?;
    let target = NoticeTarget { core: context, tx, user };
    notices::provider_unlinked(target, actor.client().into(), context.providers.name_of(provider)).await
}
