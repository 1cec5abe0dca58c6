//! `POST /api/v1/authz/check`: whether a user has permissions.

use std::collections::BTreeMap;

use http::StatusCode;
use serde::Serialize;
use serde_json::json;
use shared::permission::Permission;
use utoipa::ToSchema;
use uuid::Uuid;

use super::question::{self, Answerable};
use crate::api::{Disclosed, Operation, Problem, Request, Response};

/// The permissions that a user has.
#[derive(Serialize, ToSchema)]
struct Checked {
    user_id: Uuid,
    /// Whether the user has all of them, or, with `any`, at least one.
    allowed: bool,
    /// The result of each permission.
    #[schema(value_type = BTreeMap<String, bool>)]
    results: BTreeMap<Permission, bool>,
}

/// Documents the endpoint.
pub fn describe(operation: Operation) -> Operation {
    question::describe(operation).summary("Check permissions.").answer::<Checked>(
        200,
        "The result of each permission.",
        json!({
            "user_id": "0193a1b2-7c4d-7e8f-9a0b-1c2d3e4f5a6b",
            "allowed": false,
            "results": { "films:download": false, "films:watch": true }
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
        question.permissions.iter().map(|one| (one.clone(), rights.may(&one.clone().into()))).collect();
    let allowed = question.is_met(results.values().copied());
    Ok(Response::json(StatusCode::OK, &Checked { user_id: user, allowed, results })
        .disclosing(Disclosed::User(user)))
}
