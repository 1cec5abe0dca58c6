//! A role as returned to clients, and the two ways to identify one.

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
pub struct RoleView {
    pub(super) role_id: Uuid,
    /// The name used in tokens, policies and headers.
    #[schema(value_type = String, pattern = "^[a-z][a-z0-9_-]{0,31}$")]
    pub(crate) name: RoleName,
    /// The display name.
    #[schema(required, max_length = 64)]
    pub(crate) title: Option<String>,
    /// Its purpose.
    #[schema(required, max_length = 500)]
    pub(crate) description: Option<String>,
    /// Whether it is protected: it cannot be changed or deleted until `admin roles release`.
    pub(crate) is_system: bool,
    /// Its own permissions: `area:action`, a whole area `area:*`, or everything `*`.
    #[schema(value_type = Vec<GrantedPermission>)]
    pub(crate) permissions: BTreeSet<Pattern>,
    /// The roles that this role inherits. It also has their permissions, and everything that they inherit.
    #[schema(value_type = Vec<NameOfRole>)]
    pub(crate) inherits: BTreeSet<RoleName>,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    #[serde(skip)]
    pub(crate) version: i64,
}

/// A role's name.
#[derive(ToSchema)]
#[schema(as = RoleName, value_type = String, pattern = "^[a-z][a-z0-9_-]{0,31}$")]
#[expect(dead_code, reason = "used only for its schema")]
pub(crate) struct NameOfRole(String);

/// A grant of a role: one action `area:action`, a whole area `area:*`, or everything `*`.
#[derive(ToSchema)]
#[schema(as = GrantedPermission, value_type = String, pattern = "^([*]|[a-z][a-z0-9_-]{0,31}:([*]|[a-z][a-z0-9_-]{0,31}))$")]
#[expect(dead_code, reason = "used only for its schema")]
pub(crate) struct GrantedPermission(String);

/// The identifier of a role in a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoleRef {
    /// By identifier.
    Id(Uuid),
    /// By name.
    Name(RoleName),
}

impl RoleRef {
    /// The role in the path of `request`, by identifier or by name. No text can be both: a name is shorter.
    ///
    /// # Errors
    ///
    /// 404 `not_found` for a text that is neither.
    pub(super) fn of(request: &Request) -> Result<Self, Problem> {
        let text = request.params.get("role").unwrap_or_default();
        if let Ok(id) = request.uuid("role") {
            return Ok(Self::Id(id));
        }
        text.parse().map(Self::Name).map_err(|_| Problem::new(Code::NotFound))
    }
}

/// Documents `{role}`.
pub(super) const NAMED: &str = "The role's name or identifier.";

/// The schema of `{role}`.
pub(super) fn shape() -> Shape {
    Shape::text("subscriber")
        .pattern("^([a-z][a-z0-9_-]{0,31}|[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})$")
}

/// An example role.
pub(super) fn example() -> Value {
    json!({
        "role_id": "0193a1b2-7c4d-7e8f-9a0b-1c2d3e4f5a6b",
        "name": "subscriber",
        "title": "Subscriber",
        "description": "For users with a paid subscription this month.",
        "is_system": false,
        "permissions": ["films:watch"],
        "inherits": [],
        "created_at": "2026-11-25T20:15:30.123456Z",
        "updated_at": "2026-11-25T20:15:30.123456Z"
    })
}
