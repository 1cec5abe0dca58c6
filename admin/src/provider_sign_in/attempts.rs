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

    /// Whether another password may be tried.
    pub(super) fn are_left(self) -> bool {
        self.failures < Self::MOST
    }
}
