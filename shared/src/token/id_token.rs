//! Verifies ID tokens of OpenID providers (OpenID Connect Core 1.0, section 3.1.3.7).

use serde::Deserialize;
use serde_json::{Map, Value};
use subtle::ConstantTimeEq as _;

use super::claims::ACCESS_TOKEN_TYPE;
use super::error::TokenError;
use super::header::Header;
use super::jws::open;
use super::key::PublicKey;
use super::key_set::KeySet;
use crate::json;

/// The longest ID token that is read, in bytes. It comes from the provider itself, in a response of at most this size,
/// and may name hundreds of the user's groups.
pub const MAX_ID_TOKEN_BYTES: usize = 64 * 1024;

/// The claims that an ID token for this client must contain.
#[derive(Debug, Clone, Copy)]
pub struct IdTokenCheck<'c> {
    /// The provider's names; one of them must be the issuer.
    pub issuers: &'c [&'c str],
    /// The issuers that a key may name as its own, if it names one; `None` if that is not compared.
    pub key_issuers: Option<&'c [&'c str]>,
    /// Our client ID at the provider, which must be the audience.
    pub client: &'c str,
    /// The nonce of the authorization request, which must come back.
    pub nonce: &'c str,
    /// By how many seconds the clocks may differ.
    pub leeway: u64,
}

/// Why an ID token is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdTokenError {
    /// It is not a valid token.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// It is for another client.
    #[error("the ID token is for another client")]
    WrongAudience,
    /// It belongs to another authorization request.
    #[error("the ID token has another nonce")]
    WrongNonce,
}

/// The claims that are checked.
#[derive(Deserialize)]
struct IdTokenClaims {
    iss: String,
    sub: String,
    aud: Audience,
    exp: u64,
    iat: u64,
    #[serde(default)]
    azp: Option<String>,
    #[serde(default)]
    nonce: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

impl IdTokenCheck<'_> {
    /// Verifies `raw` against `keys` at `now` (seconds since the Unix epoch), and returns its claims.
    ///
    /// A `kid` is required, although the standard allows a provider with one key to omit it.
    ///
    /// # Errors
    ///
    /// The first reason found, in the order header, key, signature, claims, times.
    pub fn verify(&self, raw: &str, keys: &KeySet, now: u64) -> Result<Map<String, Value>, IdTokenError> {
        let (_, payload) = open(raw, MAX_ID_TOKEN_BYTES, |header| self.choose(header, keys))?;
        let members = json::object(&payload).ok_or(TokenError::Malformed)?;
        let claims: IdTokenClaims = json::from_slice(&payload).map_err(|_| TokenError::MissingClaim)?;
        self.check(&claims, now)?;
        Ok(members)
    }

    /// The key determines the algorithm; the header must agree. An access token is not an ID token.
    fn choose<'k>(&self, header: &Header, keys: &'k KeySet) -> Result<&'k PublicKey, TokenError> {
        if header.is_of_type(ACCESS_TOKEN_TYPE) {
            return Err(TokenError::WrongType);
        }
        let kid = header.kid.as_deref().ok_or(TokenError::UnknownKey)?;
        let key = keys.find(kid).ok_or(TokenError::UnknownKey)?;
        if !key.algorithm().is_named(&header.alg) {
            return Err(TokenError::WrongAlgorithm);
        }
        match (self.key_issuers, key.issuer()) {
            (Some(accepted), Some(issuer)) if !accepted.contains(&issuer) => Err(TokenError::WrongIssuer),
            _ => Ok(key),
        }
    }

    fn check(&self, claims: &IdTokenClaims, now: u64) -> Result<(), IdTokenError> {
        if !self.issuers.contains(&claims.iss.as_str()) {
            return Err(TokenError::WrongIssuer.into());
        }
        if !self.is_for_us(claims) {
            return Err(IdTokenError::WrongAudience);
        }
        let nonce = claims.nonce.as_deref().unwrap_or_default();
        let is_answer: bool = nonce.as_bytes().ct_eq(self.nonce.as_bytes()).into();
        if self.nonce.is_empty() || !is_answer {
            return Err(IdTokenError::WrongNonce);
        }
        if claims.sub.is_empty() {
            return Err(TokenError::MissingClaim.into());
        }
        if claims.iat > now.saturating_add(self.leeway) {
            return Err(TokenError::IssuedInFuture.into());
        }
        if claims.exp.saturating_add(self.leeway) <= now {
            return Err(TokenError::Expired.into());
        }
        Ok(())
    }

    /// If there are several audiences, `azp` must name this client.
    fn is_for_us(&self, claims: &IdTokenClaims) -> bool {
        let is_meant = claims.azp.as_deref().is_none_or(|party| party == self.client);
        is_meant
            && match &claims.aud {
                Audience::One(audience) => audience == self.client,
                Audience::Several(all) => {
                    all.iter().any(|audience| audience == self.client)
                        && (all.len() == 1 || claims.azp.is_some())
                }
            }
    }
}
