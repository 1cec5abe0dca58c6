//! `POST /api/v1/oauth/link/move`: moves an account at a provider from another account of the same person.
//!
//! The person has proved to be both: signed in recently here, and at the provider with which the other account signs in.

use deserr::Deserr;
use http::StatusCode;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{CreatedIn, check_seen, owner_of};
use crate::actor::Actor;
use crate::api::text::Opaque;
use crate::api::{Access, Code, Findings, Operation, Problem, Request, Response};
use crate::context::Context;
use crate::db::Transaction;
use crate::evict::evict;
use crate::notices::{self, NoticeTarget};
use crate::provider_sign_in::accounts::unlink::{has_other_method, remove};
use crate::provider_sign_in::email_proof::{Proved, verify_email};
use crate::provider_sign_in::flow::CodeVerifier;
use crate::provider_sign_in::one_time::{self, Claim, OneTimeKind};
use crate::provider_sign_in::outcome::Linked;
use crate::provider_sign_in::pending_move::{PendingMove, move_facts};
use crate::provider_sign_in::store::{self, ConfirmedBy};
use crate::provider_sign_in::stored_identity::expired;
use crate::sessions::history::{self, Event, HistoryEntry};
use crate::sessions::session::EndReason;
use crate::sessions::store::{stamp, stands};
use crate::users::email_changes::check_not_frozen;
use crate::users::store::{lock_all, lock_for_change};

/// The rule by which the account was found to be linked to another user.
const RULE: u8 = 3;

/// The `flow` of the problem, and when the other account was created.
#[derive(Deserr, ToSchema)]
#[schema(as = LinkMove)]
#[serde(deny_unknown_fields)]
#[deserr(error = Findings, deny_unknown_fields)]
struct Body {
    #[schema(value_type = String, pattern = "^[A-Za-z0-9_-]{43}$")]
    flow: Opaque,
    /// The verifier of the app whose sign-in got the flow; without one the cookie of the browser is used.
    #[deserr(default)]
    #[schema(value_type = Option<String>, pattern = "^[A-Za-z0-9._~-]{43,128}$")]
    code_verifier: Option<CodeVerifier>,
    /// `created_in` of the other account, from `/oauth/link/show`: the user must have seen which account loses this way in.
    #[schema(value_type = String, pattern = "^[0-9]{4}-[0-9]{2}$")]
    created_in: CreatedIn,
}

/// Describes the endpoint.
pub fn describe(operation: Operation) -> Operation {
    operation
        .tag("Providers")
        .summary("Move a provider's account from your other account.")
        .detail(
            "For a flow of `oauth_account_in_use`. The sessions that the other account opened with it are revoked; if no \
             sign-in method is left there, all of them.",
        )
        .access(Access::Public)
        .for_people()
        .body::<Body>(json!({
            "flow": "bJ3t1mR0t8nYk6w2Qv5xZ7aC9dE1fG3hI5jK7lM9nO0",
            "created_in": "2026-03"
        }))
        .answer::<Linked>(200, "The provider.", json!({ "linked": "yandex" }))
        .problems(&[
            Code::CodeExpired,
            Code::TokenRevoked,
            Code::AccountFrozen,
            Code::OauthAccountInUse,
            Code::OauthProviderLinked,
        ])
}

/// Handles the request.
///
/// # Errors
///
/// 410 `code_expired` when the flow is unknown, over, or another client's, or the account was unlinked meanwhile; 401
/// `token_revoked` when the session that asked to link has ended; 409 `oauth_account_in_use` when the other user has got
/// a role; 409 `oauth_provider_linked`; 422 `validation_failed` when the account was created in another month; 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    let body: Body = request.form()?.finish()?;
    let (context, owner) = (&request.context, owner_of(&request, body.code_verifier.as_ref()));
    let value = (OneTimeKind::Move, body.flow.as_ref());
    let claim = one_time::claim::<PendingMove, String>(context, value, &owner, "move".to_owned()).await?;
    let linked = match claim.ok_or_else(expired)? {
        Claim::First(pending, ticket) => {
            let moved = move_here(context, &request.actor(), &pending, body.created_in.as_ref()).await;
            let moved = moved.map(|provider| (provider.clone(), provider));
            one_time::settle(context, ticket, &pending, moved, |code| code == Code::ValidationFailed).await?
        }
        Claim::Again(provider) => provider,
    };
    Ok(Response::json(StatusCode::OK, &Linked::new(linked)))
}

async fn move_here(
    context: &Context,
    actor: &Actor,
    pending: &PendingMove,
    created_in: &str,
) -> Result<String, Problem> {
    let (user, from) = (pending.request.user, pending.from);
    let identity = pending.identity(context)?;
    let mut connection = context.db.get().await?;
    let tx = connection.begin().await?;
    // Both at once, in the order of all locks.
    lock_all(&tx, &[user, from]).await?;
    for concerned in [user, from] {
        check_not_frozen(&*tx, concerned).await?;
    }
    check(&tx, pending, (identity.provider.id(), &identity.subject)).await?;
    check_seen(&tx, from, created_in).await?;
    let account = lock_for_change(&tx, user).await?.ok_or_else(|| Problem::new(Code::TokenRevoked))?;
    remove(&tx, context, actor, from, identity.provider.id()).await?;
    if !has_other_method(&tx, context, from, identity.provider.id()).await? {
        evict(&tx, context, from, EndReason::Unlinked).await?;
    }
    if !store::insert(&tx, &identity.confirmed_link_to(user, RULE, ConfirmedBy::Provider)).await? {
        return Err(Problem::new(Code::OauthProviderLinked));
    }
    let target = NoticeTarget { core: context, tx: &tx, user };
    notices::provider_linked(target, actor.client().into(), identity.provider.name()).await?;
    let verified = verify_email(&tx, (context, actor), &account, &identity, Proved::Account).await?;
    tx.commit().await?;
    let entry = |event, user| HistoryEntry { event, user: Some(user), session: None };
    let moved = [entry(Event::AccountUnlinked, from), entry(Event::AccountLinked, user)];
    for entry in moved.into_iter().chain(verified) {
        history::record(context, actor, entry).await;
    }
    Ok(identity.provider.id().to_owned())
}

/// Checks that everything is still as it was when the move was offered; both users are locked.
async fn check(
    tx: &Transaction<'_>,
    pending: &PendingMove,
    (provider, subject): (&str, &str),
) -> Result<(), Problem> {
    let request = pending.request;
    if !is_of(tx, request.user, request.generation).await?
        || !stands(tx, request.session, request.user).await?
    {
        return Err(Problem::new(Code::TokenRevoked)
            .detail("The session that requested linking has ended; start again."));
    }
    let is_linked = store::owner(tx, provider, subject).await? == Some(pending.from);
    if !is_linked || !is_of(tx, pending.from, pending.from_generation).await? {
        return Err(expired());
    }
    match move_facts(tx, pending.from).await?.may_move() {
        true => Ok(()),
        false => Err(Problem::new(Code::OauthAccountInUse)),
    }
}

/// Whether the tokens of `user` are of this generation.
async fn is_of(tx: &Transaction<'_>, user: Uuid, generation: u64) -> Result<bool, Problem> {
    Ok(stamp(tx, user).await?.is_some_and(|stamp| stamp.generation == generation))
}
