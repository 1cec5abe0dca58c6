//! The ID token, with every fault that one can have.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::error::Unspecified;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::claims::{ISSUER, claims};
use crate::context::Context;
use crate::fault::Fault;
use crate::key;
use crate::random;
use crate::store::AN_HOUR;
use crate::stub::{Grant, present};

/// The ID token of an exchange (OpenID Connect Core, section 2).
pub(super) fn of(cx: &Context<'_>, grant: &Grant<'_>) -> Result<String, Unspecified> {
    let request = &grant.code.request;
    let mut token = claims(cx, &grant.person, |scope| request.scopes.iter().any(|granted| granted == scope));
    let protocol = present(json!({
        "iss": issuer(cx, grant),
        "azp": request.client,
        "aud": if cx.has(Fault::WrongAudience) { "another-client" } else { &request.client },
        "at_hash": at_hash(&grant.token),
        "nonce": if cx.has(Fault::WrongNonce) { Some(random::word()) } else { request.nonce.clone() },
        "iat": issued(cx),
        "exp": issued(cx) + AN_HOUR,
    }));
    if let (Value::Object(token), Value::Object(protocol)) = (&mut token, protocol) {
        token.extend(protocol);
    }
    if cx.has(Fault::LargeIdToken) {
        key::enlarge(&mut token);
    }
    signed(cx, &token)
}

fn issuer(cx: &Context<'_>, grant: &Grant<'_>) -> &'static str {
    if cx.has(Fault::WrongIssuer) {
        "https://accounts.example.org"
    } else if grant.person.short_issuer {
        "accounts.google.com"
    } else {
        ISSUER
    }
}

/// The issue time: two hours ago if the fault is that it expired an hour ago.
fn issued(cx: &Context<'_>) -> u64 {
    let age = if cx.has(Fault::ExpiredIdToken) { 2 * AN_HOUR } else { 0 };
    cx.now.saturating_sub(age)
}

/// The left half of the access token's hash (OpenID Connect Core, section 3.1.3.6).
fn at_hash(token: &str) -> String {
    let hash = digest(&SHA256, token.as_bytes());
    URL_SAFE_NO_PAD.encode(hash.as_ref().split_at(16).0)
}

fn signed(cx: &Context<'_>, claims: &Value) -> Result<String, Unspecified> {
    let key = &cx.store.key;
    if cx.has(Fault::AlgNone) {
        Ok(key::unsigned(&json!({ "alg": "none", "typ": "JWT" }), claims, b""))
    } else if cx.has(Fault::Hs256WithPublicKey) {
        key.confuse(claims)
    } else if cx.has(Fault::BadSignature) {
        let header = json!({ "alg": "RS256", "kid": key.id, "typ": "JWT" });
        Ok(key::unsigned(&header, claims, &[7; 256]))
    } else if cx.has(Fault::UnknownKey) {
        // The key is valid, so that a client that tries all keys would accept it.
        key.sign(&random::word(), claims)
    } else {
        key.sign(&key.id, claims)
    }
}
