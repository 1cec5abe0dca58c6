//! `POST /api/v1/auth/export`: the export of the user of a link that was mailed.

use deserr::Deserr;
use http::StatusCode;
use serde_json::json;
use utoipa::ToSchema;

use super::document::{UserExport, example, export};
use crate::api::text::Opaque;
use crate::api::{Access, Code, Findings, Operation, Problem, Request, Response};
use crate::context::Context;
use crate::keys::LinkToken;
use crate::recovery::use_export_link;
use crate::users::email_changes::check_not_frozen;

/// The token of a link.
#[derive(Deserr, ToSchema)]
#[schema(as = ExportToken)]
#[serde(deny_unknown_fields)]
#[deserr(error = Findings, deny_unknown_fields)]
struct Body {
    /// The part of the link after `#`.
    #[schema(value_type = String, pattern = "^[A-Za-z0-9_-]{43}$")]
    token: Opaque,
}

/// Documents the endpoint.
pub fn describe(operation: Operation) -> Operation {
    operation
        .tag("Sign-in")
        .batch()
        .summary("Get an export by the token of a link.")
        .detail(
            "A link is used up by this; the same request, repeated within a minute, gets the export again.",
        )
        .access(Access::Public)
        .body::<Body>(json!({ "token": "bJ3t1mR0t8nYk6w2Qv5xZ7aC9dE1fG3hI5jK7lM9nO0" }))
        .answer::<UserExport>(200, "The export.", example())
        .problems(&[Code::CodeExpired, Code::AccountFrozen])
}

/// Handles the request.
///
/// # Errors
///
/// 410 `code_expired`; 403 `account_frozen`; 422; 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    let body: Body = request.form()?.finish()?;
    let export = take(&request.context, &LinkToken::received(body.token.as_ref())).await?;
    Ok(Response::json(StatusCode::OK, &export))
}

/// The export of the user of a link, which is used up.
///
/// # Errors
///
/// As [`handle`].
pub(super) async fn take(context: &Context, token: &LinkToken) -> Result<UserExport, Problem> {
    let expired = || Problem::new(Code::CodeExpired).detail("Ask for another export.");
    let mut connection = context.db.get().await?;
    let tx = connection.begin().await?;
    let user = use_export_link(&tx, token).await?.ok_or_else(expired)?;
    check_not_frozen(&*tx, user).await?;
    let export = export(&*tx, user).await?;
    tx.commit().await?;
    Ok(export)
}
