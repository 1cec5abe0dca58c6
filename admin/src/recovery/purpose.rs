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
    /// The user asked for an export.
    Export,
}

impl LinkPurpose {
    /// The stored form.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Reset => "reset",
            Self::OperatorReset => "operator_reset",
            Self::Invitation => "invitation",
            Self::Export => "export",
        }
    }

    /// By its stored form.
    pub(super) fn of_word(word: &str) -> Option<Self> {
        [Self::Reset, Self::OperatorReset, Self::Invitation, Self::Export]
            .into_iter()
            .find(|purpose| purpose.word() == word)
    }

    /// Whether it is for setting a password.
    pub(super) const fn sets_password(self) -> bool {
        match self {
            Self::Reset | Self::OperatorReset | Self::Invitation => true,
            Self::Export => false,
        }
    }

    /// How long a link can be used.
    pub(super) const fn life(self) -> Duration {
        match self {
            Self::Reset | Self::OperatorReset | Self::Export => Duration::from_hours(1),
            Self::Invitation => Duration::from_hours(7 * 24),
        }
    }
}
