//! Signing in through identity providers, and what is linked to whom.
//!
//! ```text
//! login, link ── begin ──► provider ──► callback ── claim ─► identify ─► settle ─┬─► sign_in
//!                                                                (decide, store) ├─► one-time code ─► exchange
//!                                                                                └─► flow ─► confirm
//! ```

pub mod accounts;
mod begin;
mod browser;
pub mod callback;
pub mod confirm;
mod decide;
pub mod exchange;
mod failure;
pub mod list;
pub mod login;
mod return_to;
mod secret;
mod settle;
mod sign_in;
mod store;

use crate::api::{Code, Operation, Problem, Request, Shape};
use crate::providers::Provider;

/// The open part of a path that names a provider.
const PROVIDER: &str = "provider";

/// Adds what the document says of it.
fn of_provider(operation: Operation) -> Operation {
    let shape = Shape::text("google").pattern("^[a-z][a-z0-9-]{0,31}$");
    operation.path(PROVIDER, "The provider.", shape).problems(&[Code::ProviderUnknown])
}

/// The provider that the path of `request` names.
///
/// # Errors
///
/// 404 `provider_unknown`.
fn provider(request: &Request) -> Result<&Provider, Problem> {
    let named = request.params.get(PROVIDER).and_then(|id| request.context.providers.find(id));
    named.ok_or_else(|| {
        Problem::new(Code::ProviderUnknown).detail("GET /api/v1/auth/providers lists those that there are.")
    })
}
