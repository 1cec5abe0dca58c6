//! `GET /api/v1/auth/providers`: through whom somebody can sign in.

use http::StatusCode;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::api::{Access, Operation, Problem, Request, Response};
use crate::providers::Provider;

/// The providers.
#[derive(Serialize, ToSchema)]
#[schema(as = Providers)]
struct Providers<'p> {
    items: Vec<Item<'p>>,
}

/// A provider.
#[derive(Serialize, ToSchema)]
#[schema(as = Provider)]
struct Item<'p> {
    /// Its name in paths.
    #[schema(pattern = "^[a-z][a-z0-9-]{0,31}$")]
    id: &'p str,
    /// Its name for people.
    name: &'p str,
    /// Where a browser begins to sign in.
    #[schema(format = "uri-reference")]
    start_url: String,
}

/// Documents the endpoint.
pub fn describe(operation: Operation) -> Operation {
    operation
        .tag("Providers")
        .summary("Through whom somebody can sign in.")
        .detail("Those that the operator configured; others are absent.")
        .access(Access::Public)
        .answer::<Providers<'_>>(
            200,
            "The providers.",
            json!({ "items": [
                { "id": "google", "name": "Google", "start_url": "/api/v1/oauth/google/login" }
            ] }),
        )
}

/// Handles the request.
///
/// # Errors
///
/// None of its own.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    let items = request.context.providers.iter().map(item).collect();
    Ok(Response::json(StatusCode::OK, &Providers { items }))
}

fn item(provider: &Provider) -> Item<'_> {
    let start_url = format!("/api/v1/oauth/{}/login", provider.id());
    Item { id: provider.id(), name: provider.name(), start_url }
}
