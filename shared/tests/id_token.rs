//! Verification of ID tokens, valid and forged.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use forge::Mint;
use proptest::prelude::*;
use serde_json::{Value, json};
use shared::token::{
    Algorithm, IdTokenCheck, IdTokenError, KeySet, MAX_ID_TOKEN_BYTES, MAX_TOKEN_BYTES, TokenError,
};

const NOW: u64 = 1_800_000_000;
const NONCE: &str = "n-0S6_WzA2Mj";

const CHECK: IdTokenCheck<'_> = IdTokenCheck {
    issuers: &["https://accounts.google.com", "accounts.google.com"],
    key_issuers: None,
    client: "cinema-at-google",
    nonce: NONCE,
    leeway: 60,
};

fn claims() -> Value {
    json!({
        "iss": "https://accounts.google.com",
        "sub": "110169484474386276334",
        "aud": "cinema-at-google",
        "exp": NOW + 3600,
        "iat": NOW,
        "nonce": NONCE,
        "email": "anna@gmail.com",
    })
}

fn verify(mint: &Mint, raw: &str) -> Result<String, IdTokenError> {
    let keys = KeySet::parse(mint.jwks().as_bytes(), &Algorithm::ALL).unwrap();
    CHECK.verify(raw, &keys, NOW).map(|claims| claims.get("email").unwrap().as_str().unwrap().to_owned())
}

fn changed(member: &str, value: Value) -> Result<String, IdTokenError> {
    let mint = Mint::rsa();
    let mut claims = claims();
    let members = claims.as_object_mut().unwrap();
    match value {
        Value::Null => drop(members.remove(member)),
        value => drop(members.insert(member.to_owned(), value)),
    }
    let header = json!({ "alg": "RS256", "kid": mint.kid(), "typ": "JWT" });
    verify(&mint, &mint.token_with_header(&header, &claims))
}

#[test]
fn a_key_that_names_another_issuer_verifies_no_token() {
    let mint = Mint::rsa();
    let accepted: &[&str] = &["https://accounts.google.com", "https://{tenantid}.google.com"];
    let strict = IdTokenCheck { key_issuers: Some(accepted), ..CHECK };
    let wrong = Err(TokenError::WrongIssuer.into());
    for (issuer, expected) in [
        (None, Ok(())),
        (Some(json!("https://accounts.google.com")), Ok(())),
        (Some(json!("https://{tenantid}.google.com")), Ok(())),
        (Some(json!("https://evil.example")), wrong),
        (Some(json!("accounts.google.com")), wrong),
        (Some(json!("")), wrong),
        (Some(json!(null)), wrong),
        (Some(json!(["https://accounts.google.com"])), wrong),
    ] {
        let mut jwk = mint.jwk();
        if let Some(issuer) = &issuer {
            jwk.as_object_mut().unwrap().insert("issuer".to_owned(), issuer.clone());
        }
        let set = json!({ "keys": [jwk] }).to_string();
        let keys = KeySet::parse(set.as_bytes(), &Algorithm::ALL).unwrap();
        let header = json!({ "alg": "RS256", "kid": mint.kid(), "typ": "JWT" });
        let token = mint.token_with_header(&header, &claims());
        assert_eq!(strict.verify(&token, &keys, NOW).map(drop), expected, "{issuer:?}");
        assert!(CHECK.verify(&token, &keys, NOW).is_ok(), "{issuer:?}");
    }
}

#[test]
fn a_valid_token_identifies_the_user() {
    for mint in [Mint::new(), Mint::p256(), Mint::rsa()] {
        let mut header = mint.header();
        header.as_object_mut().unwrap().remove("typ");
        let token = mint.token_with_header(&header, &claims());
        assert_eq!(verify(&mint, &token).as_deref(), Ok("anna@gmail.com"));
    }
}

#[test]
fn a_token_may_name_hundreds_of_groups_and_has_a_limit() {
    // A third more in base64url.
    let groups = |bytes: usize| changed("groups", json!("g".repeat(bytes * 3 / 4)));
    assert!(groups(MAX_TOKEN_BYTES * 2).is_ok());
    assert!(groups(MAX_ID_TOKEN_BYTES - 1024).is_ok());
    assert_eq!(groups(MAX_ID_TOKEN_BYTES), Err(TokenError::TooLong.into()));
}

#[test]
fn both_names_of_the_issuer_count_and_no_other() {
    assert!(changed("iss", json!("accounts.google.com")).is_ok());
    for other in ["https://accounts.google.com/", "http://accounts.google.com", "https://evil.example", ""] {
        assert_eq!(changed("iss", json!(other)), Err(TokenError::WrongIssuer.into()), "{other}");
    }
}

#[test]
fn a_token_for_another_client_is_refused() {
    assert_eq!(changed("aud", json!("another")), Err(IdTokenError::WrongAudience));
    assert_eq!(changed("aud", json!([])), Err(IdTokenError::WrongAudience));
    assert_eq!(changed("aud", json!(["cinema-at-google", "another"])), Err(IdTokenError::WrongAudience));
    assert_eq!(changed("azp", json!("another")), Err(IdTokenError::WrongAudience));
    assert!(changed("aud", json!(["cinema-at-google"])).is_ok());
    assert!(changed("azp", json!("cinema-at-google")).is_ok());
}

#[test]
fn a_token_for_another_authorization_request_is_refused() {
    for other in [json!("another"), json!(""), Value::Null] {
        assert_eq!(changed("nonce", other), Err(IdTokenError::WrongNonce));
    }
    let mint = Mint::new();
    let keys = KeySet::parse(mint.jwks().as_bytes(), &Algorithm::ALL).unwrap();
    let mut unasked = claims();
    unasked["nonce"] = json!("");
    let check = IdTokenCheck { nonce: "", ..CHECK };
    let header = json!({ "alg": "EdDSA", "kid": mint.kid() });
    let token = mint.token_with_header(&header, &unasked);
    assert_eq!(check.verify(&token, &keys, NOW), Err(IdTokenError::WrongNonce), "no question was asked");
}

#[test]
fn times_are_compared_with_the_clock() {
    assert_eq!(changed("exp", json!(NOW - 60)), Err(TokenError::Expired.into()));
    assert!(changed("exp", json!(NOW - 59)).is_ok());
    assert_eq!(changed("iat", json!(NOW + 61)), Err(TokenError::IssuedInFuture.into()));
}

#[test]
fn a_missing_claim_is_reported() {
    for name in ["iss", "sub", "aud", "exp", "iat"] {
        assert_eq!(changed(name, Value::Null), Err(TokenError::MissingClaim.into()), "{name}");
    }
    assert_eq!(changed("sub", json!("")), Err(TokenError::MissingClaim.into()));
}

#[test]
fn forgeries_are_refused() {
    let mint = Mint::rsa();
    let refused = |raw: &str| verify(&mint, raw).unwrap_err();
    for algorithm in ["HS256", "none", "rs256", "PS256", "ES256"] {
        let header = json!({ "alg": algorithm, "kid": mint.kid() });
        assert_eq!(refused(&mint.token_with_header(&header, &claims())), TokenError::WrongAlgorithm.into());
    }
    for forged in [mint.hs256_with_public_key(&claims()), mint.unsigned(&claims())] {
        assert_eq!(refused(&forged), TokenError::WrongType.into());
    }
    let header = json!({ "alg": "RS256", "kid": mint.kid(), "typ": "JWT" });
    let others = Mint::rsa().token_with_header(&header, &claims());
    assert_eq!(refused(&others), TokenError::BadSignature.into());
    let unknown = json!({ "alg": "RS256", "kid": "another" });
    assert_eq!(refused(&mint.token_with_header(&unknown, &claims())), TokenError::UnknownKey.into());
    let access = json!({ "alg": "RS256", "kid": mint.kid(), "typ": "at+jwt" });
    assert_eq!(refused(&mint.token_with_header(&access, &claims())), TokenError::WrongType.into());
}

#[test]
fn claims_are_an_object() {
    let mint = Mint::new();
    let header = json!({ "alg": "EdDSA", "kid": mint.kid() }).to_string();
    // The checked claims in the order of their fields, which serde would accept in place of an object.
    let values =
        json!(["https://accounts.google.com", "1101", "cinema-at-google", NOW + 60, NOW, null, NONCE]);
    assert_eq!(
        verify(&mint, &mint.sign_text(&header, &values.to_string())),
        Err(TokenError::Malformed.into())
    );
}

proptest! {
    #[test]
    fn claims_that_name_a_member_twice_are_refused(name in "(iss|sub|aud|exp|iat|nonce|email)") {
        let mint = Mint::new();
        let header = json!({ "alg": "EdDSA", "kid": mint.kid() }).to_string();
        let twice = claims().to_string().replacen('{', &format!(r#"{{"{name}":{},"#, claims()[&name]), 1);
        prop_assert_eq!(verify(&mint, &mint.sign_text(&header, &twice)), Err(TokenError::Malformed.into()));
    }

    #[test]
    fn any_text_is_refused_without_panic(text in "\\PC{0,200}") {
        prop_assert!(verify(&Mint::new(), &text).is_err());
    }

    #[test]
    fn any_signed_claims_are_judged_without_panic(name in "(iss|sub|aud|exp|iat|nonce|azp)", value in "\\PC{0,20}") {
        let mint = Mint::new();
        let mut claims = claims();
        claims[&name] = serde_json::from_str(&value).unwrap_or_else(|_| json!(value));
        let header = json!({ "alg": "EdDSA", "kid": mint.kid() });
        let _verdict = verify(&mint, &mint.token_with_header(&header, &claims));
    }
}
