//! A revocation before it is recorded.

use shared::revocation::{Kind, Reason, RecordKey};
use uuid::Uuid;

/// A revocation to record. The statement that records it computes its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRevocation {
    pub(super) kind: Kind,
    pub(super) reason: Reason,
    claim: String,
    pub(super) argument: u64,
}

impl NewRevocation {
    /// One access token, by its `jti`.
    pub fn token(jti: Uuid, reason: Reason) -> Self {
        Self { kind: Kind::Token, reason, claim: jti.to_string(), argument: 0 }
    }

    /// All access tokens of a session.
    pub fn session(sid: Uuid) -> Self {
        Self { kind: Kind::Session, reason: Reason::Revoked, claim: sid.to_string(), argument: 0 }
    }

    /// All access tokens of a user with a `gen` below `min_generation`.
    pub fn user(id: Uuid, min_generation: u64, reason: Reason) -> Self {
        Self { kind: Kind::User, reason, claim: id.to_string(), argument: min_generation }
    }

    /// All access tokens signed with a key, permanently.
    pub fn key(kid: &str) -> Self {
        Self { kind: Kind::Key, reason: Reason::Revoked, claim: kid.to_owned(), argument: 0 }
    }

    /// All access tokens with a `ggen` below `min_generation`.
    pub fn deployment(min_generation: u64) -> Self {
        Self {
            kind: Kind::Everything,
            reason: Reason::Revoked,
            claim: String::new(),
            argument: min_generation,
        }
    }

    pub(super) fn key_under(&self, issuer: &str) -> RecordKey {
        match self.kind {
            Kind::Everything => RecordKey::ZERO,
            Kind::Token | Kind::Session | Kind::User | Kind::Key => {
                RecordKey::new(issuer, self.kind, &self.claim)
            }
        }
    }
}
