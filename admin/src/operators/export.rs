//! `POST /api/v1/admin/users/{id}/export`: everything that is stored of a user.

use http::StatusCode;
use serde_json::json;
use uuid::Uuid;

use super::guard::lock_person;
use super::reason::Reasoned;
use crate::access::{Right, allowed_upon, of_user};
use crate::actor::Actor;
use crate::api::{Access, Operation, Problem, Request, Response};
use crate::audit::{self, AuditAction, AuditEntry};
use crate::context::Core;
use crate::export::{UserExport, example, export as collect};

/// Documents the endpoint.
pub fn describe(operation: Operation) -> Operation {
    of_user(operation)
        .tag("Operators")
        .summary("Export everything that is stored about a user.")
        .detail(
            "For a user who cannot do it. Without data of others, and without reasons that operators gave.",
        )
        .access(Access::Permission(Right::UsersExport.as_str()))
        .fresh()
        .body::<Reasoned>(json!({ "reason": "Asked by letter; identity checked." }))
        .answer::<UserExport>(200, "The export.", example())
}

/// Handles the request.
///
/// # Errors
///
/// 403 `forbidden`, `fresh_auth_required`; 404; 401; 422; 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    let (_, user) = allowed_upon(&request, Right::UsersExport).await?;
    let body: Reasoned = request.form()?.finish()?;
    let export = export(&request.context, &request.actor(), user, &String::from(body.reason)).await?;
    Ok(Response::json(StatusCode::OK, &export))
}

/// The export of a user.
///
/// # Errors
///
/// As [`handle`].
pub(crate) async fn export(
    core: &Core,
    actor: &Actor,
    user: Uuid,
    reason: &str,
) -> Result<UserExport, Problem> {
    let mut connection = core.db.get().await?;
    let tx = connection.begin().await?;
    lock_person(&tx, core, actor, Right::UsersExport, user).await?;
    let export = collect(&*tx, user).await?;
    let entry = AuditEntry::new(AuditAction::UserExported, user.to_string(), json!({})).reason(Some(reason));
    audit::record(&tx, &core.audit_keys, actor, entry).await?;
    tx.commit().await?;
    Ok(export)
}
