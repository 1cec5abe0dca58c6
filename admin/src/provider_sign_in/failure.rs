//! What a client is told when a provider does not say who somebody is.

use crate::api::{Code, Problem};
use crate::providers::{Provider, ProviderError};

/// The problem that `error` of `provider` is, which is logged here.
pub(super) fn problem(provider: &Provider, error: &ProviderError) -> Problem {
    tracing::warn!(provider = provider.id(), %error, "An identity provider did not say who somebody is.");
    let name = provider.name();
    match error {
        ProviderError::Resting(rest) => Problem::new(Code::ProviderUnavailable)
            .retry_after(u32::try_from(rest.as_secs()).unwrap_or(u32::MAX).saturating_add(1))
            .detail(format!("{name} has not answered of late. Sign in another way, or try again later.")),
        ProviderError::Busy => Problem::new(Code::ProviderUnavailable)
            .detail(format!("Too many people come from {name} at once. Try again.")),
        ProviderError::Timeout => Problem::new(Code::ProviderTimeout)
            .detail(format!("{name} did not answer in time. Begin the sign-in again.")),
        ProviderError::Unreachable(_)
        | ProviderError::Status(_)
        | ProviderError::Refused(_)
        | ProviderError::Nonsense(_)
        | ProviderError::IdToken(_) => Problem::new(Code::ProviderError)
            .detail(format!("{name} did not say who it is. Begin the sign-in again.")),
    }
}
