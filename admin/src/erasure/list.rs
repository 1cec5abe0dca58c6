//! `GET /api/v1/erasures`: the users who were erased here, and not yet by other services.

use http::StatusCode;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::record::ErasureRecord;
use super::store;
use crate::access::{Right, allowed};
use crate::api::{Access, Code, Operation, Problem, Query, Request, Response, Shape};

/// Erasures that were not acknowledged, the oldest first.
#[derive(Serialize, ToSchema)]
#[schema(as = Erasures)]
struct Erasures {
    #[schema(max_items = 100)]
    items: Vec<ErasureRecord>,
}

/// Documents the endpoint.
pub fn describe(operation: Operation) -> Operation {
    let item = json!({
        "user_id": "0193a1b2-7c4d-7e8f-9a0b-1c2d3e4f5a6b",
        "requested_at": "2026-11-11T20:15:30.123456Z",
        "erased_at": "2026-11-25T20:15:30.123456Z",
        "origin": "user",
        "categories": ["login_history", "sessions", "profile"]
    });
    operation
        .tag("Operators")
        .batch()
        .summary("List the erasures that were not acknowledged, the oldest first.")
        .detail(
            "For services that store data of users under their identifiers: erase each, and acknowledge it. It is then no \
            longer in this list.",
        )
        .access(Access::Permission(Right::ErasuresProcess.as_str()))
        .query("limit", "The highest number of entries.", Shape::integer(1..=100, 20).default(20))
        .answer::<Erasures>(200, "The erasures.", json!({ "items": [item] }))
        .problems(&[Code::ValidationFailed])
}

/// Handles the request.
///
/// # Errors
///
/// 403 `forbidden`; 422; 401; 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    allowed(&request, Right::ErasuresProcess).await?;
    let mut query = Query::read(&request, &["limit"]);
    let limit = query.limit();
    query.finish()?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let items = store::unacknowledged(&request.context.db.get().await?, limit).await?;
    Ok(Response::json(StatusCode::OK, &Erasures { items }))
}
