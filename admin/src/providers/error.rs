//! Why a provider did not identify a user.

use std::time::Duration;

/// A failure between this service and a provider. Its text contains neither a token nor what the provider sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ProviderError {
    /// It did not respond to several requests in a row, and gets none for this long.
    #[error("the circuit breaker is open for another {0:?}")]
    CircuitOpen(Duration),
    /// As many of its users are being identified as may be at the same time.
    #[error("too many sign-ins through the provider are in progress")]
    Saturated,
    /// It took too long.
    #[error("the provider did not respond in time")]
    Timeout,
    /// No connection, or a broken one.
    #[error("the provider is unreachable: {0}")]
    Unreachable(String),
    /// It refuses more requests for some time.
    #[error("the provider refused the request because of its rate limit")]
    RateLimited,
    /// A status that is not a success.
    #[error("the provider responded with status {0}")]
    Status(u16),
    /// An OAuth error, with its code where there is a valid one.
    #[error("the provider returned an error{}", .0.as_ref().map(|code| format!(": {code}")).unwrap_or_default())]
    Rejected(Option<String>),
    /// A response that is not valid for such a provider.
    #[error("the provider returned an invalid response: {0}")]
    InvalidResponse(&'static str),
    /// An ID token that fails its verification.
    #[error("the provider returned an invalid ID token: {0}")]
    InvalidIdToken(String),
}

impl ProviderError {
    /// Whether it shows that the provider is down, rather than that it rejects this request.
    pub(super) fn is_outage(&self) -> bool {
        match self {
            Self::Timeout | Self::Unreachable(_) => true,
            Self::Status(status) => *status >= 500,
            Self::Saturated
            | Self::CircuitOpen(_)
            | Self::RateLimited
            | Self::Rejected(_)
            | Self::InvalidResponse(_)
            | Self::InvalidIdToken(_) => false,
        }
    }

    /// The `error.type` of a trace.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::CircuitOpen(_) => "circuit_open",
            Self::Saturated => "saturated",
            Self::Timeout => "timeout",
            Self::Unreachable(_) => "unreachable",
            Self::RateLimited => "rate_limited",
            Self::Status(_) => "status",
            Self::Rejected(_) => "rejected",
            Self::InvalidResponse(_) => "invalid_response",
            Self::InvalidIdToken(_) => "invalid_id_token",
        }
    }

    /// The OAuth error `code` of a provider. Only a text in the form of a code is kept.
    pub(crate) fn rejected(code: Option<&str>) -> Self {
        let is_code = |text: &&str| {
            (1..=64).contains(&text.len())
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))
        };
        Self::Rejected(code.filter(is_code).map(str::to_owned))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_valid_code_of_an_error_is_kept() {
        let text = |code| ProviderError::rejected(code).to_string();
        assert_eq!(text(Some("invalid_grant")), "the provider returned an error: invalid_grant");
        for other in [None, Some(""), Some("a b"), Some("x\r\ny"), Some("токен"), Some(&*"a".repeat(65))]
        {
            assert_eq!(text(other), "the provider returned an error");
        }
    }
}
