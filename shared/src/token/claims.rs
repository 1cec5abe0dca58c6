//! The claims of an access token: as minted, and as verified.

use serde::{Deserialize, Serialize};

use super::error::TokenError;
use crate::revocation::{Kind, RecordKey};
use crate::role::RoleName;

/// The media type of an access token's header (RFC 9068, section 2.1), without its `application/`.
pub const ACCESS_TOKEN_TYPE: &str = "at+jwt";

/// The claims of Usher's own access tokens (RFC 9068, section 2.2, and two generations).
///
/// All are required except `sid`, which service accounts do not have. Times are whole seconds since the
/// Unix epoch. Unknown claims are ignored, repeated ones refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// The issuer: a URL.
    pub iss: String,
    /// The audience: exactly one.
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
    /// Expires at: invalid from this second on.
    pub exp: u64,
    /// The user's token generation when it was minted.
    #[serde(rename = "gen")]
    pub generation: u64,
    /// The deployment's generation when it was minted.
    #[serde(rename = "ggen")]
    pub deployment_generation: u64,
    /// The roles, in order of name.
    pub roles: Vec<RoleName>,
    /// When the user authenticated, as far as the holder of this token is concerned.
    pub auth_time: u64,
    /// The authentication methods (RFC 8176), such as `pwd`.
    pub amr: Vec<String>,
    /// The OAuth client.
    pub client_id: String,
}

/// A token whose signature and claims are valid.
///
/// It may be cached. What can change meanwhile is checked on every request: [`Self::is_expired`], the audience,
/// the revocations under its four keys, the policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedToken {
    /// The user: a UUID, or for a foreign issuer visible ASCII without commas; safe in a header.
    pub subject: String,
    /// The session.
    pub session: Option<String>,
    /// The audiences; one of them must be the verifier's own.
    pub audiences: Vec<String>,
    /// The roles it carries.
    pub roles: Vec<RoleName>,
    /// Issued at.
    pub issued_at: u64,
    /// Invalid from this second on.
    pub expires_at: u64,
    /// When the user authenticated; absent for a foreign issuer.
    pub auth_time: Option<u64>,
    /// Whether that was with a password (`amr`), which a provider's account does not prove.
    pub by_password: bool,
    /// `gen`; for a foreign issuer the issue time.
    pub generation: u64,
    /// `ggen`; for a foreign issuer the issue time.
    pub deployment_generation: u64,
    /// The revocation key of this token; absent if a foreign token has no identifier.
    pub token_key: Option<RecordKey>,
    /// The revocation key of its session.
    pub session_key: Option<RecordKey>,
    /// The revocation key of its user.
    pub user_key: RecordKey,
    /// The revocation key of the key that signed it.
    pub signing_key: RecordKey,
}

/// The value of `amr` for a password (RFC 8176).
pub const PASSWORD_METHOD: &str = "pwd";

impl VerifiedToken {
    /// Whether it has expired at `now`, with `leeway` seconds of tolerance.
    pub fn is_expired(&self, now: u64, leeway: u64) -> bool {
        now >= self.expires_at.saturating_add(leeway)
    }

    /// Whether `audience` is one of its audiences.
    pub fn is_for(&self, audience: &str) -> bool {
        self.audiences.iter().any(|one| one == audience)
    }
}

impl Claims {
    /// The token that these claims describe, signed with the key `kid`.
    ///
    /// # Errors
    ///
    /// If an identity or the list of roles has another form than Usher gives them.
    pub(super) fn into_verified(self, kid: &str) -> Result<VerifiedToken, TokenError> {
        let are_uuids =
            is_uuid(&self.sub) && self.sid.as_deref().is_none_or(is_uuid) && is_uuid_v7(&self.jti);
        if !are_uuids || !self.roles.is_sorted_by(|one, next| one < next) {
            return Err(TokenError::UnfitIdentity);
        }
        check_roles(&self.roles)?;
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
            auth_time: Some(self.auth_time),
            by_password: self.amr.iter().any(|method| method == PASSWORD_METHOD),
            generation: self.generation,
            deployment_generation: self.deployment_generation,
        })
    }
}

/// The longest identity: two of them and the roles must fit into the one page of memory in which nginx reads the
/// sidecar's response.
const MAX_IDENTITY_BYTES: usize = 512;

/// The most bytes that a token's role names may take together, with commas between them: as many as admin gives one
/// user. nginx reads the sidecar's response into one page of 4 KiB, and answers 502 if it does not fit.
const MAX_ROLES_BYTES: usize = 2048;

/// Refuses roles that together do not fit into a header.
pub(super) fn check_roles(roles: &[RoleName]) -> Result<(), TokenError> {
    let bytes: usize = roles.iter().map(|role| role.as_str().len() + 1).sum();
    if bytes > MAX_ROLES_BYTES + 1 { Err(TokenError::UnfitIdentity) } else { Ok(()) }
}

/// Whether a text is a UUID in its only form here: 36 characters, lower case (RFC 9562, section 4). Others, such as one
/// in braces, would be another revocation key for the same user.
pub fn is_uuid(text: &str) -> bool {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let fits = |(place, byte)| if matches!(place, 8 | 13 | 18 | 23) { byte == b'-' } else { is_digit(byte) };
    text.len() == 36 && text.bytes().enumerate().all(fits)
}

/// Whether a text is a UUID of version 7, and of the variant that has versions (RFC 9562, sections 4.1 and 4.2).
fn is_uuid_v7(text: &str) -> bool {
    let digit = |place| text.as_bytes().get(place).copied();
    is_uuid(text) && digit(14) == Some(b'7') && matches!(digit(19), Some(b'8' | b'9' | b'a' | b'b'))
}

/// Whether an identity is safe in a header and in a comma-separated list: visible ASCII, no comma, neither empty
/// nor over [`MAX_IDENTITY_BYTES`].
pub(super) fn is_identity(text: &str) -> bool {
    (1..=MAX_IDENTITY_BYTES).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b',')
}
