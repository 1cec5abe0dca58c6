//! `POST /api/v1/admin/users/{id}/send-reset`: mails a link to a user by which they set a new password.

use deserr::Deserr;
use http::StatusCode;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::guard::lock_person;
use super::reason::OperatorReason;
use crate::access::{Right, allowed_upon, of_user};
use crate::actor::Actor;
use crate::api::{Access, Code, Findings, Operation, Problem, Request, Response};
use crate::audit::{self, AuditAction, AuditEntry};
use crate::context::Core;
use crate::db::Transaction;
use crate::keys::LinkToken;
use crate::recovery::{LinkPurpose, mail_link, print_link};

/// Why the link is sent.
#[derive(Deserr, ToSchema)]
#[schema(as = ResetOrder)]
#[serde(deny_unknown_fields)]
#[deserr(error = Findings, deny_unknown_fields)]
struct Body {
    /// For the audit log.
    #[schema(value_type = String, min_length = 1, max_length = 500, pattern = "^[^\\x00]*[^\\x00\\t-\\r ][^\\x00]*$")]
    reason: OperatorReason,
}

/// Documents the endpoint.
pub fn describe(operation: Operation) -> Operation {
    of_user(operation)
        .tag("Operators")
        .summary("Mail a user a link to set a new password.")
        .detail(
            "The link is valid for an hour from when the mail is sent. It is mailed to the address of the account and \
            never returned. Until it is used, nothing changes. The address of an operator must be verified.",
        )
        .access(Access::Permission(Right::UsersRecover.as_str()))
        .fresh()
        .body::<Body>(json!({ "reason": "Asked by telephone; identity checked." }))
        .empty(202, "The mail will be sent.")
        .problems(&[Code::MailNotConfigured, Code::AccountDisabled])
}

/// Handles the request.
///
/// # Errors
///
/// 403 `forbidden`, `fresh_auth_required`, `account_disabled`; 404; 501 `mail_not_configured`; 401;
/// 422; 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    let (_, user) = allowed_upon(&request, Right::UsersRecover).await?;
    let body: Body = request.form()?.finish()?;
    send(&request.context, &request.actor(), user, &String::from(body.reason)).await?;
    Ok(Response::empty(StatusCode::ACCEPTED))
}

/// Mails the link.
///
/// # Errors
///
/// As [`handle`].
pub(crate) async fn send(core: &Core, actor: &Actor, user: Uuid, reason: &str) -> Result<(), Problem> {
    let mut connection = core.db.get().await?;
    let tx = connection.begin().await?;
    lock_person(&tx, core, actor, Right::UsersRecover, user).await?;
    mail_link(core, &tx, user, LinkPurpose::OperatorReset).await?;
    record(core, actor, &tx, user, reason, false).await?;
    Ok(tx.commit().await?)
}

/// Makes a link for a command, which prints it on a terminal.
///
/// # Errors
///
/// 403 `account_disabled`; 404; 503.
pub(crate) async fn print(
    core: &Core,
    actor: &Actor,
    user: Uuid,
    reason: &str,
) -> Result<LinkToken, Problem> {
    let mut connection = core.db.get().await?;
    let tx = connection.begin().await?;
    lock_person(&tx, core, actor, Right::UsersRecover, user).await?;
    let token = print_link(core, &tx, user, LinkPurpose::OperatorReset).await?;
    record(core, actor, &tx, user, reason, true).await?;
    tx.commit().await?;
    Ok(token)
}

async fn record(
    core: &Core,
    actor: &Actor,
    tx: &Transaction<'_>,
    user: Uuid,
    reason: &str,
    is_printed: bool,
) -> Result<(), Problem> {
    let detail = json!({ "is_printed": is_printed });
    let entry = AuditEntry::new(AuditAction::ResetOrdered, user.to_string(), detail).reason(Some(reason));
    Ok(audit::record(tx, &core.audit_keys, actor, entry).await?)
}
