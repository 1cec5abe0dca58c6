//! Why a provider could not say who somebody is.

use std::time::Duration;

/// What went wrong between us and a provider. Its text holds neither a token nor what the provider sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ProviderError {
    /// It has not answered of late, and is not asked for so long.
    #[error("the provider has not answered of late, and is asked again in {0:?}")]
    Resting(Duration),
    /// As many people come from it already as admin waits for at once.
    #[error("too many people come from the provider at once")]
    Busy,
    /// It took too long.
    #[error("the provider did not answer in time")]
    Timeout,
    /// It cannot be reached.
    #[error("the provider cannot be reached: {0}")]
    Unreachable(String),
    /// It said that it cannot.
    #[error("the provider answered {0}")]
    Status(u16),
    /// It said no, with this code where it gave one.
    #[error("the provider refused{}", .0.as_ref().map(|code| format!(": {code}")).unwrap_or_default())]
    Refused(Option<String>),
    /// Its answer is not what such a provider gives.
    #[error("the provider's answer cannot be used: {0}")]
    Nonsense(&'static str),
    /// Its ID token is not good.
    #[error("the provider's ID token cannot be used: {0}")]
    IdToken(String),
}

impl ProviderError {
    /// Whether it says that the provider is not well, and not merely that it does not like this question.
    pub(super) fn is_outage(&self) -> bool {
        match self {
            Self::Timeout | Self::Unreachable(_) => true,
            Self::Status(status) => *status >= 500,
            Self::Busy | Self::Resting(_) | Self::Refused(_) | Self::Nonsense(_) | Self::IdToken(_) => false,
        }
    }

    /// A word for it.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Resting(_) => "resting",
            Self::Busy => "busy",
            Self::Timeout => "timeout",
            Self::Unreachable(_) => "unreachable",
            Self::Status(_) => "status",
            Self::Refused(_) => "refused",
            Self::Nonsense(_) => "nonsense",
            Self::IdToken(_) => "id_token",
        }
    }

    /// The refusal that `code` of a provider stands for. Only what looks like a code is kept of it.
    pub(crate) fn refused(code: Option<&str>) -> Self {
        let is_code = |text: &&str| {
            (1..=64).contains(&text.len())
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))
        };
        Self::Refused(code.filter(is_code).map(str::to_owned))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_code_is_kept_of_what_a_provider_says() {
        let text = |code| ProviderError::refused(code).to_string();
        assert_eq!(text(Some("invalid_grant")), "the provider refused: invalid_grant");
        for other in [None, Some(""), Some("a b"), Some("x\r\ny"), Some("токен"), Some(&*"a".repeat(65))]
        {
            assert_eq!(text(other), "the provider refused");
        }
    }
}
