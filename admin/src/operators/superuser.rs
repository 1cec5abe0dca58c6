//! Superuser status: granted and revoked only by superusers who signed in recently.

pub mod give;
pub mod take;

use uuid::Uuid;

use super::guard::lock_superusers;
use super::store;
use crate::access::{caller, check_not_last, of_user, rights_of};
use crate::actor::{Actor, Caller};
use crate::api::{Access, Code, Operation, Problem, Request};
use crate::audit::{self, AuditAction, AuditEntry};
use crate::context::Core;
use crate::notices::{self, NoticeTarget};

/// The caller, a superuser, and the user in the path.
///
/// # Errors
///
/// Without superuser status 403 `forbidden` for the caller's own account and 404 for others; 401; 503.
async fn allowed(request: &Request) -> Result<(Caller, Uuid), Problem> {
    let caller = caller(request).await?;
    let user = request.uuid("id")?;
    let rights = rights_of(&request.context.db.get().await?, caller.user).await?;
    if !rights.is_superuser {
        let code = if caller.user == user { Code::Forbidden } else { Code::NotFound };
        return Err(Problem::new(code).denied());
    }
    Ok((caller, user))
}

/// Grants or revokes superuser status.
///
/// # Errors
///
/// 403 `forbidden`; 404; 409 for the last superuser; 503.
pub(crate) async fn set(core: &Core, actor: &Actor, user: Uuid, is_superuser: bool) -> Result<(), Problem> {
    let mut connection = core.db.get().await?;
    let tx = connection.begin().await?;
    let rights = lock_superusers(&tx, actor, user).await?;
    if !rights.is_superuser {
        return Err(Problem::new(Code::Forbidden).denied());
    }
    let person = store::find(&*tx, user).await?.ok_or_else(|| Problem::new(Code::NotFound))?;
    if person.is_superuser && !is_superuser {
        check_not_last(&tx, user).await?;
    }
    if actor.user() == Some(user) {
        return Err(Problem::new(Code::Forbidden).detail("Ask another superuser.").denied());
    }
    if store::set_superuser(&tx, user, is_superuser).await? {
        if is_superuser {
            crate::users::store::void_links(&tx, user).await?;
            notices::superuser_granted(NoticeTarget { core, tx: &tx, user }).await?;
        }
        let action = if is_superuser { AuditAction::SuperuserGiven } else { AuditAction::SuperuserTaken };
        audit::record(
            &tx,
            &core.audit_keys,
            actor,
            AuditEntry::new(action, user.to_string(), serde_json::json!({})),
        )
        .await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Documents what both endpoints have in common.
fn describe(operation: Operation) -> Operation {
    of_user(operation)
        .tag("Operators")
        .detail(
            "A superuser may do everything in this API; at nginx locations superuser status grants nothing. Repeating the request changes \
            nothing.",
        )
        .access(Access::Superuser)
        .fresh()
}
