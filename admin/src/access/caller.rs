//! The caller: the access token, verified and then checked against the database.

use http::{HeaderMap, HeaderValue, StatusCode, header};
use secrecy::ExposeSecret as _;
use shared::bearer;
use shared::token::{TokenError, TokenProfile, VerifiedToken, Verifier};
use uuid::Uuid;

use super::facts::CallerFacts;
use super::store;
use crate::actor::{Caller, cookie};
use crate::api::{ACCESS_COOKIE, Code, Problem, Request};
use crate::db::{SqlClient, Transaction};

/// The longest access token life that can be configured, in seconds. Tokens minted before the configured life
/// was shortened stay valid until they expire.
const MAX_LIFE: u64 = 3600;

/// By how many seconds the clocks of this machine and of PostgreSQL may differ. PostgreSQL, which stamped the
/// token, decides whether it has expired.
const CLOCK_SKEW: u64 = 60;

/// For how many seconds after its expiry a token can still end its session. Longer would be of use only to anyone who
/// finds an old token, in a log for example; an owner who comes later has the refresh token.
const SIGN_OUT_GRACE: u64 = 4 * 3600;

/// The caller of `request`, on a route that accepts a body.
///
/// # Errors
///
/// 401 `token_missing`, `token_invalid`, `token_expired`, `token_revoked` or `token_refresh_needed`; 415 or 422 for a body on a route
/// that accepts none; 503.
pub(crate) async fn caller(request: &Request) -> Result<Caller, Problem> {
    let text = token_of_request(request)?.ok_or_else(|| Problem::new(Code::TokenMissing))?;
    let token = verify(request, text, CLOCK_SKEW)?;
    let caller = identify(&token)?;
    let _known_already = request.user.set(caller.user);
    if request.place.get().is_none() {
        let place = request.context.user_places.take(caller.user).await;
        let _known_already = request.place.set(place);
    }
    let connection = request.context.db.get().await?;
    judge(caller, store::caller_facts(&*connection, caller).await?)?;
    let _known_already = request.caller.set(caller);
    request.refuse_unknown_body()?;
    Ok(caller)
}

/// Checks the caller's token again, for a transaction that has waited for a lock since the first check.
///
/// A token that was revoked meanwhile must not create anything, least of all a new token pair, which no
/// revocation would reach. A statement of its own, after the one that waited.
///
/// # Errors
///
/// 401 `token_expired`, `token_revoked` or `token_refresh_needed`; 503.
pub(crate) async fn still(tx: &Transaction<'_>, caller: Caller) -> Result<(), Problem> {
    judge(caller, store::caller_facts(&**tx, caller).await?).map(drop)
}

/// Checks the caller's token again, and that its owner proved who they are within the last ten minutes.
///
/// Only this token counts, and not what another client of its session proved: otherwise a thief of a session could
/// act as soon as its owner has typed the password.
///
/// # Errors
///
/// 403 `fresh_auth_required`; 401 as [`still`]; 503.
pub(crate) async fn fresh(client: &impl SqlClient, caller: Caller) -> Result<(), Problem> {
    let facts = judge(caller, store::caller_facts(client, caller).await?)?;
    if facts.is_fresh { Ok(()) } else { Err(Problem::new(Code::FreshAuthRequired)) }
}

/// The same for what operators do: only a password counts. The browser of a user who is signed in at a provider signs in
/// through it without asking anyone.
///
/// # Errors
///
/// As [`fresh`].
pub(super) async fn fresh_by_password(client: &impl SqlClient, caller: Caller) -> Result<(), Problem> {
    fresh(client, caller).await?;
    if caller.token().by_password { Ok(()) } else { Err(Problem::new(Code::FreshAuthRequired)) }
}

/// The facts of a valid token.
fn judge(caller: Caller, facts: Option<CallerFacts>) -> Result<CallerFacts, Problem> {
    // A session or user that does not exist has no valid token.
    let facts = facts.ok_or_else(|| Problem::new(Code::TokenRevoked))?;
    if facts.is_expired {
        Err(Problem::new(Code::TokenExpired))
    } else if facts.stands && facts.is_current(caller.token()) {
        Ok(facts)
    } else if facts.stands && facts.needs_refresh(caller.token()) {
        Err(Problem::new(Code::TokenRefreshNeeded))
    } else {
        Err(Problem::new(Code::TokenRevoked))
    }
}

/// The session that a genuine access token names, even when the token has expired within the last hours: sign-out
/// must not fail because it comes late. `None` without a token.
///
/// # Errors
///
/// 401 `token_invalid` for a token that this service did not issue; 401 `token_expired` for one that expired too
/// long ago.
pub(crate) fn session_to_end(request: &Request) -> Result<Option<Uuid>, Problem> {
    let Some(text) = token_of_request(request)? else { return Ok(None) };
    let token = verify(request, text, SIGN_OUT_GRACE)?;
    Ok(Some(identify(&token)?.session))
}

/// The owner of an access token that this service issued and that has not expired; `None` for any other text. Whether it
/// was revoked is not looked up.
///
/// # Errors
///
/// 503 when the signing keys are not known.
pub(crate) fn owner_of(request: &Request, text: &str) -> Result<Option<Caller>, Problem> {
    match verify(request, text, CLOCK_SKEW) {
        Ok(token) => Ok(Caller::of(&token)),
        Err(problem) if problem.code().status() == StatusCode::UNAUTHORIZED => Ok(None),
        Err(problem) => Err(problem),
    }
}

/// The token of the sender: that of `Authorization`, or else of the cookie of a browser that keeps its tokens in cookies; in a
/// page that of its user.
fn token_of_request(request: &Request) -> Result<Option<&str>, Problem> {
    if let Some(access) = &request.access {
        return Ok(Some(access.expose_secret()));
    }
    let of_cookie = || request.by_cookie.then(|| cookie(&request.headers, ACCESS_COOKIE)).flatten();
    Ok(token_of(&request.headers)?.or_else(of_cookie))
}

/// The bearer token, if there is one.
fn token_of(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let values = headers.get_all(header::AUTHORIZATION).iter().map(HeaderValue::as_bytes);
    let token = bearer::find(values).map_err(|_| Problem::new(Code::TokenInvalid))?;
    token.map(std::str::from_utf8).transpose().map_err(|_| Problem::new(Code::TokenInvalid))
}

fn verify(request: &Request, text: &str, leeway: u64) -> Result<VerifiedToken, Problem> {
    let tokens = &request.context.config.tokens;
    let verifier =
        Verifier { profile: TokenProfile::Usher, issuer: tokens.issuer.clone(), leeway, max_life: MAX_LIFE };
    let keys = request.context.keys.public_set()?;
    match verifier.verify(text, &keys, request.context.clock.unix_seconds()) {
        Ok(token) if token.is_for(&tokens.audience) => Ok(token),
        Err(TokenError::Expired) => Err(Problem::new(Code::TokenExpired)),
        Ok(_) | Err(_) => Err(Problem::new(Code::TokenInvalid)),
    }
}

/// Tokens of service accounts have no session and are not accepted here.
fn identify(token: &VerifiedToken) -> Result<Caller, Problem> {
    Caller::of(token).ok_or_else(|| Problem::new(Code::TokenInvalid))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_header_is_read_without_panic(bytes: Vec<u8>) {
            if let Ok(line) = HeaderValue::from_bytes(&bytes) {
                let headers = HeaderMap::from_iter([(header::AUTHORIZATION, line)]);
                if let Ok(Some(token)) = token_of(&headers) {
                    prop_assert!(bytes.len() >= "bearer ".len() + token.len());
                    prop_assert!(bytes.to_ascii_lowercase().starts_with(b"bearer "));
                }
            }
        }
    }
}
