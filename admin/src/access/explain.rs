//! `POST /api/v1/authz/explain`: why somebody may do something.

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
use crate::api::{Operation, Problem, Request, Response};

/// What somebody may do, and why.
#[derive(Serialize, ToSchema)]
struct Explained {
    user_id: Uuid,
    /// Whether they may do all of it, or, with `any`, some.
    allowed: bool,
    /// By permission.
    #[schema(value_type = BTreeMap<String, Explanation>)]
    results: BTreeMap<Permission, Explanation>,
}

/// Whether, and why.
#[derive(Serialize, ToSchema)]
struct Explanation {
    allowed: bool,
    /// A superuser may do everything in admin; no location lets them in for it.
    superuser: bool,
    /// Every way to it: for each assigned role and each pattern that grants it, the shortest.
    paths: Vec<ExplainedPath>,
}

/// One way to a permission: user, role, what is inherited, permission, end.
#[derive(Serialize, ToSchema)]
#[schema(as = Path)]
struct ExplainedPath {
    /// The role that is assigned.
    #[schema(value_type = String)]
    role: RoleName,
    /// From what that role inherits to the role that has the permission; empty when it has it itself.
    #[schema(value_type = Vec<String>)]
    inherited: Vec<RoleName>,
    /// What grants it.
    #[schema(value_type = String)]
    permission: Pattern,
    /// When the assignment ends; null for never.
    #[schema(required)]
    expires_at: Option<Timestamp>,
}

/// What the document says of it.
pub fn describe(operation: Operation) -> Operation {
    let path = json!({
        "role": "premium", "inherited": ["subscriber"], "permission": "films:*", "expires_at": "2099-12-31T00:00:00Z"
    });
    question::describe(operation).summary("Why somebody may do something.").answer::<Explained>(
        200,
        "What they may do, and by which way.",
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

/// Answers the request.
///
/// # Errors
///
/// 404; 422; 401; 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    let Answerable { question, user, rights } = question::read(&request).await?;
    let results: BTreeMap<_, _> =
        question.permissions.iter().map(|one| (one.clone(), Explanation::of(&rights, one))).collect();
    let allowed = question.is_met(results.values().map(|explanation| explanation.allowed));
    Ok(Response::json(StatusCode::OK, &Explained { user_id: user, allowed, results }))
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
