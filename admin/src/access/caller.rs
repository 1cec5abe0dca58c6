//! Who calls: the access token, verified, and then held against the database.

use http::{HeaderMap, header};
use shared::clock::{Clock as _, SystemClock};
use shared::revocation::RecordKey;
use shared::token::{Profile, TokenError, VerifiedToken, Verifier};
use uuid::Uuid;

use super::store;
use crate::api::{Code, Problem, Request};
use crate::db::Transaction;

/// The longest access token life that can be configured, in seconds. Tokens minted before it was shortened
/// are good until they end.
const MAX_LIFE: u64 = 3600;

/// By how many seconds the clocks of this machine and of PostgreSQL may differ. Whether a token has expired
/// is for PostgreSQL to say, which stamped it.
const CLOCK_SKEW: u64 = 60;

/// Whoever holds a good access token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Caller {
    /// The user.
    pub(crate) user: Uuid,
    /// Their session.
    pub(crate) session: Uuid,
    token: Token,
}

/// What a token stands on besides user and session: kept, so that it can be asked for again under a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token {
    /// In seconds since 1970.
    pub(super) expires_at: u64,
    /// Under which it would be revoked alone; all zeroes, which no token has, for one without.
    pub(super) key: RecordKey,
    /// Under which everything that its key signed would be revoked.
    pub(super) signing_key: RecordKey,
    generation: u64,
    deployment_generation: u64,
}

/// The caller of `request`, whose body is one that the route knows.
///
/// # Errors
///
/// 401 `token_missing`, `token_invalid`, `token_expired` or `token_revoked`; 415 or 422 for a body where none
/// belongs; 503.
pub(crate) async fn caller(request: &Request) -> Result<Caller, Problem> {
    let text = bearer(&request.headers)?.ok_or_else(|| Problem::new(Code::TokenMissing))?;
    let token = verify(request, text, CLOCK_SKEW)?;
    let caller = identify(&token)?;
    let _known_already = request.caller.set(caller.user);
    let connection = request.context.db.get().await?;
    judge(caller, store::caller_facts(&*connection, caller).await?)?;
    request.refuse_unknown_body()?;
    Ok(caller)
}

/// Asks again whether the caller's token is good, for a transaction that waited for a lock since it was asked.
///
/// A token that was revoked meanwhile must not bring forth anything: least of all a new pair, which no
/// revocation would reach. In a statement of its own, after the one that waited.
///
/// # Errors
///
/// 401 `token_expired` or `token_revoked`; 503.
pub(crate) async fn still(tx: &Transaction<'_>, caller: Caller) -> Result<(), Problem> {
    judge(caller, store::caller_facts(&**tx, caller).await?)
}

fn judge(caller: Caller, facts: Option<Facts>) -> Result<(), Problem> {
    // Whoever is not there, or no longer there, has nothing that could still be good.
    let facts = facts.ok_or_else(|| Problem::new(Code::TokenRevoked))?;
    if facts.is_expired {
        Err(Problem::new(Code::TokenExpired))
    } else if facts.stands && facts.is_current(caller.token) {
        Ok(())
    } else {
        Err(Problem::new(Code::TokenRevoked))
    }
}

/// The session that a genuine access token names, even when the token has expired: for signing out, which
/// must not fail for coming late. `None` without a token.
///
/// # Errors
///
/// 401 `token_invalid` for a token that is not ours.
pub(crate) fn session_to_end(request: &Request) -> Result<Option<Uuid>, Problem> {
    let Some(text) = bearer(&request.headers)? else { return Ok(None) };
    // Any age will do: what is asked is whether it was issued here.
    let token = verify(request, text, u64::MAX)?;
    Ok(Some(identify(&token)?.session))
}

/// The one token of scheme Bearer (RFC 6750, section 2.1); other schemes are not ours to judge.
fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let mut lines = headers.get_all(header::AUTHORIZATION).iter();
    let Some(line) = lines.next() else { return Ok(None) };
    if lines.next().is_some() {
        return Err(Problem::new(Code::TokenInvalid));
    }
    let text = line.to_str().map_err(|_| Problem::new(Code::TokenInvalid))?;
    let Some((scheme, token)) = text.split_once(' ') else { return Ok(None) };
    Ok(scheme.eq_ignore_ascii_case("bearer").then(|| token.trim()))
}

fn verify(request: &Request, text: &str, leeway: u64) -> Result<VerifiedToken, Problem> {
    let tokens = &request.context.config.tokens;
    let verifier =
        Verifier { profile: Profile::Usher, issuer: tokens.issuer.clone(), leeway, max_life: MAX_LIFE };
    let keys = request.context.keys.public_set()?;
    match verifier.verify(text, &keys, SystemClock.unix_seconds()) {
        Ok(token) if token.is_for(&tokens.audience) => Ok(token),
        Err(TokenError::Expired) => Err(Problem::new(Code::TokenExpired)),
        Ok(_) | Err(_) => Err(Problem::new(Code::TokenInvalid)),
    }
}

/// Tokens of service accounts have no session, and no business here.
fn identify(token: &VerifiedToken) -> Result<Caller, Problem> {
    let session = token.session.as_deref().and_then(|sid| sid.parse().ok());
    match (token.subject.parse(), session) {
        (Ok(user), Some(session)) => Ok(Caller { user, session, token: Token::of(token) }),
        _ => Err(Problem::new(Code::TokenInvalid)),
    }
}

/// What the database says of a token, in one statement and so of one moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Facts {
    pub(super) is_expired: bool,
    /// Session and user stand, and neither the token itself nor the key that signed it was revoked.
    pub(super) stands: bool,
    pub(super) generation: u64,
    pub(super) deployment_generation: u64,
}

impl Token {
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

impl Facts {
    fn is_current(&self, token: Token) -> bool {
        token.generation == self.generation && token.deployment_generation == self.deployment_generation
    }
}

impl Caller {
    /// The generation of the user's tokens that theirs is of.
    pub(crate) fn generation(&self) -> u64 {
        self.token.generation
    }

    pub(super) fn token(&self) -> &Token {
        &self.token
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_header_is_read_without_panic(bytes: Vec<u8>) {
            if let Ok(line) = HeaderValue::from_bytes(&bytes) {
                let headers = HeaderMap::from_iter([(header::AUTHORIZATION, line)]);
                if let Ok(Some(token)) = bearer(&headers) {
                    prop_assert!(bytes.len() >= "bearer ".len() + token.len());
                    prop_assert!(bytes.to_ascii_lowercase().starts_with(b"bearer "));
                }
            }
        }
    }
}
