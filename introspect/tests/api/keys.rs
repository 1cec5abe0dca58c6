//! The issuer's keys: fetched, refreshed, copied and killed.

use forge::Mint;
use rustix::fs::{CWD, FileType, Mode, mknodat};
use serde_json::{Value, json};
use shared::revocation::{Kind, Reason};

use crate::support::log::record;
use crate::support::{Issuer, Setup, wait_until};

#[test]
fn keys_come_from_the_issuer_and_a_copy_serves_while_it_is_unavailable() {
    let mut setup = Setup::new();
    let issuer = Issuer::start(&setup.mint.jwks());
    let copy = setup.folder.path().join("copy.json");
    setup = setup.with("INTROSPECT_JWKS", issuer.url()).with("INTROSPECT_JWKS_COPY", copy.to_str().unwrap());
    let mut sidecar = setup.start();
    assert_eq!(sidecar.ask_with("user", &sidecar.token()).status, 204);
    sidecar.end().unwrap();

    let mut again = Setup::new().with("INTROSPECT_JWKS", "http://127.0.0.1:1/jwks.json");
    again = again.with("INTROSPECT_JWKS_COPY", copy.to_str().unwrap());
    let second = again.start();
    assert_eq!(second.ask_with("user", &sidecar.token()).status, 204);
}

#[test]
fn a_killed_key_stays_killed_although_the_copy_still_has_it() {
    let mut setup = Setup::new();
    let issuer = Issuer::start(&setup.mint.jwks());
    let copy = setup.folder.path().join("copy.json");
    setup = setup.with("INTROSPECT_JWKS", issuer.url()).with("INTROSPECT_JWKS_COPY", copy.to_str().unwrap());
    let mut sidecar = setup.start();
    sidecar.log.append(&[record(Kind::Key, sidecar.mint.kid(), Reason::Revoked, 0)]);
    sidecar.wait_for(&sidecar.token(), 401);
    sidecar.end().unwrap();

    // Another log, without the record of the killed key.
    let mut again = Setup::new().with("INTROSPECT_JWKS", "http://127.0.0.1:1/jwks.json");
    again = again.with("INTROSPECT_JWKS_COPY", copy.to_str().unwrap());
    let second = again.start();
    second.ask_with("user", &sidecar.token()).is_unauthorized("token_revoked");
}

#[test]
fn a_changed_file_is_read_again_and_old_keys_go() {
    let sidecar = crate::support::Sidecar::start();
    let next = Mint::new();
    let (old, new) = (sidecar.token(), next.token(&sidecar.claims()));
    sidecar.wait_for(&old, 204);
    assert_eq!(sidecar.ask_with("user", &new).status, 401);
    std::fs::write(sidecar.folder.path().join("jwks.json"), next.jwks()).unwrap();
    sidecar.wait_for(&new, 204);
    sidecar.ask_with("user", &old).is_unauthorized("token_invalid");
}

#[test]
fn bad_answers_of_the_issuer_leave_the_old_keys() {
    let setup = Setup::new();
    let issuer = Issuer::start(&setup.mint.jwks());
    let sidecar = setup.with("INTROSPECT_JWKS", issuer.url()).with("INTROSPECT_JWKS_REFRESH", "1s").start();
    let evil = Issuer::start(&Mint::new().named(sidecar.mint.kid()).jwks());
    for answer in [
        "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{\"keys\":[]}".to_owned(),
        "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n".to_owned(),
        format!("HTTP/1.1 302 Found\r\nLocation: {}\r\nContent-Length: 0\r\n\r\n", evil.url()),
        format!("HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n{}", " ".repeat(300_000)),
    ] {
        let failed = sidecar.metric("usher_introspect_jwks_fetch_failures_total");
        issuer.answer_with(&answer);
        wait_until("a fetch failed", || {
            sidecar.metric("usher_introspect_jwks_fetch_failures_total") > failed
        });
        assert_eq!(sidecar.ask_with("user", &sidecar.token()).status, 204, "{answer:.60}");
    }
    assert_eq!(evil.asked(), 0);
}

#[test]
fn an_unknown_key_is_fetched_at_most_every_five_seconds() {
    let setup = Setup::new();
    let issuer = Issuer::start(&setup.mint.jwks());
    let sidecar = setup.with("INTROSPECT_JWKS", issuer.url()).start();
    let next = Mint::new();
    issuer.publish(&forge::jwks(&[&sidecar.mint, &next]));
    let new = next.token(&sidecar.claims());
    for _ in 0..100 {
        assert_eq!(sidecar.ask_with("user", &Mint::new().token(&sidecar.claims())).status, 401);
    }
    assert_eq!(issuer.asked(), 1);
    sidecar.wait_for(&new, 204);
    assert_eq!(issuer.asked(), 2);
}

/// A point of small order: with it as the key, the same signature is valid for every token.
fn forgeable(kid: &str) -> Value {
    let zeros = "A".repeat(43);
    json!({ "kty": "OKP", "crv": "Ed25519", "kid": kid, "x": zeros })
}

#[test]
fn an_odd_key_costs_that_key_alone_and_is_counted() {
    let setup = Setup::new();
    let issuer = Issuer::start(&setup.mint.jwks());
    let sidecar = setup.with("INTROSPECT_JWKS", issuer.url()).with("INTROSPECT_JWKS_REFRESH", "1s").start();
    assert_eq!(sidecar.metric("usher_introspect_jwks_keys_refused_total"), 0);
    let next = Mint::new();
    let mut odd = Mint::new().jwk();
    odd["kid"] = json!(5);
    issuer.publish(&json!({ "keys": [odd, forgeable("evil"), next.jwk()] }).to_string());
    let token = next.token(&sidecar.claims());
    sidecar.wait_for(&token, 204);
    assert_eq!(sidecar.metric("usher_introspect_jwks_keys_refused_total"), 2);
    let mut header = next.header();
    header["kid"] = json!("evil");
    // R is the neutral element and S is zero.
    let signature = format!("AQ{}", "A".repeat(84));
    let forged = next.token_with_header(&header, &sidecar.claims());
    let forged = format!("{}.{signature}", forged.rsplit_once('.').unwrap().0);
    sidecar.ask_with("user", &forged).is_unauthorized("token_invalid");
    // The same document is not counted again.
    let fetched = issuer.asked();
    wait_until("it is fetched again", || issuer.asked() > fetched + 1);
    assert_eq!(sidecar.metric("usher_introspect_jwks_keys_refused_total"), 2);
}

#[test]
fn a_set_without_a_usable_key_does_not_make_the_sidecar_ready() {
    let setup = Setup::new();
    setup.log.begin(1, &[]);
    let jwks = setup.folder.path().join("jwks.json");
    // A key of another algorithm than the profile has cannot verify a token either.
    let unusable = json!({ "keys": [forgeable("evil"), Mint::rsa().jwk(), Mint::p256().jwk()] }).to_string();
    std::fs::write(&jwks, unusable).unwrap();
    let sidecar = setup.start_cold();
    wait_until("the set is refused", || sidecar.metric("usher_introspect_jwks_fetch_failures_total") > 1);
    wait_until("the log is read", || sidecar.metric("usher_introspect_feed_epoch") == 1);
    let answer = sidecar.operations("/health/ready");
    assert!(answer.status == 503 && answer.body.contains("\"keys\""), "{answer:?}");
    sidecar.ask_with("user", &sidecar.token()).is_undecided();
    std::fs::write(&jwks, sidecar.mint.jwks()).unwrap();
    sidecar.wait_ready();
}

#[test]
fn anything_but_a_small_regular_file_is_refused_and_stops_nothing() {
    let replacements: [fn(&std::path::Path); 4] = [
        |path| mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap(),
        |path| std::fs::create_dir(path).unwrap(),
        |path| std::os::unix::fs::symlink("/dev/zero", path).unwrap(),
        |path| std::fs::File::create(path).unwrap().set_len(50 << 20).unwrap(),
    ];
    let sidecar = crate::support::Sidecar::start();
    let jwks = sidecar.folder.path().join("jwks.json");
    for replace in replacements {
        let old = sidecar.folder.path().join("old");
        std::fs::rename(&jwks, &old).unwrap();
        replace(&jwks);
        let failed = sidecar.metric("usher_introspect_jwks_fetch_failures_total");
        wait_until("the file is refused", || {
            sidecar.metric("usher_introspect_jwks_fetch_failures_total") > failed
        });
        // The feed goes on, and the old keys are still in use.
        let claims = sidecar.claims();
        let token = sidecar.mint.token(&claims);
        sidecar.wait_for(&token, 204);
        sidecar.log.append(&[record(Kind::Token, claims["jti"].as_str().unwrap(), Reason::Revoked, 0)]);
        sidecar.wait_for(&token, 401);
        if jwks.is_dir() {
            std::fs::remove_dir(&jwks).unwrap();
        }
        std::fs::rename(&old, &jwks).unwrap();
    }
}
