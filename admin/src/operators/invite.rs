//! `POST /api/v1/admin/users`: creates an account without a password, and mails its user a link to set one.

use deserr::Deserr;
use http::StatusCode;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::reason::OperatorReason;
use crate::access::{Right, allowed, lock};
use crate::actor::Actor;
use crate::api::{Access, Code, Findings, Operation, Problem, Request, Response};
use crate::audit::{self, AuditAction, AuditEntry};
use crate::context::Core;
use crate::db::Transaction;
use crate::keys::LinkToken;
use crate::recovery::{LinkPurpose, mail_link, print_link};
use crate::users::store::{self as users, NewUser};
use crate::users::{EmailAddress, taken, unreachable};

/// The address of the new account, and why it is created.
#[derive(Deserr, ToSchema)]
#[schema(as = Invitation)]
#[serde(deny_unknown_fields)]
#[deserr(error = Findings, deny_unknown_fields)]
struct Body {
    /// `name@example.org`, in any script, without quotes or spaces; at most 254 bytes.
    #[schema(value_type = String, format = "idn-email", max_length = 254, pattern = "^[\\t-\\r ]*[^\\x00-\\x20\\x7f]+[\\t-\\r ]*$")]
    email: EmailAddress,
    /// For the audit log.
    #[schema(value_type = String, min_length = 1, max_length = 500, pattern = "^[^\\x00]*[^\\x00\\t-\\r ][^\\x00]*$")]
    reason: OperatorReason,
}

/// The new account.
#[derive(Serialize, ToSchema)]
struct InvitedUser {
    user_id: Uuid,
}

/// Documents the endpoint.
pub fn describe(operation: Operation) -> Operation {
    operation
        .tag("Operators")
        .summary("Invite a user.")
        .detail(
            "Creates an account without a password, also while registration is closed, and mails a link, valid for seven \
            days, by which the user sets one. The link is never returned.",
        )
        .access(Access::Permission(Right::UsersRecover.as_str()))
        .fresh()
        .body::<Body>(json!({ "email": "boris@example.org", "reason": "New colleague." }))
        .answer::<InvitedUser>(
            201,
            "The account is created, and the mail will be sent.",
            json!({ "user_id": "0193a1b2-7c4d-7e8f-9a0b-1c2d3e4f5a6b" }),
        )
        .problems(&[Code::EmailTaken, Code::MailNotConfigured])
}

/// Handles the request.
///
/// # Errors
///
/// 403 `forbidden`, `fresh_auth_required`; 409 `email_taken`; 501 `mail_not_configured`; 401; 422; 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    allowed(&request, Right::UsersRecover).await?;
    let body: Body = request.form()?.finish()?;
    let reason = String::from(body.reason);
    let user_id = invite(&request.context, &request.actor(), &body.email, &reason).await?;
    Ok(Response::json(StatusCode::CREATED, &InvitedUser { user_id }))
}

/// Creates the account and mails the link.
///
/// # Errors
///
/// As [`handle`].
pub(crate) async fn invite(
    core: &Core,
    actor: &Actor,
    email: &EmailAddress,
    reason: &str,
) -> Result<Uuid, Problem> {
    if let Some((code, sentence)) = unreachable(core, email) {
        return Err(Problem::new(Code::ValidationFailed).field("email", code, sentence));
    }
    let mut connection = core.db.get().await?;
    let tx = connection.begin().await?;
    let user = create(core, actor, &tx, email, (reason, false)).await?;
    mail_link(core, &tx, user, LinkPurpose::Invitation).await?;
    tx.commit().await?;
    Ok(user)
}

/// Creates the account and makes the link for a command, which prints it on a terminal.
///
/// # Errors
///
/// 409 `email_taken`; 503.
pub(crate) async fn print(
    core: &Core,
    actor: &Actor,
    email: &EmailAddress,
    reason: &str,
) -> Result<(Uuid, LinkToken), Problem> {
    let mut connection = core.db.get().await?;
    let tx = connection.begin().await?;
    let user = create(core, actor, &tx, email, (reason, true)).await?;
    let token = print_link(core, &tx, user, LinkPurpose::Invitation).await?;
    tx.commit().await?;
    Ok((user, token))
}

async fn create(
    core: &Core,
    actor: &Actor,
    tx: &Transaction<'_>,
    email: &EmailAddress,
    (reason, is_printed): (&str, bool),
) -> Result<Uuid, Problem> {
    lock(tx, actor, &[]).await?.rights.require(Right::UsersRecover)?;
    let id = core.random.id();
    let new = NewUser {
        id,
        email: Some(email),
        is_email_verified: false,
        login: None,
        password_hash: None,
        display_name: None,
        locale: None,
        is_superuser: false,
    };
    users::insert(&**tx, &new).await.map_err(|error| has_account(taken(error)))?;
    let detail = json!({ "is_printed": is_printed });
    let entry = AuditEntry::new(AuditAction::UserInvited, id.to_string(), detail).reason(Some(reason));
    audit::record(tx, &core.audit_keys, actor, entry).await?;
    Ok(id)
}

/// What to do about an address that has an account, perhaps by an earlier invitation.
fn has_account(problem: Problem) -> Problem {
    match problem.code() == Code::EmailTaken {
        true => problem.detail(
            "An account has this address. If its user was invited and has not set a password yet, `send-reset` mails \
             another link.",
        ),
        false => problem,
    }
}
