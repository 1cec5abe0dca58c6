//! Verification of access tokens, valid and forged.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod foreign;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use forge::Mint;
use proptest::prelude::*;
use serde_json::{Value, json};
use shared::revocation::{Kind, RecordKey};
use shared::token::{Algorithm, KeySet, MAX_TOKEN_BYTES, TokenError, TokenProfile, VerifiedToken, Verifier};

const ISSUER: &str = "https://cinema.example";
const NOW: u64 = 1_800_000_000;

fn usher() -> Verifier {
    Verifier { profile: TokenProfile::Usher, issuer: ISSUER.into(), leeway: 5, max_life: 900 }
}

fn keys(mint: &Mint) -> KeySet {
    KeySet::parse(mint.jwks().as_bytes(), &Algorithm::ALL).unwrap()
}

fn verify(mint: &Mint, claims: &Value) -> Result<VerifiedToken, TokenError> {
    usher().verify(&mint.token(claims), &keys(mint), NOW)
}

fn changed(change: impl FnOnce(&mut Value)) -> Value {
    let mut claims = forge::claims(ISSUER, NOW);
    change(&mut claims);
    claims
}

#[test]
fn a_valid_token_is_accepted_with_all_claims() {
    let mint = Mint::new();
    let claims = forge::claims(ISSUER, NOW);
    let token = verify(&mint, &claims).unwrap();
    assert_eq!(token.subject, claims["sub"].as_str().unwrap());
    assert_eq!(token.session.as_deref(), claims["sid"].as_str());
    assert!(token.is_for("cinema") && !token.is_for("studio"));
    assert!(token.roles.contains(&"subscriber".parse().unwrap()));
    assert_eq!((token.issued_at, token.expires_at), (NOW, NOW + 900));
    assert_eq!((token.generation, token.deployment_generation), (1, 1));
    assert_eq!(token.token_key, Some(RecordKey::new(ISSUER, Kind::Token, claims["jti"].as_str().unwrap())));
    assert_eq!(token.user_key, RecordKey::new(ISSUER, Kind::User, &token.subject));
    assert_eq!(token.signing_key, RecordKey::new(ISSUER, Kind::Key, mint.kid()));
}

#[test]
fn the_published_vector_holds() {
    // Made with another implementation; Ed25519 is deterministic, so it holds both ways.
    let vector: Value = serde_json::from_str(include_str!("../vectors/access-token.json")).unwrap();
    let text = |name: &str| vector[name].as_str().unwrap();
    let mint = Mint::from_seed(&[7; 32]);
    assert_eq!(mint.jwk()["x"], vector["jwk"]["x"]);
    assert_eq!(mint.kid(), vector["jwk"]["kid"]);
    assert_eq!(mint.sign_text(text("header"), text("payload")), text("token"));
    let token = usher().verify(text("token"), &keys(&mint), NOW).unwrap();
    assert_eq!(token.subject, "01939c3e-0f5a-7c1e-9d2b-000000000002");
    assert_eq!(token.generation, 7);
}

#[test]
fn a_service_account_has_no_session() {
    let mint = Mint::new();
    let claims = changed(|claims| drop(claims.as_object_mut().unwrap().remove("sid")));
    let token = verify(&mint, &claims).unwrap();
    assert_eq!((token.session, token.session_key), (None, None));
}

#[test]
fn every_other_claim_is_required_and_typed() {
    let mint = Mint::new();
    for name in
        ["iss", "aud", "sub", "jti", "iat", "exp", "gen", "ggen", "roles", "auth_time", "amr", "client_id"]
    {
        let without = changed(|claims| drop(claims.as_object_mut().unwrap().remove(name)));
        assert_eq!(verify(&mint, &without), Err(TokenError::MissingClaim), "{name}");
        let odd = changed(|claims| claims[name] = json!({ "odd": true }));
        assert_eq!(verify(&mint, &odd), Err(TokenError::Malformed), "{name}");
        let null = changed(|claims| claims[name] = Value::Null);
        assert_eq!(verify(&mint, &null), Err(TokenError::Malformed), "{name}");
    }
}

#[test]
fn a_repeated_claim_is_refused() {
    let mint = Mint::new();
    let text = forge::claims(ISSUER, NOW).to_string().replacen('{', r#"{"sub":"another","#, 1);
    let token = mint.sign_text(&mint.header().to_string(), &text);
    assert_eq!(usher().verify(&token, &keys(&mint), NOW), Err(TokenError::Malformed));
}

#[test]
fn an_identity_that_no_header_can_carry_is_refused() {
    let mint = Mint::new();
    for (name, bad) in
        [("sub", "a,b"), ("sub", ""), ("sid", "a b"), ("sub", "a\r\nX-User-Roles: root"), ("jti", "é")]
    {
        let claims = changed(|claims| claims[name] = json!(bad));
        assert_eq!(verify(&mint, &claims), Err(TokenError::UnfitIdentity), "{name} {bad:?}");
    }
}

#[test]
fn identifiers_have_the_one_form_of_the_document() {
    let mint = Mint::new();
    let uuid = "01939c3e-0f5a-7c1e-9d2b-6f0a1b2c3d4e";
    for name in ["sub", "sid", "jti"] {
        assert!(verify(&mint, &changed(|claims| claims[name] = json!(uuid))).is_ok(), "{name}");
        for other in [
            uuid.to_uppercase(),
            uuid.replace('a', "A"),
            format!("{{{uuid}}}"),
            format!("urn:uuid:{uuid}"),
            uuid.replace('-', ""),
            uuid.replace('-', "_"),
            format!("{uuid} "),
            format!("{uuid}0"),
            uuid[..35].to_owned(),
            uuid.replace('e', "g"),
            "0-1939c3e0f5a7c1e9d2b6f0a1b2c3d4e---".to_owned(),
            "alice".to_owned(),
        ] {
            let claims = changed(|claims| claims[name] = json!(other));
            assert_eq!(verify(&mint, &claims), Err(TokenError::UnfitIdentity), "{name} {other}");
        }
    }
    // Only a token's own identifier must be of version 7.
    for (other, is_jti) in
        [("550e8400-e29b-41d4-a716-446655440000", false), ("01939c3e-0f5a-7c1e-cd2b-6f0a1b2c3d4e", false)]
    {
        let with = |name: &str| verify(&mint, &changed(|claims| claims[name] = json!(other))).is_ok();
        assert_eq!((with("sub"), with("sid"), with("jti")), (true, true, is_jti), "{other}");
    }
}

#[test]
fn roles_are_in_order_and_fit_into_a_header() {
    let mint = Mint::new();
    let with = |roles: Value| verify(&mint, &changed(|claims| claims["roles"] = roles)).map(|_| ());
    assert_eq!(with(json!([])), Ok(()));
    assert_eq!(with(json!(["a", "a-b", "b"])), Ok(()));
    for unordered in [json!(["b", "a"]), json!(["a", "a"]), json!(["a", "c", "b"])] {
        assert_eq!(with(unordered), Err(TokenError::UnfitIdentity));
    }
    for invalid in [json!(["A"]), json!(["a,b"]), json!([7]), json!("a"), json!([["a"]])] {
        assert_eq!(with(invalid), Err(TokenError::Malformed));
    }
    let many = |count: u32| (0..count).map(|number| format!("role-{number:0>27}")).collect::<Vec<_>>();
    assert_eq!(with(json!(many(62))), Ok(()));
    assert_eq!(with(json!(many(63))), Err(TokenError::UnfitIdentity));
}

#[test]
fn a_header_or_a_payload_that_is_an_array_is_refused() {
    let mint = Mint::new();
    let claims = forge::claims(ISSUER, NOW);
    let (header, payload) = (mint.header().to_string(), claims.to_string());
    // In the order of our fields, which serde would accept in place of an object.
    let names = [
        "iss",
        "aud",
        "sub",
        "sid",
        "jti",
        "iat",
        "exp",
        "gen",
        "ggen",
        "roles",
        "auth_time",
        "amr",
        "client_id",
    ];
    let values: Vec<_> = names.iter().map(|name| claims[*name].clone()).collect();
    let header_values = json!(["EdDSA", mint.kid(), "at+jwt"]).to_string();
    let verify =
        |header: &str, payload: &str| usher().verify(&mint.sign_text(header, payload), &keys(&mint), NOW);
    assert!(verify(&header, &payload).is_ok());
    assert_eq!(verify(&header, &json!(values).to_string()), Err(TokenError::Malformed));
    assert_eq!(verify(&header_values, &payload), Err(TokenError::Malformed));
    for other in ["[]", "null", "7", "\"a\"", "", "[{}]"] {
        assert_eq!(verify(&header, other), Err(TokenError::Malformed), "{other}");
        assert_eq!(verify(other, &payload), Err(TokenError::Malformed), "{other}");
    }
}

#[test]
fn odd_numbers_and_repeated_members_are_refused() {
    let mint = Mint::new();
    let payload = forge::claims(ISSUER, NOW).to_string();
    let header = mint.header().to_string();
    for (name, value) in [("exp", NOW + 900), ("iat", NOW), ("gen", 1), ("ggen", 1), ("auth_time", NOW)] {
        let plain = format!("\"{name}\":{value}");
        assert!(payload.contains(&plain), "{plain}");
        for odd in [
            format!("{value}.0"),
            format!("{value}e0"),
            format!("-{value}"),
            format!("\"{value}\""),
            "1e999".to_owned(),
            "NaN".to_owned(),
            "18446744073709551616".to_owned(),
            "null".to_owned(),
            "[1]".to_owned(),
        ] {
            let claims = payload.replace(&plain, &format!("\"{name}\":{odd}"));
            let verdict = usher().verify(&mint.sign_text(&header, &claims), &keys(&mint), NOW);
            assert_eq!(verdict, Err(TokenError::Malformed), "{name} {odd}");
        }
        let twice = payload.replacen('{', &format!("{{{plain},"), 1);
        let verdict = usher().verify(&mint.sign_text(&header, &twice), &keys(&mint), NOW);
        assert_eq!(verdict, Err(TokenError::Malformed), "{name}");
    }
}

#[test]
fn the_times_are_judged_with_leeway() {
    let mint = Mint::new();
    let token = mint.token(&forge::claims(ISSUER, NOW));
    let at = |now| usher().verify(&token, &keys(&mint), now).map(|_| ());
    assert_eq!(at(NOW - 5), Ok(()));
    assert_eq!(at(NOW - 6), Err(TokenError::IssuedInFuture));
    assert_eq!(at(NOW + 904), Ok(()));
    assert_eq!(at(NOW + 905), Err(TokenError::Expired));
}

#[test]
fn a_life_too_long_or_backwards_is_refused() {
    let mint = Mint::new();
    for exp in [NOW + 901, NOW, NOW - 1, u64::MAX] {
        let claims = changed(|claims| claims["exp"] = json!(exp));
        assert_eq!(verify(&mint, &claims), Err(TokenError::LifeTooLong), "{exp}");
    }
    let claims = changed(|claims| claims["iat"] = json!(u64::MAX));
    assert_eq!(verify(&mint, &claims), Err(TokenError::IssuedInFuture));
}

#[test]
fn another_issuer_is_refused_even_by_a_slash() {
    let mint = Mint::new();
    for issuer in ["https://cinema.example/", "https://CINEMA.example", "http://cinema.example", ""] {
        assert_eq!(verify(&mint, &forge::claims(issuer, NOW)), Err(TokenError::WrongIssuer), "{issuer}");
    }
}

#[test]
fn the_classical_forgeries_are_refused() {
    let mint = Mint::new();
    let claims = forge::claims(ISSUER, NOW);
    let verify = |token: &str| usher().verify(token, &keys(&mint), NOW);
    assert_eq!(verify(&mint.unsigned(&claims)), Err(TokenError::WrongAlgorithm));
    assert_eq!(verify(&mint.hs256_with_public_key(&claims)), Err(TokenError::WrongAlgorithm));
    let other = Mint::new().named(mint.kid());
    assert_eq!(verify(&other.token(&claims)), Err(TokenError::BadSignature));
    assert_eq!(verify(&Mint::new().token(&claims)), Err(TokenError::UnknownKey));
    let valid = mint.token(&claims);
    let cut = valid.rsplit_once('.').unwrap().0;
    for odd in [format!("{cut}."), cut.to_owned(), format!("{valid}.x.y"), format!("{valid}="), String::new()]
    {
        assert!(verify(&odd).is_err(), "{odd}");
    }
}

#[test]
fn header_members_that_would_change_the_verification_are_refused() {
    let mint = Mint::new();
    let claims = forge::claims(ISSUER, NOW);
    let own_key = mint.jwk();
    for (member, value) in [
        ("crit", json!(["b64"])),
        ("crit", Value::Null),
        ("b64", json!(false)),
        ("jku", json!("https://evil.example/jwks")),
        ("x5u", json!("https://evil.example/cert")),
        ("x5c", json!([])),
        ("jwk", own_key),
        ("enc", json!("A256GCM")),
        ("zip", json!("DEF")),
    ] {
        let mut header = mint.header();
        header[member] = value;
        let token = mint.token_with_header(&header, &claims);
        let verdict = usher().verify(&token, &keys(&mint), NOW);
        assert_eq!(verdict, Err(TokenError::ForbiddenHeader), "{member}");
    }
}

#[test]
fn only_an_access_token_is_one() {
    let mint = Mint::new();
    let claims = forge::claims(ISSUER, NOW);
    let with_type = |typ: Value| {
        let mut header = mint.header();
        header["typ"] = typ;
        usher().verify(&mint.token_with_header(&header, &claims), &keys(&mint), NOW).map(|_| ())
    };
    for valid in ["at+jwt", "AT+JWT", "application/at+jwt", "Application/AT+jwt"] {
        assert_eq!(with_type(json!(valid)), Ok(()), "{valid}");
    }
    for bad in ["JWT", "dpop+jwt", "", "application/", "text/at+jwt", "é€application/"] {
        assert_eq!(with_type(json!(bad)), Err(TokenError::WrongType), "{bad}");
    }
    assert_eq!(with_type(Value::Null), Err(TokenError::WrongType));
}

#[test]
fn a_repeated_header_member_is_refused() {
    let mint = Mint::new();
    let header = mint.header().to_string().replacen('{', r#"{"alg":"none","#, 1);
    let token = mint.sign_text(&header, &forge::claims(ISSUER, NOW).to_string());
    assert_eq!(usher().verify(&token, &keys(&mint), NOW), Err(TokenError::Malformed));
}

#[test]
fn a_token_beyond_the_limit_is_not_even_parsed() {
    let mint = Mint::new();
    let claims = changed(|claims| claims["client_id"] = json!("x".repeat(MAX_TOKEN_BYTES)));
    assert_eq!(verify(&mint, &claims), Err(TokenError::TooLong));
}

proptest! {
    #[test]
    fn no_text_panics_the_verifier_or_passes_it(text in ".{0,200}") {
        let mint = Mint::from_seed(&[7; 32]);
        prop_assert!(usher().verify(&text, &keys(&mint), NOW).is_err());
    }

    #[test]
    fn no_header_or_payload_panics_the_verifier(header in ".{0,60}", payload in ".{0,200}") {
        let mint = Mint::from_seed(&[7; 32]);
        prop_assert!(usher().verify(&mint.sign_text(&header, &payload), &keys(&mint), NOW).is_err());
        let good_header = mint.header().to_string();
        prop_assert!(usher().verify(&mint.sign_text(&good_header, &payload), &keys(&mint), NOW).is_err());
    }

    #[test]
    fn one_changed_bit_of_the_signed_bytes_is_refused(index: prop::sample::Index, bit in 0_u8..6) {
        let mint = Mint::from_seed(&[7; 32]);
        let token = mint.token(&forge::claims(ISSUER, NOW));
        let (message, signature) = token.rsplit_once('.').unwrap();
        // The changed character stays in the alphabet, so that the signature is what refuses it.
        let mut bytes = message.as_bytes().to_vec();
        let index = index.index(bytes.len());
        prop_assume!(bytes[index] != b'.');
        bytes[index] = if bytes[index] == b'A' { b'B' + bit } else { b'A' };
        let forged = format!("{}.{signature}", String::from_utf8(bytes).unwrap());
        prop_assert!(usher().verify(&forged, &keys(&mint), NOW).is_err());
    }

    #[test]
    fn claims_survive_their_json(generation: u64, iat: u64, roles in prop::collection::vec("[a-z][a-z0-9_-]{0,8}", 0..5)) {
        let claims = changed(|claims| {
            claims["gen"] = json!(generation);
            claims["iat"] = json!(iat);
            claims["roles"] = json!(roles);
        });
        let read: shared::token::Claims = serde_json::from_value(claims.clone()).unwrap();
        prop_assert_eq!(serde_json::to_value(read).unwrap(), claims);
    }

    #[test]
    fn base64_with_another_spelling_is_refused(padding in "=|==|\\+|/| ") {
        let mint = Mint::from_seed(&[7; 32]);
        let header = URL_SAFE_NO_PAD.encode(mint.header().to_string());
        let token = mint.token(&forge::claims(ISSUER, NOW)).replacen(&header, &format!("{header}{padding}"), 1);
        prop_assert!(usher().verify(&token, &keys(&mint), NOW).is_err());
    }
}
