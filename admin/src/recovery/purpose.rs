//! What a link is for, and how long it can be used.

use std::time::Duration;

/// What a link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LinkPurpose {
    /// The user asked for it.
    Reset,
    /// An operator made it for a user who cannot sign in.
    OperatorReset,
    /// An operator created the account, and its user sets the first password.
    Invitation,
}

impl LinkPurpose {
    /// The stored form.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Reset => "reset",
            Self::OperatorReset => "operator_reset",
            Self::Invitation => "invitation",
        }
    }

    /// By its stored form.
    pub(super) fn of_word(word: &str) -> Option<Self> {
        [Self::Reset, Self::OperatorReset, Self::Invitation]
            .into_iter()
            .find(|purpose| purpose.word() == word)
    }

    /// How long a link can be used.
    pub(super) const fn life(self) -> Duration {
        match self {
            Self::Reset | Self::OperatorReset => Duration::from_hours(1),
            Self::Invitation => Duration::from_hours(7 * 24),
        }
    }
}
