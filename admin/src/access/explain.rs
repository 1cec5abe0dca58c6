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
struct Explained {
    user_id: Uuid,
    /// Whether the user has all of them, or, with `any`, at least one.
    allowed: bool,
    /// The result of each permission.
    #[schema(value_type = BTreeMap<String, Explanation>)]
    results: BTreeMap<Permission, Explanation>,
}

/// The result of one permission, and its reasons.
#[derive(Serialize, ToSchema)]
struct Explanation {
    allowed: bool,
    /// A superuser may do everything in this API; at nginx superuser status grants nothing.
    superuser: bool,
    /// All paths to it: the shortest one for each assigned role and each pattern that grants it.
    paths: Vec<ExplainedPath>,
}

/// One path from a user to a permission: assigned role, inherited roles, pattern, expiry.
#[derive(Serialize, ToSchema)]
#[schema(as = Path)]
struct ExplainedPath {
    /// The assigned role.
    #[schema(value_type = String)]
    role: RoleName,
    /// The chain of inherited roles from the assigned role to the role that has the permission; empty when
    /// the assigned role has it directly.
    #[schema(value_type = Vec<String>)]
    inherited: Vec<RoleName>,
    /// The pattern that grants the permission.
    #[schema(value_type = String)]
    permission: Pattern,
    /// When the assignment expires; null for never.
    #[schema(required)]
    expires_at: Option<Timestamp>,
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
    let Answerable { question, user, rights } = question::read(&request).await?;
    let results: BTreeMap<_, _> =
        question.permissions.iter().map(|one| (one.clone(), Explanation::of(&rights, one))).collect();
    let allowed = question.is_met(results.values().map(|explanation| explanation.allowed));
    Ok(Response::json(StatusCode::OK, &Explained { user_id: user, allowed, results })
        .disclosing(Disclosed::User(user)))
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
