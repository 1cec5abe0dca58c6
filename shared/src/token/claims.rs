//! The claims of an access token, as minted and as believed.

use serde::{Deserialize, Serialize};

use super::TokenError;
use crate::revocation::{Kind, RecordKey};
use crate::role::RoleName;

/// The claims of Usher's own access tokens (RFC 9068, section 2.2, and our two generations).
///
/// Every one is required but `sid`, which service accounts do not have. Times are whole seconds since the
/// Unix epoch. Unknown claims are ignored, repeated ones refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Who issued it: a URL.
    pub iss: String,
    /// For whom: one audience.
    pub aud: String,
    /// The user's or service account's identifier, never an e-mail address.
    pub sub: String,
    /// The session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// The token's own identifier.
    pub jti: String,
    /// Issued at, by the clock of PostgreSQL.
    pub iat: u64,
    /// Not good from then on.
    pub exp: u64,
    /// The user's token generation when it was minted.
    #[serde(rename = "gen")]
    pub generation: u64,
    /// The deployment's generation when it was minted.
    #[serde(rename = "ggen")]
    pub deployment_generation: u64,
    /// The roles, in order of name.
    pub roles: Vec<RoleName>,
    /// When the user last proved who they are.
    pub auth_time: u64,
    /// How (RFC 8176), such as `pwd`.
    pub amr: Vec<String>,
    /// For which client it was minted.
    pub client_id: String,
}

/// A token whose signature and claims have been found good once.
///
/// What may change while it is remembered is judged on every request: [`Self::is_expired`], the
/// audience, the revocations under its four keys, the policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedToken {
    /// Who: visible ASCII without commas, fit for a header.
    pub subject: String,
    /// In which session.
    pub session: Option<String>,
    /// For whom; one of them must be the verifier's own.
    pub audiences: Vec<String>,
    /// The roles it carries.
    pub roles: Vec<RoleName>,
    /// Issued at.
    pub issued_at: u64,
    /// Not good from then on.
    pub expires_at: u64,
    /// `gen`; for a foreign issuer the issue time.
    pub generation: u64,
    /// `ggen`; for a foreign issuer the issue time.
    pub deployment_generation: u64,
    /// Under which it would be revoked alone; absent when a foreign token has no identifier.
    pub token_key: Option<RecordKey>,
    /// Under which its session would be revoked.
    pub session_key: Option<RecordKey>,
    /// Under which its user would be revoked.
    pub user_key: RecordKey,
    /// Under which the key that signed it would be revoked.
    pub signing_key: RecordKey,
}

impl VerifiedToken {
    /// Whether it has ended at `now`, `leeway` seconds granted.
    pub fn is_expired(&self, now: u64, leeway: u64) -> bool {
        now >= self.expires_at.saturating_add(leeway)
    }

    /// Whether it says that it is meant for `audience`.
    pub fn is_for(&self, audience: &str) -> bool {
        self.audiences.iter().any(|one| one == audience)
    }
}

impl Claims {
    /// The token that these claims describe, signed with the key `kid`.
    ///
    /// # Errors
    ///
    /// When an identity is not fit for a header.
    pub(super) fn into_verified(self, kid: &str) -> Result<VerifiedToken, TokenError> {
        let identities = [Some(&self.sub), self.sid.as_ref(), Some(&self.jti)];
        if !identities.into_iter().flatten().all(|text| is_identity(text)) {
            return Err(TokenError::UnfitIdentity);
        }
        let key = |kind, claim: &str| RecordKey::new(&self.iss, kind, claim);
        Ok(VerifiedToken {
            token_key: Some(key(Kind::Token, &self.jti)),
            session_key: self.sid.as_deref().map(|sid| key(Kind::Session, sid)),
            user_key: key(Kind::User, &self.sub),
            signing_key: key(Kind::Key, kid),
            subject: self.sub,
            session: self.sid,
            audiences: vec![self.aud],
            roles: self.roles,
            issued_at: self.iat,
            expires_at: self.exp,
            generation: self.generation,
            deployment_generation: self.deployment_generation,
        })
    }
}

/// The longest identity: two of them and the roles have to fit into the one page in which nginx reads the
/// sidecar's answer.
const MAX_IDENTITY_BYTES: usize = 512;

/// Whether an identity is fit for a header and a comma-separated list: visible ASCII, no comma, neither empty
/// nor over [`MAX_IDENTITY_BYTES`].
pub(super) fn is_identity(text: &str) -> bool {
    (1..=MAX_IDENTITY_BYTES).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b',')
}
