//! `POST /api/v1/admin/users/{id}/merge`: two accounts of one person become one.

use std::time::Duration;

use deserr::Deserr;
use http::StatusCode;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::guard::lock_person;
use super::reason::OperatorReason;
use crate::access::{Right, allowed, allowed_upon, lock, of_user, superusers};
use crate::actor::Actor;
use crate::api::{Access, Code, Findings, Operation, Problem, Request, Response};
use crate::audit::{self, AuditAction, AuditEntry};
use crate::context::Core;
use crate::db::Transaction;
use crate::erasure::{Origin, begin};
use crate::notices::{self, NoticeTarget};
use crate::provider_sign_in::{linked_providers, move_links};
use crate::roles::assignments;
use crate::sessions::history::{self, Event, HistoryEntry};
use crate::sessions::store::standing;
use crate::users::email_changes::check_settled;

/// The account that stays, and why.
#[derive(Deserr, ToSchema)]
#[schema(as = MergeOrder)]
#[serde(deny_unknown_fields)]
#[deserr(error = Findings, deny_unknown_fields)]
struct Body {
    /// The user whose account stays.
    into: Uuid,
    /// For the audit log, until the user is erased, and for the roles.
    #[schema(value_type = String, min_length = 1, max_length = 500, pattern = "^[^\\x00]*[^\\x00\\t-\\r ][^\\x00]*$")]
    reason: OperatorReason,
}

/// What the account that stays got.
#[derive(Serialize, ToSchema)]
#[schema(as = Merged)]
pub(crate) struct Merged {
    /// The roles that it did not have, or had for a shorter time.
    pub(crate) roles: Vec<String>,
    /// The providers whose accounts are linked to it now.
    pub(crate) providers: Vec<String>,
    /// The providers with a linked account of both; that of the emptied account is erased with it.
    pub(crate) left: Vec<String>,
    /// When the emptied account will be erased.
    pub(crate) erase_at: Timestamp,
}

/// Documents the endpoint.
pub fn describe(operation: Operation) -> Operation {
    of_user(operation)
        .tag("Operators")
        .summary("Merge a user's account into another one of the same person.")
        .detail(
            "The account `into` gets the roles of this one, each for the longer time, and its linked accounts at providers of \
            which it has none. Nothing else is moved: addresses, passwords and login histories stay, and other services store \
            their data under each identifier. The emptied account will be erased at `erase_at`; until then its user can keep \
            it (`/auth/erasure/keep`), but not what was moved. Neither user may hold a permission of this service. Requires `roles:assign`, too.",
        )
        .access(Access::Permission(Right::UsersErase.as_str()))
        .fresh()
        .body::<Body>(json!({
            "into": "0193a1b2-7c4d-7e8f-9a0b-1c2d3e4f5a6c",
            "reason": "Registered twice; identity checked."
        }))
        .answer::<Merged>(
            200,
            "The accounts are merged.",
            json!({
                "roles": ["subscriber"], "providers": ["yandex"], "left": [], "erase_at": "2026-12-09T20:15:30.123456Z"
            }),
        )
        .problems(&[Code::AccountDisabled, Code::AccountFrozen, Code::LimitReached])
}

/// Handles the request.
///
/// # Errors
///
/// 403 `forbidden`, `fresh_auth_required`, `account_disabled` or `account_frozen`; 404; 409 `limit_reached`; 401; 422; 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    let (_, user) = allowed_upon(&request, Right::UsersErase).await?;
    // The roles of one account are assigned to the other.
    allowed(&request, Right::RolesAssign).await?;
    let body: Body = request.form()?.finish()?;
    let grace = request.context.config.retention.erasure_grace;
    let reason = String::from(body.reason);
    let (context, actor) = (&request.context, request.actor());
    let merged = merge(context, &actor, (user, body.into), grace, &reason).await?;
    for user in [user, body.into] {
        let entry = HistoryEntry { event: Event::Merged, user: Some(user), session: None };
        history::record(context, &actor, entry).await;
    }
    Ok(Response::json(StatusCode::OK, &merged))
}

/// Merges the first account into the second one.
///
/// # Errors
///
/// As [`handle`].
pub(crate) async fn merge(
    core: &Core,
    actor: &Actor,
    (from, into): (Uuid, Uuid),
    grace: Duration,
    reason: &str,
) -> Result<Merged, Problem> {
    if from == into {
        return Err(Problem::new(Code::ValidationFailed).field(
            "into",
            "field_invalid",
            "Must be another user.",
        ));
    }
    let mut connection = core.db.get().await?;
    let tx = connection.begin().await?;
    // All at once, in the order of all locks.
    let concerned = [superusers(&tx).await?.as_slice(), &[from, into]].concat();
    lock(&tx, actor, &concerned).await?;
    for user in [from, into] {
        lock_person(&tx, core, actor, Right::UsersErase, user).await?;
        check_may_merge(&tx, user).await?;
    }
    let providers = move_links(&tx, from, into).await?;
    let left = linked_providers(&tx, from).await?;
    let roles = assignments::take_over(&tx, &core.issuer, actor, (from, into), reason).await?;
    for user in [from, into] {
        notices::accounts_merged(NoticeTarget { core, tx: &tx, user }).await?;
    }
    let erase_at = begin(&tx, core, actor, from, grace, (Origin::Operator, Some(reason))).await?;
    let detail = json!({ "from": from, "roles": roles, "providers": providers, "left": left });
    let entry = AuditEntry::new(AuditAction::UsersMerged, into.to_string(), detail).reason(Some(reason));
    audit::record(&tx, &core.audit_keys, actor, entry).await?;
    tx.commit().await?;
    tracing::info!(user = %into, %from, "Two accounts were merged.");
    Ok(Merged { roles, providers, left, erase_at })
}

/// Rights are not moved by a merge, and neither does a disabled user return by it.
async fn check_may_merge(tx: &Transaction<'_>, user: Uuid) -> Result<(), Problem> {
    let standing = standing(tx, user).await?;
    if standing.is_operator {
        let why = "A user who is a superuser, or holds a permission of this service, is not merged; revoke that first.";
        return Err(Problem::new(Code::Forbidden).detail(why).denied());
    }
    if !standing.is_active {
        let why = format!("The account {user} is disabled, or will be erased.");
        return Err(Problem::new(Code::AccountDisabled).detail(why));
    }
    // Also while a change of the address can be undone: it may be a thief's.
    check_settled(&**tx, user).await
}
