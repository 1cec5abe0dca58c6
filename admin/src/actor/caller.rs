//! A signed-in user: the owner of a valid access token, with the parts of the token that can be checked
//! again.

use shared::revocation::RecordKey;
use shared::token::VerifiedToken;
use uuid::Uuid;

/// The owner of a valid access token. `access` checks whether it is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Caller {
    /// The user.
    pub(crate) user: Uuid,
    /// Their session.
    pub(crate) session: Uuid,
    token: CallerToken,
}

/// The properties on which the validity of a token depends besides user and session: kept, so that it can be checked again
/// under a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CallerToken {
    /// Seconds since 1970.
    pub(crate) expires_at: u64,
    /// When its owner last proved who they are, in seconds since 1970; 0 for a token that does not say it.
    pub(crate) auth_time: u64,
    /// Whether with a password.
    pub(crate) by_password: bool,
    /// The key under which this token alone would be revoked; all zeroes, which no token has, for a token
    /// without one.
    pub(crate) key: RecordKey,
    /// The key under which the user's tokens would be revoked.
    pub(crate) user_key: RecordKey,
    /// The key under which all tokens of its signing key would be revoked.
    pub(crate) signing_key: RecordKey,
    /// The generation of the user's tokens that it belongs to.
    pub(crate) generation: u64,
    /// The generation of the deployment that it belongs to.
    pub(crate) deployment_generation: u64,
}

impl Caller {
    /// The owner of `token`; `None` for a token without a session, as service accounts have, or with foreign
    /// identifiers.
    pub(crate) fn of(token: &VerifiedToken) -> Option<Self> {
        let session = token.session.as_deref()?.parse().ok()?;
        Some(Self { user: token.subject.parse().ok()?, session, token: CallerToken::of(token) })
    }

    /// The generation of the user's tokens that this token belongs to.
    pub(crate) fn generation(&self) -> u64 {
        self.token.generation
    }

    /// When the caller proved who they are, in seconds since 1970: at the sign-in, or since, for this token alone.
    pub(crate) fn auth_time(&self) -> u64 {
        self.token.auth_time
    }

    /// Their token.
    pub(crate) fn token(&self) -> &CallerToken {
        &self.token
    }

    /// A caller for tests that never check the token.
    #[cfg(test)]
    pub(crate) fn of_session(user: Uuid, session: Uuid) -> Self {
        let key = RecordKey::ZERO;
        let token = CallerToken {
            expires_at: 0,
            auth_time: 0,
            by_password: true,
            key,
            user_key: key,
            signing_key: key,
            generation: 0,
            deployment_generation: 0,
        };
        Self { user, session, token }
    }
}

impl CallerToken {
    fn of(token: &VerifiedToken) -> Self {
        Self {
            expires_at: token.expires_at,
            auth_time: token.auth_time.unwrap_or(0),
            by_password: token.by_password,
            key: token.token_key.unwrap_or(RecordKey::ZERO),
            user_key: token.user_key,
            signing_key: token.signing_key,
            generation: token.generation,
            deployment_generation: token.deployment_generation,
        }
    }
}
