//! `GET /api/v1/auth/providers`: the configured identity providers.

use http::StatusCode;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::api::{Access, Operation, Problem, Request, Response};
use crate::providers::{Provider, ProviderPaths};

/// The configured identity providers.
#[derive(Serialize, ToSchema)]
#[schema(as = Providers)]
struct Body<'p> {
    items: Vec<ProviderItem<'p>>,
}

/// An identity provider.
#[derive(Serialize, ToSchema)]
#[schema(as = Provider)]
struct ProviderItem<'p> {
    /// Its name in paths.
    #[schema(pattern = "^[a-z][a-z0-9-]{0,31}$")]
    id: &'p str,
    /// Its name for people.
    name: &'p str,
    /// The path where a browser starts to sign in.
    #[schema(format = "uri-reference")]
    start_url: String,
}

/// Describes the endpoint; `paths` are for its example.
pub fn describe(operation: Operation, paths: &ProviderPaths) -> Operation {
    operation
        .tag("Providers")
        .summary("List the configured identity providers.")
        .access(Access::Public)
        .answer::<Body<'_>>(
            200,
            "The identity providers.",
            json!({ "items": [
                { "id": "google", "name": "Google", "start_url": paths.login_of("google") }
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
    Ok(Response::json(StatusCode::OK, &Body { items }))
}

fn item(provider: &Provider) -> ProviderItem<'_> {
    ProviderItem { id: provider.id(), name: provider.name(), start_url: provider.login_path() }
}
