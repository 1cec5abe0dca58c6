//! Which tokens are refused, and with which codes.

use forge::Mint;
use serde_json::json;

use crate::support::{Setup, Sidecar};

/// The decision must be counted once under `code` and `reason`.
#[track_caller]
fn counted<T>(sidecar: &Sidecar, code: &str, reason: &str, ask: impl FnOnce() -> T) -> T {
    let name = format!("usher_introspect_decisions_total{{code=\"{code}\",reason=\"{reason}\"}}");
    let before = sidecar.metric(&name);
    let answer = ask();
    assert_eq!(sidecar.metric(&name), before + 1, "{reason}");
    answer
}

/// The token is refused as invalid; only the metric says why.
#[track_caller]
fn refused(sidecar: &Sidecar, reason: &str, token: &str) {
    counted(sidecar, "token_invalid", reason, || sidecar.ask_with("user", token))
        .is_unauthorized("token_invalid");
}

#[test]
fn without_a_token_the_challenge_is_bare() {
    let sidecar = Sidecar::start();
    let answer = counted(&sidecar, "token_missing", "token_missing", || sidecar.ask("user", &[]));
    assert_eq!((answer.status, answer.challenge()), (401, "Bearer realm=\"cinema\""));
    assert_eq!(answer.decision(), "token_missing");
    assert_eq!(answer.header("content-length"), Some("0"));
}

#[test]
fn an_expired_token_is_refused_as_such_after_the_leeway() {
    let sidecar = Sidecar::start();
    let token = sidecar.mint.token(&forge::claims(crate::support::ISSUER, sidecar.clock.now() - 904));
    assert_eq!(sidecar.ask_with("user", &token).status, 204);
    sidecar.clock.advance(1);
    counted(&sidecar, "token_expired", "expired", || sidecar.ask_with("user", &token))
        .is_unauthorized("token_expired");
}

#[test]
fn a_token_of_the_future_is_refused_until_its_time() {
    let sidecar = Sidecar::start();
    let token = sidecar.mint.token(&forge::claims(crate::support::ISSUER, sidecar.clock.now() + 6));
    refused(&sidecar, "issued_in_future", &token);
    sidecar.clock.advance(1);
    assert_eq!(sidecar.ask_with("user", &token).status, 204);
}

#[test]
fn forgeries_are_refused() {
    let sidecar = Sidecar::start();
    let claims = sidecar.claims();
    let stranger = Mint::new().named(sidecar.mint.kid());
    let good = sidecar.mint.token(&claims);
    let forgeries = [
        ("wrong_algorithm", sidecar.mint.hs256_with_public_key(&claims)),
        ("wrong_algorithm", sidecar.mint.unsigned(&claims)),
        ("bad_signature", stranger.token(&claims)),
        ("unknown_key", Mint::new().token(&claims)),
        ("bad_signature", good.trim_end_matches(|c| c != '.').to_owned() + "é"),
        ("token_malformed", good.replace('.', "")),
        ("token_malformed", format!("{good} {good}")),
        ("token_too_long", "a".repeat(8 * 1024 + 1)),
    ];
    for (reason, token) in forgeries {
        refused(&sidecar, reason, &token);
    }
    assert_eq!(sidecar.ask_with("user", &good).status, 204);
}

#[test]
fn an_invalid_token_stays_invalid_when_sent_again() {
    let sidecar = Sidecar::start();
    let mut token = sidecar.token();
    assert_eq!(sidecar.ask_with("user", &token).status, 204);
    let last = if token.pop() == Some('A') { 'Q' } else { 'A' };
    token.push(last);
    for _ in 0..3 {
        assert_eq!(sidecar.ask_with("user", &token).status, 401);
    }
}

#[test]
fn headers_that_would_change_the_rules_are_refused() {
    let sidecar = Sidecar::start();
    let claims = sidecar.claims();
    for (name, value) in [
        ("crit", json!(["exp"])),
        ("b64", json!(false)),
        ("jku", json!("https://evil.example/jwks.json")),
        ("x5u", json!("https://evil.example/cert")),
        ("jwk", Mint::new().jwk()),
        ("enc", json!("A256GCM")),
    ] {
        let mut header = sidecar.mint.header();
        header[name] = value;
        let token = sidecar.mint.token_with_header(&header, &claims);
        refused(&sidecar, "forbidden_header", &token);
    }
    let mut header = sidecar.mint.header();
    header["typ"] = json!("JWT");
    let token = sidecar.mint.token_with_header(&header, &claims);
    refused(&sidecar, "wrong_type", &token);
}

#[test]
fn claims_that_do_not_fit_are_refused() {
    let sidecar = Sidecar::start();
    let with = |name: &str, value| {
        let mut claims = sidecar.claims();
        claims[name] = value;
        sidecar.mint.token(&claims)
    };
    let now = sidecar.clock.now();
    for (reason, token) in [
        ("wrong_issuer", with("iss", json!("https://other.example"))),
        ("wrong_audience", with("aud", json!("books"))),
        ("life_too_long", with("exp", json!(now + 901))),
        ("unfit_identity", with("sub", json!("a\nX-User-Roles: admin"))),
        ("token_malformed", with("sub", json!(7))),
    ] {
        refused(&sidecar, reason, &token);
    }
    for name in ["iss", "aud", "sub", "jti", "iat", "exp", "gen", "ggen", "roles"] {
        let mut claims = sidecar.claims();
        claims.as_object_mut().unwrap().remove(name);
        refused(&sidecar, "missing_claim", &sidecar.mint.token(&claims));
    }
}

#[test]
fn a_foreign_issuer_is_believed_by_its_own_rules() {
    let mut setup = Setup::new();
    setup.mint = Mint::rsa();
    std::fs::write(setup.folder.path().join("jwks.json"), setup.mint.jwks()).unwrap();
    let sidecar = setup
        .with("INTROSPECT_PROFILE", "foreign")
        .with("INTROSPECT_FOREIGN_ALGORITHMS", "RS256")
        .with("INTROSPECT_FOREIGN_TYPE", "at+jwt")
        .with("INTROSPECT_FOREIGN_ROLES_CLAIM", "realm_access.roles")
        .start();
    let now = sidecar.clock.now();
    let mut claims = json!({
        "iss": crate::support::ISSUER, "aud": ["cinema", "other"], "sub": "alice@example", "iat": now,
        "exp": now + 300, "realm_access": { "roles": ["subscriber", "Not A Role"] },
    });
    let answer = sidecar.ask_with("user;role=subscriber", &sidecar.mint.token(&claims));
    answer.is_allowed_as("alice@example");
    assert_eq!(answer.header("x-user-roles"), Some("subscriber"));
    // More roles than fit into the buffer in which nginx reads the response.
    let roles: Vec<_> = (0..64).map(|number| format!("role-{number:0>27}")).collect();
    claims["realm_access"] = json!({ "roles": roles });
    refused(&sidecar, "unfit_identity", &sidecar.mint.token(&claims));
    claims["realm_access"] = json!({ "roles": [] });
    claims["nbf"] = json!(now + 5);
    sidecar.ask_with("user", &sidecar.mint.token(&claims)).is_allowed_as("alice@example");
    claims["nbf"] = json!(now + 6);
    refused(&sidecar, "issued_in_future", &sidecar.mint.token(&claims));
    claims["nbf"] = json!(now);
    claims["sub"] = json!("alice,bob");
    refused(&sidecar, "unfit_identity", &sidecar.mint.token(&claims));
}
