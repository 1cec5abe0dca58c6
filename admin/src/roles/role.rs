//! A role as it is shown, and the two ways to name one.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use shared::permission::Pattern;
use shared::role::RoleName;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api::{Code, Problem, Request, Shape};

/// A role.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Role)]
pub(super) struct RoleView {
    pub(super) role_id: Uuid,
    /// As tokens carry it, policies demand it and headers tell it.
    #[schema(value_type = String, pattern = "^[a-z][a-z0-9_-]{0,31}$")]
    pub(super) name: RoleName,
    /// The name for people.
    #[schema(required, max_length = 64)]
    pub(super) title: Option<String>,
    /// What it is for.
    #[schema(required, max_length = 500)]
    pub(super) description: Option<String>,
    /// Whether only the command line changes or deletes it.
    pub(super) is_system: bool,
    /// What it permits itself: `area:action`, a whole area `area:*`, or everything `*`.
    #[schema(value_type = Vec<String>)]
    pub(super) permissions: BTreeSet<Pattern>,
    /// The roles whose permissions it has as well, with all that these inherit.
    #[schema(value_type = Vec<String>)]
    pub(super) inherits: BTreeSet<RoleName>,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
    #[serde(skip)]
    pub(super) version: i64,
}

/// What names a role in a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RoleRef {
    Id(Uuid),
    Name(RoleName),
}

impl RoleRef {
    /// The role that the path of `request` names, by identifier or by name. No text is both: a name is shorter.
    ///
    /// # Errors
    ///
    /// 404 `not_found` for what is neither.
    pub(super) fn of(request: &Request) -> Result<Self, Problem> {
        let text = request.params.get("role").unwrap_or_default();
        if let Ok(id) = request.uuid("role") {
            return Ok(Self::Id(id));
        }
        text.parse().map(Self::Name).map_err(|_| Problem::new(Code::NotFound))
    }
}

/// What the document says of `{role}`.
pub(super) const NAMED: &str = "The role's name, or its identifier.";

/// The form of `{role}`.
pub(super) fn shape() -> Shape {
    Shape::text("subscriber").length(1..=36)
}

/// A role for the document.
pub(super) fn example() -> Value {
    json!({
        "role_id": "0193a1b2-7c4d-7e8f-9a0b-1c2d3e4f5a6b",
        "name": "subscriber",
        "title": "Subscriber",
        "description": "Has paid for this month.",
        "is_system": false,
        "permissions": ["films:watch"],
        "inherits": [],
        "created_at": "2026-11-25T20:15:30.123456Z",
        "updated_at": "2026-11-25T20:15:30.123456Z"
    })
}
