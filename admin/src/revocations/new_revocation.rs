//! A revocation before it is recorded.

use shared::revocation::{Kind, Reason, RecordKey};
use uuid::Uuid;

/// A revocation to record. The statement that records it computes its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRevocation {
    pub(super) kind: Kind,
    pub(super) reason: Reason,
    claim: RevokedClaim,
    pub(super) argument: u64,
}

/// What the key of a record is computed from.
#[derive(Debug, Clone, PartialEq, Eq)]
enum RevokedClaim {
    /// The claim of the tokens.
    Text(String),
    /// The key itself, of a token that was read.
    Key(RecordKey),
}

impl NewRevocation {
    /// One access token, by its `jti`.
    pub fn token(jti: Uuid, reason: Reason) -> Self {
        Self { kind: Kind::Token, reason, claim: RevokedClaim::Text(jti.to_string()), argument: 0 }
    }

    /// One access token, by the key of its `jti`.
    pub(crate) const fn token_key(key: RecordKey) -> Self {
        Self { kind: Kind::Token, reason: Reason::Revoked, claim: RevokedClaim::Key(key), argument: 0 }
    }

    /// All access tokens of a session.
    pub fn session(sid: Uuid) -> Self {
        Self {
            kind: Kind::Session,
            reason: Reason::Revoked,
            claim: RevokedClaim::Text(sid.to_string()),
            argument: 0,
        }
    }

    /// All access tokens of a user with a `gen` below `min_generation`.
    pub fn user(id: Uuid, min_generation: u64, reason: Reason) -> Self {
        Self { kind: Kind::User, reason, claim: RevokedClaim::Text(id.to_string()), argument: min_generation }
    }

    /// All access tokens signed with a key, permanently.
    pub fn key(kid: &str) -> Self {
        Self {
            kind: Kind::Key,
            reason: Reason::Revoked,
            claim: RevokedClaim::Text(kid.to_owned()),
            argument: 0,
        }
    }

    /// All access tokens with a `ggen` below `min_generation`.
    pub fn deployment(min_generation: u64) -> Self {
        Self {
            kind: Kind::Everything,
            reason: Reason::Revoked,
            claim: RevokedClaim::Key(RecordKey::ZERO),
            argument: min_generation,
        }
    }

    pub(super) fn key_under(&self, issuer: &str) -> RecordKey {
        match &self.claim {
            RevokedClaim::Text(claim) => RecordKey::new(issuer, self.kind, claim),
            RevokedClaim::Key(key) => *key,
        }
    }
}
