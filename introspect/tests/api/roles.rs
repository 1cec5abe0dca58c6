//! The rights of roles: the role map beside the log, its changes, and its faults.

use serde_json::json;

use crate::support::log::{ROLES, role_map};
use crate::support::{Proxy, Setup, Sidecar, redis_url, wait_until};

const WATCH: &str = "user;permission=films:watch";

/// A valid token of a new user with these roles.
fn token_with(sidecar: &Sidecar, roles: &[&str]) -> String {
    let mut claims = sidecar.claims();
    claims["roles"] = json!(roles);
    sidecar.mint.token(&claims)
}

/// Waits until a request with the token gets `status` under `policy`.
#[track_caller]
fn wait_under(sidecar: &Sidecar, policy: &str, token: &str, status: u16) {
    wait_until(&format!("{status} under {policy}"), || sidecar.ask_with(policy, token).status == status);
}

fn anomalies(sidecar: &Sidecar) -> u64 {
    sidecar.metric("usher_introspect_feed_anomalies_total{kind=\"role_map\"}")
}

/// The sidecar allows requests where no role is required, and does not know the users' roles. While it waits for a map
/// nothing is certified, so it may also be stale.
#[track_caller]
fn is_without_a_map(sidecar: &Sidecar) {
    let token = sidecar.token();
    for policy in ["user;role=subscriber;stale=300s", &format!("{WATCH};stale=300s")] {
        wait_under(sidecar, policy, &token, 404);
        sidecar.ask_with(policy, &token).is_undecided();
    }
    let answer = sidecar.ask_with("user;stale=300s", &token);
    assert_eq!((answer.status, answer.header("x-user-roles")), (204, Some("")));
    let health = sidecar.operations("/health/ready");
    assert!(health.status == 503 && health.body.contains("role map"), "{health:?}");
    assert!(
        sidecar.metric(
            "usher_introspect_decisions_total{code=\"dependency_unavailable\",reason=\"role_map_unknown\"}"
        ) > 0
    );
    assert_eq!(sidecar.metric("usher_introspect_role_map_version"), 0);
}

#[test]
fn inherited_roles_and_permissions_count_and_only_own_roles_are_sent() {
    let sidecar = Sidecar::start();
    sidecar.log.publish_roles(2, &[("curator", "films:edit", "viewer"), ("viewer", "films:list", "")]);
    let (curator, viewer) = (token_with(&sidecar, &["curator"]), token_with(&sidecar, &["viewer"]));
    wait_under(&sidecar, "user;permission=films:list", &curator, 204);
    for policy in ["user;role=viewer", "user;role=curator", "user;permission=films:edit"] {
        let answer = sidecar.ask_with(policy, &curator);
        assert_eq!((answer.status, answer.header("x-user-roles")), (204, Some("curator")), "{policy}");
    }
    sidecar.ask_with("user;role=curator", &viewer).is_insufficient();
    sidecar.ask_with("user;permission=films:edit", &viewer).is_insufficient();
}

#[test]
fn a_whole_area_and_everything_are_permissions_too() {
    let sidecar = Sidecar::start();
    sidecar.log.publish_roles(2, &[("films", "films:*", ""), ("all", "*", ""), ("subscriber", "", "")]);
    let (films, all) = (token_with(&sidecar, &["films"]), token_with(&sidecar, &["all"]));
    wait_under(&sidecar, "user;permission=films:anything", &films, 204);
    sidecar.ask_with("user;permission=users:read", &films).is_insufficient();
    assert_eq!(sidecar.ask_with("user;permission=users:read", &all).status, 204);
    sidecar.ask_with("user;role=films", &all).is_insufficient();
}

#[test]
fn a_change_of_a_role_reaches_tokens_that_were_minted_and_seen_before() {
    let sidecar = Sidecar::start();
    let token = token_with(&sidecar, &["subscriber", "vip"]);
    assert_eq!(sidecar.ask_with(WATCH, &token).header("x-user-roles"), Some("subscriber,vip"));
    // The role loses a permission.
    sidecar.log.publish_roles(2, &[("subscriber", "films:list", ""), ("vip", "", "")]);
    wait_under(&sidecar, WATCH, &token, 403);
    assert_eq!(sidecar.ask_with("user;role=subscriber", &token).status, 204);
    // The role is deleted.
    sidecar.log.publish_roles(3, &[("vip", "", "")]);
    wait_under(&sidecar, "user;role=subscriber", &token, 403);
    assert_eq!(sidecar.ask_with("user", &token).header("x-user-roles"), Some("vip"));
    // The role is renamed: the token contains the old name.
    sidecar.log.publish_roles(4, &[("gold", "", "")]);
    wait_under(&sidecar, "user;role=vip", &token, 403);
    sidecar.ask_with("user;role=gold", &token).is_insufficient();
    assert_eq!(sidecar.ask_with("user", &token).header("x-user-roles"), Some(""));
    // The role gets another permission.
    sidecar.log.publish_roles(5, ROLES);
    wait_under(&sidecar, WATCH, &token, 204);
    assert_eq!(sidecar.metric("usher_introspect_role_map_version"), 5);
    assert_eq!(sidecar.metric("usher_introspect_role_map_roles"), 2);
    assert_eq!(anomalies(&sidecar), 0);
}

#[test]
fn a_role_that_is_not_defined_grants_nothing_to_a_valid_token() {
    let sidecar = Sidecar::start();
    let token = token_with(&sidecar, &["ghost"]);
    sidecar.ask_with("user;role=ghost", &token).is_insufficient();
    sidecar.ask_with(WATCH, &token).is_insufficient();
    assert_eq!(sidecar.ask_with("user", &token).header("x-user-roles"), Some(""));
}

#[test]
fn circular_inheritance_is_resolved() {
    let sidecar = Sidecar::start();
    sidecar.log.publish_roles(2, &[("a", "", "b"), ("b", "", "c"), ("c", "films:watch", "a c")]);
    wait_under(&sidecar, WATCH, &token_with(&sidecar, &["b"]), 204);
    assert_eq!(sidecar.ask_with("user;role=a", &token_with(&sidecar, &["b"])).status, 204);
}

#[test]
fn a_missing_invalid_or_other_map_leaves_roles_unknown_until_a_valid_one_is_published() {
    let older = shared::role_map::PublishedRoleMap { epoch: 1, version: 1, map: role_map(ROLES) }.encode();
    let newer = shared::role_map::PublishedRoleMap { epoch: 1, version: 9, map: role_map(ROLES) }.encode();
    let mut version = 1;
    let sidecar = Sidecar::start();
    let wrongs: [(&str, &dyn Fn(u64)); 6] = [
        ("garbage", &|version| sidecar.log.write_roles(b"garbage", version, None)),
        ("of a newer form", &|version| sidecar.log.write_roles(br#"{"format":2}"#, version, None)),
        ("older", &|version| sidecar.log.write_roles(&older, version, None)),
        ("newer than meta permanently", &|version| sidecar.log.write_roles(&newer, version, None)),
        ("missing", &|version| {
            sidecar.log.remove_roles();
            sidecar.log.name_roles(&version.to_string());
        }),
        ("not even text", &|version| {
            sidecar.log.spoil_roles();
            sidecar.log.name_roles(&version.to_string());
        }),
    ];
    for (seen, (what, spoil)) in (1..).zip(wrongs) {
        spoil(version + 1);
        is_without_a_map(&sidecar);
        assert_eq!(anomalies(&sidecar), seen, "once for {what}");
        version += 2;
        sidecar.log.publish_roles(version, ROLES);
        wait_under(&sidecar, WATCH, &sidecar.token(), 204);
        sidecar.wait_ready();
    }
}

#[test]
fn a_meta_without_a_map_leaves_roles_unknown_but_the_log_is_read() {
    for name in [None, Some("x")] {
        let sidecar = Sidecar::start();
        match name {
            None => sidecar.log.unname_roles(),
            Some(name) => sidecar.log.name_roles(name),
        }
        is_without_a_map(&sidecar);
        let claims = sidecar.claims();
        let sid = claims["sid"].as_str().unwrap();
        let record = crate::support::log::record(
            shared::revocation::Kind::Session,
            sid,
            shared::revocation::Reason::Revoked,
            0,
        );
        sidecar.log.append_silently(&[record]);
        sidecar.wait_for(&sidecar.mint.token(&claims), 401);
        assert_eq!(anomalies(&sidecar), 1);
        sidecar.log.name_roles("1");
        sidecar.wait_ready();
    }
}

#[test]
fn a_starting_sidecar_is_not_ready_before_it_has_a_map() {
    let setup = Setup::new();
    setup.log.begin(1, &[]);
    setup.log.remove_roles();
    let sidecar = setup.start_cold();
    sidecar.wait_for(&sidecar.token(), 204);
    is_without_a_map(&sidecar);
    sidecar.log.publish_roles(1, ROLES);
    sidecar.wait_ready();
    assert_eq!(sidecar.ask_with(WATCH, &sidecar.token()).status, 204);
}

#[test]
fn an_older_map_is_not_used() {
    let sidecar = Sidecar::start();
    let token = sidecar.token();
    sidecar.log.publish_roles(7, &[("subscriber", "", "")]);
    wait_under(&sidecar, WATCH, &token, 403);
    sidecar.log.publish_roles(6, ROLES);
    wait_until("the sidecar notices the older map", || anomalies(&sidecar) == 1);
    sidecar.ask_with(WATCH, &token).is_insufficient();
    assert_eq!(sidecar.operations("/health/ready").status, 200);
    sidecar.log.publish_roles(8, ROLES);
    wait_under(&sidecar, WATCH, &token, 204);
}

#[test]
fn a_new_epoch_brings_its_own_map() {
    let sidecar = Sidecar::start();
    let token = sidecar.token();
    sidecar.log.publish_roles(7, &[("subscriber", "", "")]);
    wait_under(&sidecar, WATCH, &token, 403);
    // Its version is lower, as when PostgreSQL was restored, but it is used.
    sidecar.log.begin(2, &[]);
    wait_under(&sidecar, WATCH, &token, 204);
    assert_eq!(sidecar.metric("usher_introspect_role_map_version"), 1);
    assert_eq!(anomalies(&sidecar), 0);
}

#[test]
fn a_new_epoch_that_lacks_its_map_leaves_roles_unknown() {
    let sidecar = Sidecar::start();
    let map = shared::role_map::PublishedRoleMap { epoch: 1, version: 1, map: role_map(ROLES) };
    sidecar.log.write_roles(&map.encode(), 1, Some((2, 0)));
    is_without_a_map(&sidecar);
    sidecar.log.begin(3, &[]);
    sidecar.wait_ready();
}

#[test]
fn the_role_map_is_kept_while_redis_is_empty() {
    let sidecar = Sidecar::start();
    let token = sidecar.token();
    sidecar.log.wipe();
    wait_until("the sidecar notices the loss", || {
        sidecar.metric("usher_introspect_feed_anomalies_total{kind=\"no_epoch\"}") > 0
    });
    assert_eq!(sidecar.ask_with(WATCH, &token).status, 204);
    assert_eq!(sidecar.operations("/health/ready").status, 200);
    sidecar.log.begin(2, &[]);
    sidecar.log.publish_roles(2, &[("subscriber", "", "")]);
    wait_under(&sidecar, WATCH, &token, 403);
}

#[test]
fn the_role_map_is_kept_while_redis_is_unavailable_and_read_again_after() {
    let (proxy, url) = Proxy::before(&redis_url()).unwrap();
    let sidecar = Setup::new().with("REDIS_URL", url).start();
    let token = sidecar.token();
    proxy.refuse();
    wait_until("the sidecar notices the loss", || {
        sidecar.metric("usher_introspect_feed_anomalies_total{kind=\"unreachable\"}") > 1
    });
    assert_eq!(sidecar.ask_with(WATCH, &token).status, 204);
    assert_eq!(sidecar.operations("/health/ready").status, 200);
    // Another Redis, whose `meta` is the same, but whose map differs.
    let map = shared::role_map::PublishedRoleMap { epoch: 1, version: 1, map: role_map(&[]) };
    sidecar.log.write_roles(&map.encode(), 1, None);
    proxy.restore();
    wait_under(&sidecar, WATCH, &token, 403);
}

#[test]
fn a_later_map_that_cannot_be_read_leaves_roles_unknown_whatever_else_redis_answers_or_does_not() {
    for gone in [false, true] {
        let (proxy, url) = Proxy::before(&redis_url()).unwrap();
        let sidecar = Setup::new().with("REDIS_URL", url).start();
        let token = sidecar.token();
        proxy.hold("GETRANGE");
        sidecar.log.publish_roles(2, &[("subscriber", "", "")]);
        wait_until("the proxy holds a read", || proxy.held() >= 1);
        assert_eq!(sidecar.ask_with(WATCH, &token).status, 204);
        if gone {
            proxy.refuse();
        }
        is_without_a_map(&sidecar);
        assert_eq!(anomalies(&sidecar), 1);
        proxy.restore();
        wait_under(&sidecar, WATCH, &token, 403);
        sidecar.wait_ready();
        assert_eq!(anomalies(&sidecar), 1);
    }
}

#[test]
fn the_roles_of_a_foreign_token_count_where_they_are_defined() {
    let setup = Setup::new()
        .with("INTROSPECT_PROFILE", "foreign")
        .with("INTROSPECT_FOREIGN_TYPE", "at+jwt")
        .with("INTROSPECT_FOREIGN_ROLES_CLAIM", "realm_access.roles");
    let sidecar = setup.start();
    let now = sidecar.clock.now();
    let claims = json!({
        "iss": crate::support::ISSUER, "aud": "cinema", "sub": "f:1:anna", "iat": now, "exp": now + 300,
        "realm_access": { "roles": ["subscriber", "offline_access"] },
    });
    let token = sidecar.mint.token(&claims);
    let answer = sidecar.ask_with(WATCH, &token);
    assert_eq!((answer.status, answer.header("x-user-roles")), (204, Some("subscriber")));
    sidecar.ask_with("user;role=offline_access", &token).is_insufficient();
}
