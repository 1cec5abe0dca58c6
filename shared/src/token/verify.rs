//! From the text of a token to a [`VerifiedToken`], or to the one reason why not.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::header::Header;
use super::{
    ACCESS_TOKEN_TYPE, Algorithm, Claims, Foreign, KeySet, MAX_TOKEN_BYTES, PublicKey, VerifiedToken,
};

/// Whose tokens are accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Profile {
    /// Usher's own: Ed25519, `at+jwt`, every claim of [`Claims`].
    Usher,
    /// Another issuer's.
    Foreign(Foreign),
}

/// What a token must be, apart from its signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verifier {
    /// Whose tokens.
    pub profile: Profile,
    /// The exact `iss`.
    pub issuer: String,
    /// By how many seconds the clocks of issuer and verifier may differ.
    pub leeway: u64,
    /// The longest life of a token, `exp - iat`, in seconds.
    pub max_life: u64,
}

/// Why a token is not believed. Never says anything of its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum TokenError {
    /// Over [`MAX_TOKEN_BYTES`].
    #[error("the token is too long")]
    TooLong,
    /// Not three base64url parts with JSON in the first two, or a claim of a wrong form.
    #[error("the token is malformed")]
    Malformed,
    /// `typ` is not that of an access token.
    #[error("the token is not an access token")]
    WrongType,
    /// A header member that this verifier refuses: `crit`, `b64`, `jku`, `jwk`, `x5u`, ...
    #[error("the token's header has a member that is refused")]
    ForbiddenHeader,
    /// No `kid`, or none of the known keys. The keys may have to be fetched again.
    #[error("the token's key is not known")]
    UnknownKey,
    /// The header's `alg` is not the key's.
    #[error("the token's algorithm is not its key's")]
    WrongAlgorithm,
    /// The signature is not the key's.
    #[error("the token's signature is wrong")]
    BadSignature,
    /// A required claim is not there.
    #[error("the token lacks a required claim")]
    MissingClaim,
    /// `iss` is another.
    #[error("the token is another issuer's")]
    WrongIssuer,
    /// An identity, or a list of roles, that no header can carry safely.
    #[error("the token's identity cannot be passed on")]
    UnfitIdentity,
    /// `exp` has passed.
    #[error("the token has expired")]
    Expired,
    /// `iat`, or a foreign token's `nbf`, lies ahead, beyond the leeway.
    #[error("the token was issued in the future")]
    IssuedInFuture,
    /// `exp - iat` is more than the longest life, or not positive.
    #[error("the token's life is longer than allowed")]
    LifeTooLong,
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
        let (key, payload) = open(raw, choose)?;
        let token = self.read_claims(&payload, key.kid(), now)?;
        self.check_times(&token, now)?;
        Ok(token)
    }

    fn check_type(&self, header: &Header) -> Result<(), TokenError> {
        let wanted = match &self.profile {
            Profile::Usher => Some(ACCESS_TOKEN_TYPE),
            Profile::Foreign(foreign) => foreign.token_type.as_deref(),
        };
        let fits = wanted.is_none_or(|wanted| header.is_of_type(wanted));
        if fits { Ok(()) } else { Err(TokenError::WrongType) }
    }

    /// The key decides the algorithm; the header may only agree.
    fn find_key<'k>(&self, header: &Header, keys: &'k KeySet) -> Result<&'k PublicKey, TokenError> {
        let kid = header.kid.as_deref().ok_or(TokenError::UnknownKey)?;
        let key = keys.find(kid).ok_or(TokenError::UnknownKey)?;
        let accepted = match &self.profile {
            Profile::Usher => key.algorithm() == Algorithm::EdDsa,
            Profile::Foreign(foreign) => foreign.algorithms.contains(&key.algorithm()),
        };
        if accepted && header.alg == key.algorithm().name() {
            Ok(key)
        } else {
            Err(TokenError::WrongAlgorithm)
        }
    }

    fn read_claims(&self, json: &[u8], kid: &str, now: u64) -> Result<VerifiedToken, TokenError> {
        match &self.profile {
            Profile::Usher => {
                let claims: Claims = serde_json::from_slice(json).map_err(|error| why_unreadable(&error))?;
                if claims.iss != self.issuer {
                    return Err(TokenError::WrongIssuer);
                }
                claims.into_verified(kid)
            }
            Profile::Foreign(foreign) => {
                foreign.read(json, &self.issuer, kid, now.saturating_add(self.leeway))
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

/// Takes a token apart and verifies its signature with the key that `choose` finds for its header. The payload is
/// genuine then, and nothing more is known of it.
///
/// # Errors
///
/// The first reason found, in the order header, key, signature.
pub(super) fn open<'k>(
    raw: &str,
    choose: impl FnOnce(&Header) -> Result<&'k PublicKey, TokenError>,
) -> Result<(&'k PublicKey, Vec<u8>), TokenError> {
    if raw.len() > MAX_TOKEN_BYTES {
        return Err(TokenError::TooLong);
    }
    let (message, signature) = raw.rsplit_once('.').ok_or(TokenError::Malformed)?;
    let (header, payload) = message.split_once('.').ok_or(TokenError::Malformed)?;
    // A JWE has five parts; with another dot left in the payload this is none of ours.
    if payload.contains('.') {
        return Err(TokenError::Malformed);
    }
    let key = choose(&Header::parse(&decode(header)?)?)?;
    if !key.verifies(message, signature) {
        return Err(TokenError::BadSignature);
    }
    Ok((key, decode(payload)?))
}

fn decode(part: &str) -> Result<Vec<u8>, TokenError> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenError::Malformed)
}

/// `serde` has no kind for a missing field, so its sentence is all there is to tell it by.
fn why_unreadable(error: &serde_json::Error) -> TokenError {
    if error.is_data() && error.to_string().starts_with("missing field") {
        TokenError::MissingClaim
    } else {
        TokenError::Malformed
    }
}
