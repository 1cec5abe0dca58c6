//! `POST /api/v1/authz/explain`: why a user has permissions.

use std::collections::BTreeMap;

use http::StatusCode;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;
use shared::permission::{Pattern, Permission};
use shared::role::RoleName;
use utoipa::ToSchema;
use uuid::Uuid;

use super::question::{self, Answerable};
use super::{Path, Rights};
use crate::api::{Disclosed, Operation, Problem, Request, Response};

/// The permissions that a user has, and which roles grant them.
#[derive(Serialize, ToSchema)]
pub(crate) struct Explained {
    user_id: Uuid,
    /// Whether the user has all of them, or, with `any`, at least one.
    allowed: bool,
    /// The result of each permission.
    #[schema(value_type = BTreeMap<String, Explanation>)]
    pub(crate) results: BTreeMap<Permission, Explanation>,
}

/// The result of one permission, and its reasons.
#[derive(Serialize, ToSchema)]
pub(crate) struct Explanation {
    pub(crate) allowed: bool,
    /// A superuser may do everything in this API; at nginx superuser status grants nothing.
    pub(crate) superuser: bool,
    /// All paths to it: the shortest one for each assigned role and each pattern that grants it.
    pub(crate) paths: Vec<ExplainedPath>,
}

/// One path from a user to a permission: assigned role, inherited roles, pattern, expiry.
#[derive(Serialize, ToSchema)]
#[schema(as = Path)]
pub(crate) struct ExplainedPath {
    /// The assigned role.
    #[schema(value_type = String)]
    pub(crate) role: RoleName,
    /// The chain of inherited roles from the assigned role to the role that has the permission; empty when
    /// the assigned role has it directly.
    #[schema(value_type = Vec<String>)]
    pub(crate) inherited: Vec<RoleName>,
    /// The pattern that grants the permission.
    #[schema(value_type = String)]
    pub(crate) permission: Pattern,
    /// When the assignment expires; null for never.
    #[schema(required)]
    pub(crate) expires_at: Option<Timestamp>,
}

/// Documents the endpoint.
pub fn describe(operation: Operation) -> Operation {
    let path = json!({
        "role": "premium", "inherited": ["subscriber"], "permission": "films:*", "expires_at": "2099-12-31T00:00:00Z"
    });
    question::describe(operation).summary("Explain permissions.").answer::<Explained>(
        200,
        "Effective permissions and the roles that grant them.",
        json!({
            "user_id": "0193a1b2-7c4d-7e8f-9a0b-1c2d3e4f5a6b",
            "allowed": false,
            "results": {
                "films:download": { "allowed": false, "superuser": false, "paths": [] },
                "films:watch": { "allowed": true, "superuser": false, "paths": [path] }
            }
        }),
    )
}

/// Handles the request.
///
/// # Errors
///
/// 404; 422; 401; 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    let explained = perform(&request).await?;
    let user = explained.user_id;
    Ok(Response::json(StatusCode::OK, &explained).disclosing(Disclosed::User(user)))
}

/// What the endpoint does, for a page too.
pub(crate) async fn perform(request: &Request) -> Result<Explained, Problem> {
    let Answerable { question, user, rights } = question::read(request).await?;
    let results: BTreeMap<_, _> =
        question.permissions.iter().map(|one| (one.clone(), Explanation::of(&rights, one))).collect();
    let allowed = question.is_met(results.values().map(|explanation| explanation.allowed));
    Ok(Explained { user_id: user, allowed, results })
}

impl Explanation {
    fn of(rights: &Rights, permission: &Permission) -> Self {
        let paths: Vec<_> = rights.paths(permission).into_iter().map(ExplainedPath::from).collect();
        Self { allowed: rights.is_superuser || !paths.is_empty(), superuser: rights.is_superuser, paths }
    }
}

impl From<Path> for ExplainedPath {
    fn from(path: Path) -> Self {
        Self {
            role: path.held.role,
            inherited: path.inherited,
            permission: path.pattern,
            expires_at: path.held.end.moment(),
        }
    }
}
