//! `PATCH /api/v1/me`: changes what the caller says about themselves (RFC 7396).

use serde_json::json;

use super::show;
use crate::access::caller;
use crate::api::{Access, Code, Operation, Problem, Request, Response, Shape, if_match};
use crate::users::profile::{Profile, ProfileChange};
use crate::users::store;

/// Documents the endpoint.
pub fn describe(operation: Operation) -> Operation {
    operation
        .tag("Me")
        .summary("Change the caller's profile.")
        .access(Access::SignedIn)
        .header(
            "If-Match",
            "Change it only if its version, as `ETag` said, is one of these; `*` is any.",
            Shape::text("*"),
        )
        .body::<ProfileChange>(json!({ "first_name": "Анна", "phone": "+79991234567", "last_name": null }))
        .answer::<Profile>(200, "The profile as it is now.", show::example())
        .answer_header(200, "ETag", show::VERSION)
        .problems(&[Code::PreconditionFailed])
}

/// Answers the request: the profile as it is afterwards.
///
/// # Errors
///
/// 412 `precondition_failed` when `If-Match` names other versions, 422 with every field that is not good,
/// 401, 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    let caller = caller(&request).await?;
    let change = request.json::<ProfileChange>()?.check()?;
    let versions = if_match(&request.headers);
    let connection = request.context.db.get().await?;
    if !store::change_profile(&connection, caller.user, &change, versions.as_deref()).await? {
        return Err(Problem::new(Code::PreconditionFailed));
    }
    show::respond(&connection, caller.user).await
}
