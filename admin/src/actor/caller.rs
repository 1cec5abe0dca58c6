//! A signed-in user: the owner of a valid access token, and what of the token can be checked again.

use shared::revocation::RecordKey;
use shared::token::VerifiedToken;
use uuid::Uuid;

/// The owner of a valid access token. `access` finds out whether it is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Caller {
    /// The user.
    pub(crate) user: Uuid,
    /// Their session.
    pub(crate) session: Uuid,
    token: CallerToken,
}

/// What an access token rests on besides user and session: kept, so that it can be checked again under a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CallerToken {
    /// In seconds since 1970.
    pub(crate) expires_at: u64,
    /// Under which it would be revoked alone; all zeroes, which no token has, for one without.
    pub(crate) key: RecordKey,
    /// Under which everything that its key signed would be revoked.
    pub(crate) signing_key: RecordKey,
    /// The generation of the user's tokens that it is of.
    pub(crate) generation: u64,
    /// The generation of the deployment that it is of.
    pub(crate) deployment_generation: u64,
}

impl Caller {
    /// The owner of `token`; `None` for a token without a session, as service accounts have, or with identifiers
    /// that are not ours.
    pub(crate) fn of(token: &VerifiedToken) -> Option<Self> {
        let session = token.session.as_deref()?.parse().ok()?;
        Some(Self { user: token.subject.parse().ok()?, session, token: CallerToken::of(token) })
    }

    /// The generation of the user's tokens that theirs is of.
    pub(crate) fn generation(&self) -> u64 {
        self.token.generation
    }

    /// Their token.
    pub(crate) fn token(&self) -> &CallerToken {
        &self.token
    }

    /// A caller for tests that never look at the token.
    #[cfg(test)]
    pub(crate) fn of_session(user: Uuid, session: Uuid) -> Self {
        let key = RecordKey::ZERO;
        let token =
            CallerToken { expires_at: 0, key, signing_key: key, generation: 0, deployment_generation: 0 };
        Self { user, session, token }
    }
}

impl CallerToken {
    fn of(token: &VerifiedToken) -> Self {
        Self {
            expires_at: token.expires_at,
            key: token.token_key.unwrap_or(RecordKey::ZERO),
            signing_key: token.signing_key,
            generation: token.generation,
            deployment_generation: token.deployment_generation,
        }
    }
}
