//! The ID token, and everything that can be wrong with one.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::error::Unspecified;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::{ISSUER, claims};
use crate::Trouble;
use crate::key;
use crate::play::{Grant, present};
use crate::random;
use crate::visit::Visit;
use crate::world::AN_HOUR;

/// An ID token for that exchange (OpenID Connect Core, section 2).
pub(super) fn of(visit: &Visit<'_>, grant: &Grant<'_>) -> Result<String, Unspecified> {
    let ask = &grant.code.ask;
    let mut token = claims(visit, &grant.person, |scope| ask.scopes.iter().any(|granted| granted == scope));
    let protocol = present(json!({
        "iss": issuer(visit, grant),
        "azp": ask.client,
        "aud": if visit.has(Trouble::WrongAudience) { "another-client" } else { &ask.client },
        "at_hash": at_hash(&grant.token),
        "nonce": if visit.has(Trouble::WrongNonce) { Some(random::word()) } else { ask.nonce.clone() },
        "iat": issued(visit),
        "exp": issued(visit) + AN_HOUR,
    }));
    if let (Value::Object(token), Value::Object(protocol)) = (&mut token, protocol) {
        token.extend(protocol);
    }
    signed(visit, &token)
}

fn issuer(visit: &Visit<'_>, grant: &Grant<'_>) -> &'static str {
    if visit.has(Trouble::WrongIssuer) {
        "https://accounts.example.org"
    } else if grant.person.short_issuer {
        "accounts.google.com"
    } else {
        ISSUER
    }
}

/// The second in which it is said to be made: two hours ago when it shall have ended an hour ago.
fn issued(visit: &Visit<'_>) -> u64 {
    let age = if visit.has(Trouble::ExpiredIdToken) { 2 * AN_HOUR } else { 0 };
    visit.now.saturating_sub(age)
}

/// The left half of the access token's hash (OpenID Connect Core, section 3.1.3.6).
fn at_hash(token: &str) -> String {
    let hash = digest(&SHA256, token.as_bytes());
    URL_SAFE_NO_PAD.encode(hash.as_ref().split_at(16).0)
}

fn signed(visit: &Visit<'_>, claims: &Value) -> Result<String, Unspecified> {
    let key = &visit.world.key;
    if visit.has(Trouble::AlgNone) {
        Ok(key::unsigned(&json!({ "alg": "none", "typ": "JWT" }), claims, b""))
    } else if visit.has(Trouble::Hs256WithPublicKey) {
        key.confuse(claims)
    } else if visit.has(Trouble::BadSignature) {
        let header = json!({ "alg": "RS256", "kid": key.id, "typ": "JWT" });
        Ok(key::unsigned(&header, claims, &[7; 256]))
    } else if visit.has(Trouble::UnknownKey) {
        // The key is right, so that a client which tries all keys takes it for good.
        key.sign(&random::word(), claims)
    } else {
        key.sign(&key.id, claims)
    }
}
