//! `PATCH /api/v1/me`: changes the caller's profile (RFC 7396).

use serde_json::json;

use super::show;
use crate::access::caller;
use crate::api::{Access, Code, Operation, Problem, Request, Response, Shape, if_match};
use crate::users::profile::store;
use crate::users::profile::{Profile, ProfileChange};

/// Documents the endpoint.
pub fn describe(operation: Operation) -> Operation {
    operation
        .tag("Me")
        .summary("Change your profile.")
        .access(Access::SignedIn)
        .header(
            "If-Match",
            "Change it only if its current version (`ETag`) is one of these; `*` matches any version.",
            Shape::text("*"),
        )
        .body::<ProfileChange>(json!({ "first_name": "Анна", "phone": "+79991234567", "last_name": null }))
        .answer::<Profile>(200, "The changed profile.", show::example())
        .answer_header(200, "ETag", show::VERSION)
        .problems(&[Code::PreconditionFailed])
}

/// Handles the request. Returns the changed profile.
///
/// # Errors
///
/// 412 `precondition_failed` when `If-Match` does not include the current version, 422 with every invalid
/// field, 401, 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    let caller = caller(&request).await?;
    let change: ProfileChange = request.form()?.finish()?;
    let versions = if_match(&request.headers);
    let connection = request.context.db.get().await?;
    if !store::change_profile(&connection, caller.user, &change, versions.as_deref()).await? {
        return Err(Problem::new(Code::PreconditionFailed));
    }
    show::respond(&connection, caller).await
}
