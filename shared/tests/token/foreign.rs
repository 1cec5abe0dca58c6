//! Tokens of other issuers.

use forge::Mint;
use serde_json::json;
use shared::token::{Algorithm, Foreign, TokenError, TokenProfile, Verifier};

use crate::{ISSUER, NOW, keys, usher, verify};

fn foreign() -> Verifier {
    let profile = TokenProfile::Foreign(Foreign {
        algorithms: vec![Algorithm::Es256, Algorithm::Rs256],
        token_type: None,
        user_claim: "sub".into(),
        session_claim: "sid".into(),
        roles_claim: "realm_access.roles".into(),
    });
    Verifier { profile, ..usher() }
}

#[test]
fn foreign_claims_are_an_object_without_repeated_members() {
    let mint = Mint::p256();
    let verdict = |payload: &str| {
        foreign()
            .verify(&mint.sign_text(&mint.header().to_string(), payload), &keys(&mint), NOW)
            .map(|token| token.roles)
    };
    let claims =
        json!({ "iss": ISSUER, "aud": "cinema", "sub": "a", "iat": NOW, "exp": NOW + 60 }).to_string();
    assert_eq!(verdict(&claims), Ok(vec![]));
    for name in ["iss", "sub", "exp", "other"] {
        let twice = claims.replacen('{', &format!(r#"{{"{name}":1,"{name}":1,"#), 1);
        assert_eq!(verdict(&twice), Err(TokenError::Malformed), "{name}");
    }
    let inner = r#"{"realm_access":{"roles":["a"],"roles":["b"]},"#;
    assert_eq!(verdict(&claims.replacen('{', inner, 1)), Ok(vec![]), "an object with two meanings has none");
    assert_eq!(verdict("[]"), Err(TokenError::Malformed));
}

#[test]
fn a_foreign_issuer_is_read_as_configured() {
    for mint in [Mint::p256(), Mint::rsa()] {
        let claims = json!({
            "iss": ISSUER, "aud": ["cinema", "studio"], "sub": "auth0|42", "iat": NOW as f64 + 0.5, "exp": NOW + 60,
            "realm_access": { "roles": ["subscriber", "NOT OURS", "offline_access"] },
        });
        let token = foreign().verify(&mint.token(&claims), &keys(&mint), NOW).unwrap();
        assert_eq!(token.subject, "auth0|42");
        assert_eq!(
            token.roles.iter().map(shared::role::RoleName::as_str).collect::<Vec<_>>(),
            ["offline_access", "subscriber"]
        );
        assert!(token.is_for("studio"));
        assert_eq!((token.issued_at, token.generation), (NOW, NOW));
        assert_eq!((token.token_key, token.session_key), (None, None));
    }
}

#[test]
fn each_profile_keeps_to_its_algorithms() {
    let claims = forge::claims(ISSUER, NOW);
    for mint in [Mint::p256(), Mint::rsa()] {
        assert_eq!(verify(&mint, &claims), Err(TokenError::WrongAlgorithm));
    }
    let ed25519 = Mint::new();
    let verdict = foreign().verify(&ed25519.token(&claims), &keys(&ed25519), NOW);
    assert_eq!(verdict, Err(TokenError::WrongAlgorithm));
}

#[test]
fn foreign_identities_with_commas_or_odd_bytes_are_refused() {
    let mint = Mint::p256();
    for bad in ["a,b", "a b", "ä", "a\n", ""] {
        let claims = json!({ "iss": ISSUER, "aud": "cinema", "sub": bad, "iat": NOW, "exp": NOW + 60 });
        let verdict = foreign().verify(&mint.token(&claims), &keys(&mint), NOW);
        assert_eq!(verdict, Err(TokenError::UnfitIdentity), "{bad:?}");
    }
}

#[test]
fn identities_and_roles_too_long_for_the_response_to_nginx_are_refused() {
    let mint = Mint::p256();
    let verdict = |subject: String, roles: &str| {
        let claims = json!({
            "iss": ISSUER, "aud": "cinema", "sub": subject, "iat": NOW, "exp": NOW + 60,
            "realm_access": { "roles": roles },
        });
        foreign().verify(&mint.token(&claims), &keys(&mint), NOW).err()
    };
    // 2048 bytes with commas between: 62 names of 32, and one of 2.
    let roles: String = (0..62).map(|number| format!("role-{number:0>27} ")).collect::<String>() + "zz";
    assert_eq!(verdict("a".repeat(512), &roles), None);
    assert_eq!(verdict("a".repeat(512), &(roles + " y")), Some(TokenError::UnfitIdentity));
    assert_eq!(verdict("a".repeat(513), ""), Some(TokenError::UnfitIdentity));
}

#[test]
fn a_foreign_token_is_refused_before_its_nbf() {
    let mint = Mint::p256();
    let verdict = |nbf: serde_json::Value| {
        let claims =
            json!({ "iss": ISSUER, "aud": "cinema", "sub": "a", "iat": NOW, "exp": NOW + 60, "nbf": nbf });
        foreign().verify(&mint.token(&claims), &keys(&mint), NOW).err()
    };
    assert_eq!(verdict(json!(NOW + 5)), None);
    assert_eq!(verdict(json!(NOW + 6)), Some(TokenError::IssuedInFuture));
    assert_eq!(verdict(json!("soon")), Some(TokenError::Malformed));
}
