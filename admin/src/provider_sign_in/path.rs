//! The path parameter that names a provider.

use crate::api::{Code, Operation, Problem, Request, Shape};
use crate::providers::Provider;

/// Its name.
pub(super) const PROVIDER: &str = "provider";

/// Documents it.
pub(super) fn of_provider(operation: Operation) -> Operation {
    let shape = Shape::text("google").pattern("^[a-z][a-z0-9-]{0,31}$");
    operation.path(PROVIDER, "The provider.", shape).problems(&[Code::ProviderUnknown])
}

/// The provider that the path of `request` names.
///
/// # Errors
///
/// 404 `provider_unknown`.
pub(super) fn provider(request: &Request) -> Result<&Provider, Problem> {
    let providers = &request.context.providers;
    let named = request.params.get(PROVIDER).and_then(|id| providers.find(id));
    named.ok_or_else(|| {
        let detail = format!("See GET {} for the available providers.", providers.paths().list);
        Problem::new(Code::ProviderUnknown).detail(detail)
    })
}
