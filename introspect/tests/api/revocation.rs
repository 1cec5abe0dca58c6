//! A revoked token is refused at once, until the revocation expires.

use std::time::{Duration, Instant};

use forge::Mint;
use serde_json::json;
use shared::revocation::{Kind, Reason};

use crate::support::log::record;
use crate::support::{Setup, Sidecar};

#[test]
fn each_kind_refuses_what_it_names_and_nothing_else() {
    let sidecar = Sidecar::start();
    let other = sidecar.token();
    for (kind, claim) in [(Kind::Token, "jti"), (Kind::Session, "sid"), (Kind::User, "sub")] {
        let claims = sidecar.claims();
        let token = sidecar.mint.token(&claims);
        sidecar.wait_for(&token, 204);
        let name = claims[claim].as_str().unwrap();
        sidecar.log.append(&[record(kind, name, Reason::Revoked, 2)]);
        sidecar.wait_for(&token, 401);
        sidecar.ask_with("user", &token).is_unauthorized("token_revoked");
        assert_eq!(sidecar.ask_with("user", &other).status, 204);
    }
}

#[test]
fn a_token_of_the_new_generation_is_valid_where_the_old_one_is_not() {
    let sidecar = Sidecar::start();
    let mut claims = sidecar.claims();
    let old = sidecar.mint.token(&claims);
    claims["gen"] = json!(2);
    let new = sidecar.mint.token(&claims);
    sidecar.log.append(&[record(Kind::User, claims["sub"].as_str().unwrap(), Reason::RefreshNeeded, 2)]);
    sidecar.wait_for(&old, 401);
    sidecar.ask_with("user", &old).is_unauthorized("token_refresh_needed");
    assert_eq!(sidecar.ask_with("user", &new).status, 204);
    sidecar.log.append(&[record(Kind::User, claims["sub"].as_str().unwrap(), Reason::Revoked, 3)]);
    sidecar.wait_for(&new, 401);
    sidecar.ask_with("user", &old).is_unauthorized("token_revoked");
}

#[test]
fn everything_refuses_every_token_of_an_earlier_generation() {
    let sidecar = Sidecar::start();
    let (old, mut claims) = (sidecar.token(), sidecar.claims());
    claims["ggen"] = json!(2);
    let new = sidecar.mint.token(&claims);
    sidecar.log.append(&[record(Kind::Everything, "", Reason::Revoked, 2)]);
    sidecar.wait_for(&old, 401);
    assert_eq!(sidecar.ask_with("user", &new).status, 204);
}

#[test]
fn the_tokens_of_a_killed_key_are_refused() {
    let setup = Setup::new();
    let other = Mint::new();
    std::fs::write(setup.folder.path().join("jwks.json"), forge::jwks(&[&setup.mint, &other])).unwrap();
    let sidecar = setup.start();
    let (dead, alive) = (sidecar.token(), other.token(&sidecar.claims()));
    sidecar.wait_for(&dead, 204);
    sidecar.log.append(&[record(Kind::Key, sidecar.mint.kid(), Reason::Revoked, 0)]);
    sidecar.wait_for(&dead, 401);
    assert_eq!(sidecar.ask_with("user", &sidecar.token()).status, 401);
    assert_eq!(sidecar.ask_with("user", &alive).status, 204);
}

#[test]
fn a_foreign_user_is_revoked_by_issue_time() {
    let sidecar =
        Setup::new().with("INTROSPECT_PROFILE", "foreign").with("INTROSPECT_FOREIGN_TYPE", "any").start();
    let now = sidecar.clock.now();
    let issued_at = |iat| {
        let claims = json!({ "iss": crate::support::ISSUER, "aud": "cinema", "sub": "alice", "iat": iat, "exp": iat + 300 });
        sidecar.mint.token(&claims)
    };
    let (old, new) = (issued_at(now - 10), issued_at(now));
    sidecar.log.append(&[record(Kind::User, "alice", Reason::Revoked, now)]);
    sidecar.wait_for(&old, 401);
    assert_eq!(sidecar.ask_with("user", &new).status, 204);
}

#[test]
fn a_published_record_counts_before_the_log_is_read() {
    let sidecar = Sidecar::start();
    let claims = sidecar.claims();
    let token = sidecar.mint.token(&claims);
    sidecar.log.publish(&record(Kind::Token, claims["jti"].as_str().unwrap(), Reason::Revoked, 0).encode());
    sidecar.wait_for(&token, 401);
}

#[test]
fn a_record_whose_wake_was_lost_is_read_by_the_tick() {
    let sidecar = Sidecar::start();
    let claims = sidecar.claims();
    let token = sidecar.mint.token(&claims);
    sidecar.wait_for(&token, 204);
    sidecar.log.append_silently(&[record(Kind::Token, claims["jti"].as_str().unwrap(), Reason::Revoked, 0)]);
    let start = Instant::now();
    sidecar.wait_for(&token, 401);
    assert!(start.elapsed() < Duration::from_secs(2));
}

#[test]
fn revocations_from_before_the_start_apply_to_the_first_request() {
    let setup = Setup::new();
    let claims = forge::claims(crate::support::ISSUER, setup.clock.now());
    let mut records = vec![record(Kind::Session, claims["sid"].as_str().unwrap(), Reason::Revoked, 0)];
    records.extend((0..5000).map(|number| record(Kind::Token, &number.to_string(), Reason::Revoked, 0)));
    setup.log.begin(7, &records);
    let sidecar = setup.start();
    sidecar.ask_with("user", &sidecar.mint.token(&claims)).is_unauthorized("token_revoked");
    assert_eq!(sidecar.metric("usher_introspect_revocations_held"), 5001);
    assert_eq!(sidecar.metric("usher_introspect_feed_epoch"), 7);
    assert_eq!(sidecar.metric("usher_introspect_feed_sequence"), 5001);
}
