//! When a sidecar is ready, and how it answers before.

use std::sync::atomic::Ordering;

use shared::revocation::{Kind, Reason};

use crate::support::log::record;
use crate::support::{STUCK, Setup, Sidecar, wait_until};

fn not_ready(sidecar: &Sidecar, why: &str) {
    // The keys are read beside the log, and are the reason until then.
    wait_until(why, || {
        let answer = sidecar.operations("/health/ready");
        assert_eq!(answer.status, 503);
        answer.body.contains(why)
    });
    assert_eq!(sidecar.operations("/health/live").status, 200);
}

fn anomaly_seen(sidecar: &Sidecar, kind: &str) {
    let name = format!("usher_introspect_feed_anomalies_total{{kind=\"{kind}\"}}");
    wait_until(kind, || sidecar.metric(&name) > 0);
}

#[test]
fn without_meta_a_starting_sidecar_cannot_decide() {
    let sidecar = Setup::new().start_cold();
    anomaly_seen(&sidecar, "no_epoch");
    not_ready(&sidecar, "revocations");
    sidecar.ask_with("user", &sidecar.token()).is_undecided();
    sidecar.ask_with("anonymous", &sidecar.token()).is_undecided();
    sidecar.log.begin(1, &[]);
    sidecar.wait_ready();
    assert_eq!(sidecar.ask_with("user", &sidecar.token()).status, 204);
}

#[test]
fn anonymous_requests_are_allowed_even_when_nothing_is_known() {
    let sidecar = Setup::new().start_cold();
    sidecar.ask("anonymous", &[]).is_allowed_anonymously();
    let cookie = format!("__Host-access={}", sidecar.token());
    sidecar.ask("anonymous;cookie=allow", &[("Cookie", &cookie)]).is_allowed_anonymously();
    assert_eq!(sidecar.ask("user", &[]).status, 401);
    sidecar.ask("user;x=y", &[]).is_forbidden();
}

#[test]
fn without_redis_a_starting_sidecar_cannot_decide() {
    let sidecar = Setup::new().with("REDIS_URL", "redis://127.0.0.1:1").start_cold();
    anomaly_seen(&sidecar, "unreachable");
    not_ready(&sidecar, "revocations");
    sidecar.ask_with("user", &sidecar.token()).is_undecided();
}

#[test]
fn without_keys_a_starting_sidecar_cannot_decide() {
    let setup = Setup::new();
    setup.log.begin(1, &[]);
    let jwks = setup.folder.path().join("jwks.json");
    std::fs::remove_file(&jwks).unwrap();
    let sidecar = setup.start_cold();
    wait_until("the keys alone are missing", || {
        sidecar.operations("/health/ready").body.contains("keys")
            && sidecar.metric("usher_introspect_feed_epoch") == 1
    });
    sidecar.ask_with("user", &sidecar.token()).is_undecided();
    std::fs::write(&jwks, sidecar.mint.jwks()).unwrap();
    sidecar.wait_ready();
    assert_eq!(sidecar.ask_with("user", &sidecar.token()).status, 204);
}

#[test]
fn a_record_that_is_not_understood_keeps_a_starting_sidecar_from_deciding() {
    let setup = Setup::new();
    let mut unknown = record(Kind::Token, "a", Reason::Revoked, 0).encode().to_vec();
    unknown[1] = 99;
    setup.log.begin_raw(1, &[unknown]);
    let sidecar = setup.start_cold();
    anomaly_seen(&sidecar, "undecodable");
    wait_until("the whole log is read", || sidecar.metric("usher_introspect_feed_sequence") == 1);
    not_ready(&sidecar, "revocations_unread");
    sidecar.log.begin(2, &[]);
    sidecar.wait_ready();
}

#[test]
fn a_log_with_a_hole_keeps_a_starting_sidecar_from_deciding() {
    for hole in ["1-2", "1-3"] {
        let setup = Setup::new();
        let records: Vec<_> =
            (0..3).map(|n| record(Kind::Token, &n.to_string(), Reason::Revoked, 0)).collect();
        setup.log.begin(1, &records);
        setup.log.remove(hole);
        let sidecar = setup.start_cold();
        anomaly_seen(&sidecar, "gap");
        not_ready(&sidecar, "revocations_unread");
        sidecar.log.begin(2, &records);
        sidecar.wait_ready();
    }
}

#[test]
fn a_running_sidecar_that_lost_a_revocation_is_stale_until_a_complete_epoch_was_read() {
    for kind in ["undecodable", "gap"] {
        let sidecar = Sidecar::start();
        let token = sidecar.token();
        assert_eq!(sidecar.ask_with("user", &token).status, 204);
        match kind {
            "gap" => sidecar.log.set_meta(1, 1, 0),
            _ => sidecar.log.append_raw(vec![vec![9; 32]], None),
        }
        sidecar.wait_for(&token, 404);
        anomaly_seen(&sidecar, kind);
        let ready = sidecar.operations("/health/ready");
        assert!(ready.status == 200 && ready.body.contains("\"state\":\"stale\""), "{ready:?}");
        sidecar.ask_with("anonymous", &token).is_undecided();
        sidecar.ask("anonymous", &[]).is_allowed_anonymously();
        // Another epoch that also lacks records changes nothing.
        sidecar.log.begin_raw(2, &[vec![9; 32]]);
        wait_until("the incomplete epoch is read", || sidecar.metric("usher_introspect_feed_epoch") == 2);
        sidecar.ask_with("user", &token).is_undecided();
        sidecar.log.begin(3, &[]);
        sidecar.wait_for(&token, 204);
    }
}

#[test]
fn the_operators_listener_knows_its_paths_alone() {
    let sidecar = Sidecar::start();
    assert_eq!(sidecar.operations("/").status, 404);
    let ready: serde_json::Value = serde_json::from_str(&sidecar.operations("/health/ready").body).unwrap();
    assert_eq!((ready["status"].as_str(), ready["state"].as_str()), (Some("ready"), Some("fresh")));
    assert!(ready["age_seconds"].as_f64().is_some_and(|age| age < 2.0), "{ready}");
    let metrics = sidecar.operations("/metrics");
    assert_eq!(metrics.header("content-type").unwrap(), "text/plain; version=0.0.4; charset=utf-8");
    assert!(metrics.body.contains("\nusher_introspect_build_info{version="), "{}", metrics.body);
}

#[test]
fn the_operators_listener_has_room_for_a_handful_and_the_oldest_gives_way() {
    let sidecar = Sidecar::start();
    let mut held: Vec<_> = (0..64).map(|_| sidecar.connect_operator()).collect();
    assert_eq!(sidecar.connect_operator().get("/health/live").status, 200);
    assert!(held[0].is_closed());
    // The others were not closed for being idle.
    assert_eq!(held[63].get("/health/live").status, 200);
}

#[test]
fn operators_are_answered_while_the_thread_of_the_feed_is_busy() {
    let sidecar = Sidecar::start();
    let (now, claims) = (sidecar.clock.now(), sidecar.claims());
    let token = sidecar.mint.token(&claims);
    sidecar.wait_for(&token, 204);
    // The feed reads the clock each time it reads the log.
    sidecar.clock.set(STUCK);
    wait_until("the feed waits for the clock", || sidecar.waiting.load(Ordering::SeqCst) > 0);
    for path in ["/health/live", "/health/ready", "/metrics", "/log-levels"] {
        assert_eq!(sidecar.operations(path).status, 200, "{path}");
    }
    assert!(sidecar.waiting.load(Ordering::SeqCst) > 0);
    sidecar.clock.set(now);
    sidecar.log.append(&[record(Kind::Token, claims["jti"].as_str().unwrap(), Reason::Revoked, 0)]);
    sidecar.wait_for(&token, 401);
}

#[test]
fn idle_and_slow_operators_do_not_keep_health_waiting() {
    let sidecar = Sidecar::start();
    let mut idle = Vec::new();
    for number in 0..300 {
        let mut client = sidecar.connect_operator();
        match number % 3 {
            0 => client.send(b"GET /health/live HTTP/1.1\r\nHost: a\r\nX: "),
            1 => client.send("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n".repeat(100).as_bytes()),
            _ => {}
        }
        idle.push(client);
    }
    for _ in 0..10 {
        assert_eq!(sidecar.operations("/health/live").status, 200);
        assert_eq!(sidecar.operations("/health/ready").status, 200);
    }
    drop(idle);
}
