//! What a page or an action of the console needs.

use crate::access::{Right, Rights};
use crate::api::{Code, Problem};

/// What an operator must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Requirement {
    /// Any permission of this service.
    Any,
    /// This permission.
    Right(Right),
    /// Superuser status.
    Superuser,
}

impl Requirement {
    /// Whether `rights` suffice.
    pub(super) fn is_met(self, rights: &Rights) -> bool {
        match self {
            Self::Any => rights.is_superuser || Right::ALL.iter().any(|right| rights.has(*right)),
            Self::Right(right) => rights.has(right),
            Self::Superuser => rights.is_superuser,
        }
    }

    /// Requires it.
    ///
    /// # Errors
    ///
    /// 403 `forbidden` without it.
    pub(super) fn require(self, rights: &Rights) -> Result<(), Problem> {
        match (self.is_met(rights), self) {
            (true, _) => Ok(()),
            (false, Self::Right(right)) => Err(right.missing()),
            (false, Self::Any | Self::Superuser) => Err(Problem::new(Code::Forbidden).denied()),
        }
    }

    /// Its name, if `rights` do not suffice.
    pub(super) fn missing(self, rights: &Rights) -> Option<&'static str> {
        (!self.is_met(rights)).then_some(match self {
            Self::Any => "",
            Self::Right(right) => right.as_str(),
            Self::Superuser => "superuser",
        })
    }
}
