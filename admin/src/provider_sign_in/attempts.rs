//! How many wrong passwords a flow takes.

use serde::{Deserialize, Serialize};

/// The wrong passwords of a flow.
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
pub(super) struct Attempts {
    failures: u8,
}

impl Attempts {
    /// How many wrong passwords end a flow.
    const MOST: u8 = 5;

    /// Counts a wrong password.
    pub(super) fn fail(&mut self) {
        self.failures = self.failures.saturating_add(1);
    }

    /// The attempts of the flow that follows a confirmation that failed at a provider; `None` when none are left.
    pub(super) fn next(mut self) -> Option<Self> {
        self.fail();
        self.are_left().then_some(self)
    }

    /// Whether another password may be tried.
    pub(super) fn are_left(self) -> bool {
        self.failures < Self::MOST
    }
}
