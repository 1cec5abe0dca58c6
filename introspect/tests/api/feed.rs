//! Redis that loses, forgets or repeats data, and a network that fails.

use serde_json::Value;
use shared::revocation::{Kind, Reason};

use crate::support::log::record;
use crate::support::{Issuer, POISON, Proxy, Setup, Sidecar, redis_url, wait_until};

/// The token of a user who has been signed out.
fn signed_out(sidecar: &Sidecar) -> String {
    let claims = sidecar.claims();
    let token = sidecar.mint.token(&claims);
    sidecar.log.append(&[signs_out(&claims)]);
    sidecar.wait_for(&token, 401);
    token
}

fn signs_out(claims: &Value) -> shared::revocation::Record {
    record(Kind::Session, claims["sid"].as_str().unwrap(), Reason::Revoked, 0)
}

fn anomalies(sidecar: &Sidecar, kind: &str) -> u64 {
    sidecar.metric(&format!("usher_introspect_feed_anomalies_total{{kind=\"{kind}\"}}"))
}

#[test]
fn a_new_epoch_is_read_from_its_start_and_removes_nothing() {
    let sidecar = Sidecar::start();
    let old = signed_out(&sidecar);
    let claims = sidecar.claims();
    let new = sidecar.mint.token(&claims);
    sidecar.log.begin(2, &[signs_out(&claims)]);
    sidecar.wait_for(&new, 401);
    assert_eq!(sidecar.ask_with("user", &old).status, 401);
    wait_until("the epoch is read", || sidecar.metric("usher_introspect_feed_epoch") == 2);
    signed_out(&sidecar);
}

#[test]
fn a_wiped_redis_does_not_remove_revocations() {
    let sidecar = Sidecar::start();
    let (gone, here) = (signed_out(&sidecar), sidecar.token());
    sidecar.log.wipe();
    wait_until("the sidecar notices the loss", || anomalies(&sidecar, "no_epoch") > 0);
    assert_eq!(sidecar.ask_with("user", &gone).status, 401);
    assert_eq!(sidecar.ask_with("user", &here).status, 204);
    assert_eq!(sidecar.operations("/health/ready").status, 200);
    sidecar.log.begin(2, &[]);
    signed_out(&sidecar);
    assert_eq!(sidecar.ask_with("user", &gone).status, 401);
}

#[test]
fn an_earlier_epoch_is_applied_and_certifies_nothing_until_a_higher_one_comes() {
    let setup = Setup::new();
    setup.log.begin(5, &[]);
    let sidecar = setup.start();
    let (claims, here) = (sidecar.claims(), sidecar.token());
    let gone = sidecar.mint.token(&claims);
    sidecar.log.wipe();
    sidecar.log.begin(4, &[signs_out(&claims)]);
    sidecar.wait_for(&here, 404);
    assert_eq!(anomalies(&sidecar, "lower_epoch"), 1);
    assert_eq!(sidecar.ask_with("user;stale=300s", &here).status, 204);
    wait_until("the new epoch is read", || sidecar.metric("usher_introspect_revocations_held") == 1);
    // The sidecar's own epoch again: it may be another log with the same number.
    sidecar.log.begin(5, &[]);
    wait_until("the epoch is read again", || sidecar.metric("usher_introspect_feed_epoch") == 5);
    assert_eq!(anomalies(&sidecar, "lower_epoch"), 2);
    sidecar.ask_with("user", &here).is_undecided();
    sidecar.log.begin(6, &[]);
    sidecar.wait_for(&here, 204);
    assert_eq!(sidecar.ask_with("user", &gone).status, 401);
    signed_out(&sidecar);
}

#[test]
fn a_shorter_log_is_read_again_from_its_start() {
    let sidecar = Sidecar::start();
    let first = signed_out(&sidecar);
    signed_out(&sidecar);
    sidecar.log.set_meta(1, 1, 0);
    wait_until("the sidecar notices the loss", || anomalies(&sidecar, "regressed") > 0);
    sidecar.log.remove("1-2");
    let claims = sidecar.claims();
    sidecar.log.begin(2, &[signs_out(&claims)]);
    sidecar.wait_for(&sidecar.mint.token(&claims), 401);
    assert_eq!(sidecar.ask_with("user", &first).status, 401);
}

#[test]
fn another_history_under_the_same_epoch_is_read_from_its_start_and_removes_nothing() {
    let sidecar = Sidecar::start();
    let first = signed_out(&sidecar);
    sidecar.log.wipe();
    let claims = sidecar.claims();
    sidecar.log.begin(1, &[signs_out(&claims)]);
    sidecar.wait_for(&sidecar.mint.token(&claims), 401);
    assert!(anomalies(&sidecar, "fork") > 0);
    assert_eq!(sidecar.ask_with("user", &first).status, 401);
}

#[test]
fn after_a_lost_connection_reading_continues_at_the_position() {
    let (proxy, url) = Proxy::before(&redis_url()).unwrap();
    let sidecar = Setup::new().with("REDIS_URL", url).start();
    signed_out(&sidecar);
    for _ in 0..3 {
        wait_until("both connections", || proxy.connections() >= 2);
        proxy.cut();
        signed_out(&sidecar);
    }
    // The last record was not applied from its wake message; the log is read after that.
    let read = || sidecar.metric("usher_introspect_revocations_read_total");
    wait_until("the log is read to its end", || read() >= 4);
    assert_eq!(read(), 4, "nothing is read twice");
    assert!(anomalies(&sidecar, "unreachable") >= 3);
}

#[test]
fn a_revocation_made_while_redis_was_unreachable_applies_when_it_returns() {
    let (proxy, url) = Proxy::before(&redis_url()).unwrap();
    let sidecar = Setup::new().with("REDIS_URL", url).start();
    let claims = sidecar.claims();
    let token = sidecar.mint.token(&claims);
    let gone = signed_out(&sidecar);
    proxy.refuse();
    wait_until("the sidecar notices the loss", || anomalies(&sidecar, "unreachable") > 1);
    sidecar.log.append(&[signs_out(&claims)]);
    assert_eq!(sidecar.ask_with("user", &token).status, 204);
    assert_eq!(sidecar.ask_with("user", &gone).status, 401);
    proxy.restore();
    sidecar.wait_for(&token, 401);
}

#[test]
fn after_redis_hung_the_sidecar_reconnects() {
    let (proxy, url) = Proxy::before(&redis_url()).unwrap();
    let sidecar = Setup::new().with("REDIS_URL", url).start();
    proxy.silence();
    wait_until("the sidecar notices the loss", || anomalies(&sidecar, "unreachable") > 0);
    proxy.restore();
    signed_out(&sidecar);
}

#[test]
fn a_trimmed_log_is_read_from_where_it_begins() {
    let setup = Setup::new();
    let claims = forge::claims(crate::support::ISSUER, setup.clock.now());
    let mut records: Vec<_> =
        (0..10).map(|n| record(Kind::Token, &n.to_string(), Reason::Revoked, 0)).collect();
    records.push(signs_out(&claims));
    setup.log.begin(1, &records);
    setup.log.trim(10);
    let sidecar = setup.start();
    assert_eq!(sidecar.ask_with("user", &sidecar.mint.token(&claims)).status, 401);
    assert_eq!(sidecar.metric("usher_introspect_feed_sequence"), 11);
    assert_eq!(anomalies(&sidecar, "gap"), 0);
    sidecar.log.trim(11);
    signed_out(&sidecar);
}

#[test]
fn a_wake_without_records_only_says_read() {
    let sidecar = Sidecar::start();
    let claims = sidecar.claims();
    sidecar.log.append_raw(vec![signs_out(&claims).encode().to_vec()], Some(b""));
    sidecar.wait_for(&sidecar.mint.token(&claims), 401);
    assert_eq!(anomalies(&sidecar, "undecodable"), 0);
}

#[test]
fn garbage_in_a_wake_hides_no_valid_record_and_allows_no_request() {
    let sidecar = Sidecar::start();
    let claims = sidecar.claims();
    let mut payload = vec![0xff; 32];
    payload.extend(signs_out(&claims).encode());
    payload.extend([1, 2, 3]);
    sidecar.log.publish(&payload);
    sidecar.wait_for(&sidecar.mint.token(&claims), 401);
    assert_eq!(anomalies(&sidecar, "undecodable"), 2);
    assert_eq!(sidecar.ask_with("user", &sidecar.token()).status, 204);
}

#[test]
fn after_a_panic_of_the_feed_nothing_is_decided_until_the_log_is_read() {
    let setup = Setup::new();
    // Fetched rarely, so that only the feed asks for the time.
    let issuer = Issuer::start(&setup.mint.jwks());
    let sidecar = setup.with("INTROSPECT_JWKS", issuer.url()).start();
    let (gone, here) = (signed_out(&sidecar), sidecar.token());
    let now = sidecar.clock.now();
    sidecar.clock.set(POISON);
    wait_until("the sidecar is not ready", || sidecar.operations("/health/ready").status == 503);
    sidecar.clock.set(now);
    sidecar.ask_with("user", &here).is_undecided();
    sidecar.wait_ready();
    assert_eq!(sidecar.ask_with("user", &here).status, 204);
    assert_eq!(sidecar.ask_with("user", &gone).status, 401);
}
