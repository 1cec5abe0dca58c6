//! A link that the user must confirm with the password of the account, stored as a one-time value.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::identity::ProviderIdentity;
use super::sign_in::ProviderProof;
use super::store::{Link, Snapshot};

/// How many wrong passwords end it.
const ATTEMPTS: u8 = 5;

/// An identity, and the user who may link it. Purposefully without `Debug`: it is personal.
#[derive(Serialize, Deserialize)]
pub(super) struct PendingLink {
    pub(super) proof: ProviderProof,
    /// The rule of the table.
    rule: u8,
    email: Option<String>,
    is_email_vouched: bool,
    display_name: Option<String>,
    failures: u8,
}

impl PendingLink {
    pub(super) fn new(user: Uuid, generation: u64, rule: u8, identity: &ProviderIdentity<'_>) -> Self {
        let Snapshot { email, is_email_vouched, display_name } = identity.snapshot();
        Self {
            proof: identity.proof_of(user, generation),
            rule,
            email: email.map(str::to_owned),
            is_email_vouched,
            display_name: display_name.map(str::to_owned),
            failures: 0,
        }
    }

    /// Counts a wrong password.
    pub(super) fn count_failure(&mut self) {
        self.failures = self.failures.saturating_add(1);
    }

    /// Whether another password may be tried.
    pub(super) fn has_attempts_left(&self) -> bool {
        self.failures < ATTEMPTS
    }

    /// The row to insert.
    pub(super) fn link(&self) -> Link<'_> {
        let snapshot = Snapshot {
            email: self.email.as_deref(),
            is_email_vouched: self.is_email_vouched,
            display_name: self.display_name.as_deref(),
        };
        let ProviderProof { user, provider, subject, generation: _ } = &self.proof;
        // The session is opened afterwards, and the address was verified before.
        Link { provider, subject, user: *user, rule: self.rule, snapshot, proven: None, is_sign_in: false }
    }
}
