//! The problem of a provider that did not identify a user.

use crate::api::{Code, Problem};
use crate::providers::{Provider, ProviderError};

/// The problem for `error` of `provider`, which is logged here.
pub(super) fn problem(provider: &Provider, error: &ProviderError) -> Problem {
    tracing::warn!(provider = provider.id(), %error, "Identity lookup failed.");
    let name = provider.name();
    match error {
        ProviderError::CircuitOpen(rest) => Problem::new(Code::ProviderUnavailable)
            .retry_after(u32::try_from(rest.as_secs()).unwrap_or(u32::MAX).saturating_add(1))
            .detail(format!("{name} is not responding. Sign in with another method, or try again later.")),
        ProviderError::Saturated => Problem::new(Code::ProviderUnavailable)
            .detail(format!("Too many sign-ins through {name} are in progress. Try again.")),
        ProviderError::Timeout => Problem::new(Code::ProviderTimeout)
            .detail(format!("{name} did not respond in time. Start the sign-in again.")),
        ProviderError::Unreachable(_)
        | ProviderError::RateLimited
        | ProviderError::Status(_)
        | ProviderError::Rejected(_)
        | ProviderError::InvalidResponse(_)
        | ProviderError::InvalidIdToken(_) => Problem::new(Code::ProviderError)
            .detail(format!("{name} returned no identity. Start the sign-in again.")),
    }
}
