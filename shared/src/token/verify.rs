//! Verifies an access token: from its text to a [`VerifiedToken`], or to the first reason against it.

use super::claims::{ACCESS_TOKEN_TYPE, Claims, VerifiedToken};
use super::error::TokenError;
use super::foreign::Foreign;
use super::header::Header;
use super::jws::{MAX_TOKEN_BYTES, open};
use super::key::{Algorithm, PublicKey};
use super::key_set::KeySet;
use crate::json;

/// Which issuer's tokens are accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenProfile {
    /// Usher's own: Ed25519, `at+jwt`, every claim of [`Claims`].
    Usher,
    /// Another issuer's.
    Foreign(Foreign),
}

/// The requirements of a token, apart from its signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verifier {
    /// The form of the tokens.
    pub profile: TokenProfile,
    /// The exact `iss`.
    pub issuer: String,
    /// By how many seconds the clocks of issuer and verifier may differ.
    pub leeway: u64,
    /// The longest lifetime of a token, `exp - iat`, in seconds.
    pub max_life: u64,
}

impl TokenProfile {
    /// The accepted algorithms.
    pub fn algorithms(&self) -> &[Algorithm] {
        match self {
            Self::Usher => &[Algorithm::EdDsa],
            Self::Foreign(foreign) => &foreign.algorithms,
        }
    }
}

impl Verifier {
    /// Verifies `raw` against `keys` at `now` (seconds since the Unix epoch).
    ///
    /// # Errors
    ///
    /// The first reason found, in the order header, key, signature, claims, times.
    pub fn verify(&self, raw: &str, keys: &KeySet, now: u64) -> Result<VerifiedToken, TokenError> {
        let choose = |header: &Header| {
            self.check_type(header)?;
            self.find_key(header, keys)
        };
        let (key, payload) = open(raw, MAX_TOKEN_BYTES, choose)?;
        let token = self.read_claims(&payload, key.kid(), now)?;
        self.check_times(&token, now)?;
        Ok(token)
    }

    fn check_type(&self, header: &Header) -> Result<(), TokenError> {
        let wanted = match &self.profile {
            TokenProfile::Usher => Some(ACCESS_TOKEN_TYPE),
            TokenProfile::Foreign(foreign) => foreign.token_type.as_deref(),
        };
        let fits = wanted.is_none_or(|wanted| header.is_of_type(wanted));
        if fits { Ok(()) } else { Err(TokenError::WrongType) }
    }

    /// The key determines the algorithm; the header must agree.
    fn find_key<'k>(&self, header: &Header, keys: &'k KeySet) -> Result<&'k PublicKey, TokenError> {
        let kid = header.kid.as_deref().ok_or(TokenError::UnknownKey)?;
        let key = keys.find(kid).ok_or(TokenError::UnknownKey)?;
        let algorithm = key.algorithm();
        let is_accepted = self.profile.algorithms().contains(&algorithm) && algorithm.is_named(&header.alg);
        if is_accepted { Ok(key) } else { Err(TokenError::WrongAlgorithm) }
    }

    fn read_claims(&self, payload: &[u8], kid: &str, now: u64) -> Result<VerifiedToken, TokenError> {
        match &self.profile {
            TokenProfile::Usher => {
                let claims: Claims = json::from_slice(payload).map_err(|error| why_unreadable(&error))?;
                if claims.iss != self.issuer {
                    return Err(TokenError::WrongIssuer);
                }
                claims.into_verified(kid)
            }
            TokenProfile::Foreign(foreign) => {
                foreign.read(payload, &self.issuer, kid, now.saturating_add(self.leeway))
            }
        }
    }

    fn check_times(&self, token: &VerifiedToken, now: u64) -> Result<(), TokenError> {
        if token.issued_at > now.saturating_add(self.leeway) {
            return Err(TokenError::IssuedInFuture);
        }
        match token.expires_at.checked_sub(token.issued_at) {
            Some(life) if (1..=self.max_life).contains(&life) => {}
            _ => return Err(TokenError::LifeTooLong),
        }
        if token.is_expired(now, self.leeway) { Err(TokenError::Expired) } else { Ok(()) }
    }
}

/// `serde` has no error kind for a missing field: only its message distinguishes it.
fn why_unreadable(error: &serde_json::Error) -> TokenError {
    if error.is_data() && error.to_string().starts_with("missing field") {
        TokenError::MissingClaim
    } else {
        TokenError::Malformed
    }
}
