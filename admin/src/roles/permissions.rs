//! Single permissions: of one role, and all that are in use.

pub mod add;
pub mod list;
pub mod remove;
pub mod show;

use serde::Serialize;
use serde_json::{Value, json};
use shared::permission::Pattern;
use utoipa::ToSchema;

use crate::api::{Code, Operation, Problem, Request, Shape};

/// An own permission of a role.
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

/// The permission in the path of `request`. This is the only path parameter that may be percent-encoded: `*`
/// and `:` need no encoding, but some clients encode them.
///
/// # Errors
///
/// 404 `not_found` for a text that is not a permission.
fn named(request: &Request) -> Result<Pattern, Problem> {
    let text = request.params.get("permission").unwrap_or_default();
    let decoded = text.replace("%3A", ":").replace("%3a", ":").replace("%2A", "*").replace("%2a", "*");
    decoded.parse().map_err(|_| Problem::new(Code::NotFound))
}

/// Documents `{role}` and `{permission}`.
fn of_path(operation: Operation) -> Operation {
    operation.path("role", super::role::NAMED, super::role::shape()).path(
        "permission",
        "`area:action`, a whole area `area:*`, or everything `*`.",
        Shape::text("films:watch")
            .length(1..=65)
            .pattern("^([*]|[a-z][a-z0-9_-]{0,31}:([*]|[a-z][a-z0-9_-]{0,31}))$"),
    )
}
