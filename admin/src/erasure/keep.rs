//! `POST /api/v1/auth/erasure/keep`: keeps an account that would be erased.

use deserr::Deserr;
use http::StatusCode;
use jiff::Timestamp;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::store;
use crate::actor::Actor;
use crate::api::text::text_type;
use crate::api::{Access, Code, Findings, Operation, Problem, Request, Response};
use crate::audit::{self, AuditAction, AuditEntry};
use crate::context::Context;
use crate::db::{DbError, Transaction};
use crate::notices::{self, NoticeTarget};
use crate::pending_erasure::{self, ErasureFlow, FLOW_LENGTH, PendingErasure};
use crate::users;

text_type!(
    /// A flow as a client sends it.
    pub(super) ErasureFlowText, flow_text
);

fn flow_text(text: &str) -> Result<String, &'static str> {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    match text.len() == FLOW_LENGTH && text.bytes().all(is_letter) {
        true => Ok(text.to_owned()),
        false => Err("Must be 96 characters of A-Z, a-z, 0-9, - and _."),
    }
}

/// The flow of the problem `erasure_pending`.
#[derive(Deserr, ToSchema)]
#[schema(as = ErasureFlow)]
#[serde(deny_unknown_fields)]
#[deserr(error = Findings, deny_unknown_fields)]
pub(super) struct ErasureFlowBody {
    /// Valid for ten minutes.
    #[schema(value_type = String, pattern = "^[A-Za-z0-9_-]{96}$")]
    pub(super) flow: ErasureFlowText,
}

/// An example of the body.
pub(super) fn example() -> serde_json::Value {
    json!({ "flow": "AZOhr-J8fX6PmgscLT5PWgAGRGTzWnbAAAAAAAAAAAEAAAAAasKk0Lc2b0c1ZGVmYWJjZGVmMDEyMzQ1Njc4OWFiY2RlZjAx" })
}

/// Documents the endpoint.
pub fn describe(operation: Operation) -> Operation {
    operation
        .tag("Sign-in")
        .summary("Keep an account that would be erased.")
        .detail(
            "The `flow` is that of the problem `erasure_pending`, which a sign-in returns. It opens no session: sign in \
            again. An account that an operator disabled stays disabled. The same request, repeated within a minute, has the \
            same result.",
        )
        .access(Access::Public)
        .body::<ErasureFlowBody>(example())
        .empty(204, "The account is kept.")
        .problems(&[Code::CodeExpired])
}

/// Handles the request.
///
/// # Errors
///
/// 410 `code_expired`; 422; 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    let body: ErasureFlowBody = request.form()?.finish()?;
    let (context, actor) = (&request.context, request.actor());
    let flow = open(context, &body)?;
    let mut connection = context.db.get().await?;
    let tx = connection.begin().await?;
    if let Some(pending) = lock(&tx, &flow, &[]).await? {
        store::keep(&tx, flow.user).await?;
        let target = NoticeTarget { core: context, tx: &tx, user: flow.user };
        notices::erasure_kept(target, actor.client().into(), pending.due_at).await?;
        record_kept(&tx, context, &actor, flow.user).await?;
        tx.commit().await?;
    } else if !store::is_just_kept(&tx, &flow).await? {
        return Err(expired());
    }
    Ok(Response::empty(StatusCode::NO_CONTENT))
}

/// The flow of a request. Asks no store.
pub(super) fn open(context: &Context, body: &ErasureFlowBody) -> Result<ErasureFlow, Problem> {
    let flow = ErasureFlow::open(body.flow.as_ref(), &context.erasure_keys, context.clock.unix_seconds());
    flow.ok_or_else(expired)
}

/// Locks the user of the flow and `others`, and returns the erasure of the flow. `None` if none is pending: it may have been
/// settled a moment ago, by the same request.
pub(super) async fn lock(
    tx: &Transaction<'_>,
    flow: &ErasureFlow,
    others: &[Uuid],
) -> Result<Option<PendingErasure>, Problem> {
    users::store::lock_all(tx, &[others, &[flow.user]].concat()).await?;
    match pending_erasure::find(&**tx, flow.user).await? {
        Some(pending) if !flow.is_of(&pending) => Err(expired()),
        pending => Ok(pending),
    }
}

pub(super) fn expired() -> Problem {
    Problem::new(Code::CodeExpired).detail("Sign in again.")
}

/// Keeps the account of a user, who must be locked, if they asked for its erasure themselves. Returns when it would have been
/// erased, if so.
///
/// # Errors
///
/// When PostgreSQL is unavailable.
pub(crate) async fn keep_if_asked_by_user(
    tx: &Transaction<'_>,
    user: Uuid,
) -> Result<Option<Timestamp>, DbError> {
    let erase_at = store::asked_by_user(tx, user).await?;
    if erase_at.is_some() {
        store::keep(tx, user).await?;
    }
    Ok(erase_at)
}

/// Records that an account is kept: the last statement of its transaction.
///
/// # Errors
///
/// When PostgreSQL is unavailable.
pub(crate) async fn record_kept(
    tx: &Transaction<'_>,
    context: &Context,
    actor: &Actor,
    user: Uuid,
) -> Result<(), Problem> {
    let entry = AuditEntry::new(AuditAction::ErasureKept, user.to_string(), json!({}));
    Ok(audit::record(tx, &context.audit_keys, actor, entry).await?)
}
