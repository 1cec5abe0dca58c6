//! Single permissions: of one role, and those that are in use at all.

pub mod add;
pub mod list;
pub mod remove;
pub mod show;

use serde::Serialize;
use serde_json::{Value, json};
use shared::permission::Pattern;
use utoipa::ToSchema;

use crate::api::{Code, Operation, Problem, Request, Shape};

/// A permission that a role has itself.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RolePermission {
    #[schema(value_type = String)]
    permission: Pattern,
}

impl RolePermission {
    fn example() -> Value {
        json!({ "permission": "films:watch" })
    }
}

/// The permission that the path of `request` names. Of all open parts this one alone may be percent-encoded: `*` and
/// `:` need not be, and some clients do it all the same.
///
/// # Errors
///
/// 404 `not_found` for what is none.
fn named(request: &Request) -> Result<Pattern, Problem> {
    let text = request.params.get("permission").unwrap_or_default();
    let decoded = text.replace("%3A", ":").replace("%3a", ":").replace("%2A", "*").replace("%2a", "*");
    decoded.parse().map_err(|_| Problem::new(Code::NotFound))
}

/// Adds what the document says of `{role}` and `{permission}`.
fn of_path(operation: Operation) -> Operation {
    operation.path("role", super::role::NAMED, super::role::shape()).path(
        "permission",
        "`area:action`, a whole area `area:*`, or everything `*`.",
        Shape::text("films:watch").length(1..=65),
    )
}
