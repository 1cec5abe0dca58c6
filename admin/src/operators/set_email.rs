//! `PUT /api/v1/admin/users/{id}/email`: sets the e-mail address of a user who cannot do it.

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
use crate::notices::{self, NoticeTarget};
use crate::sessions::renew::end_older;
use crate::sessions::session::EndReason;
use crate::users::store::{self as users, Credential};
use crate::users::{EmailAddress, taken};

/// The new address, and why it is set.
#[derive(Deserr, ToSchema)]
#[schema(as = EmailOrder)]
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

/// Documents the endpoint.
pub fn describe(operation: Operation) -> Operation {
    of_user(operation)
        .tag("Operators")
        .summary("Set a user's e-mail address.")
        .detail(
            "The address counts as unproven, unless only its spelling changes. All sessions are revoked, unused links are void, \
            and the address before gets a mail, unless it is the unproven one of an operator. Setting the address that \
            the account has changes nothing.",
        )
        .access(Access::Permission(Right::UsersRecover.as_str()))
        .fresh()
        .body::<Body>(json!({ "email": "anna.new@example.org", "reason": "Lost the mailbox; identity checked." }))
        .empty(204, "The address is set.")
        .problems(&[Code::EmailTaken, Code::AccountDisabled])
}

/// Handles the request.
///
/// # Errors
///
/// 403 `forbidden`, `fresh_auth_required`, `account_disabled`; 404; 409 `email_taken`; 401; 422; 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    let (_, user) = allowed_upon(&request, Right::UsersRecover).await?;
    let body: Body = request.form()?.finish()?;
    set(&request.context, &request.actor(), user, body.email, &String::from(body.reason)).await?;
    Ok(Response::empty(StatusCode::NO_CONTENT))
}

/// Sets the address.
///
/// # Errors
///
/// As [`handle`].
pub(crate) async fn set(
    core: &Core,
    actor: &Actor,
    user: Uuid,
    email: EmailAddress,
    reason: &str,
) -> Result<(), Problem> {
    let mut connection = core.db.get().await?;
    let tx = connection.begin().await?;
    let person = lock_person(&tx, core, actor, Right::UsersRecover, user).await?;
    if person.status != users::ACTIVE {
        return Err(Problem::new(Code::AccountDisabled));
    }
    let new = Credential::Email(email);
    if users::has_credential(&tx, user, &new).await? {
        return Ok(());
    }
    let former = users::address(&*tx, user).await?;
    let generation = users::set_credential(&tx, user, &new).await.map_err(taken)?;
    users::void_links(&tx, user).await?;
    let ended = end_older(&tx, &core.issuer, user, None, generation, EndReason::Admin).await?;
    let target = NoticeTarget { core, tx: &tx, user };
    notices::email_set(target, former.as_ref()).await?;
    let detail = json!({ "sessions_ended": ended });
    let entry = AuditEntry::new(AuditAction::EmailSet, user.to_string(), detail).reason(Some(reason));
    audit::record(&tx, &core.audit_keys, actor, entry).await?;
    Ok(tx.commit().await?)
}
