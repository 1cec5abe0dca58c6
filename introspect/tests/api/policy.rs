//! What a location demands.

use serde_json::json;

use crate::support::Sidecar;

#[test]
fn without_a_policy_nobody_is_let_through() {
    let sidecar = Sidecar::start();
    let token = format!("Bearer {}", sidecar.token());
    let mut client = sidecar.connect();
    client.ask(&[("Authorization", &token)]).is_forbidden();
    client.ask(&[("Authorization", &token), ("X-Auth-Policy", "")]).is_forbidden();
    client
        .ask(&[("Authorization", &token), ("X-Auth-Policy", "user"), ("X-Auth-Policy", "user")])
        .is_forbidden();
    assert_eq!(
        sidecar.metric("usher_introspect_decisions_total{outcome=\"denied\",reason=\"policy_missing\"}"),
        3
    );
}

#[test]
fn a_policy_that_is_not_understood_lets_nobody_through() {
    let sidecar = Sidecar::start();
    let token = sidecar.token();
    let bad = [
        "admin",
        "user;",
        "user;role=",
        "user;rolle=admin",
        "user;role=a;role=b",
        "anonymous;role=a",
        "user role=a",
    ];
    for policy in bad {
        sidecar.ask_with(policy, &token).is_forbidden();
    }
    let name = "usher_introspect_decisions_total{outcome=\"denied\",reason=\"policy_malformed\"}";
    assert_eq!(sidecar.metric(name), bad.len() as u64);
}

#[test]
fn one_of_the_roles_is_enough_and_none_is_not() {
    let sidecar = Sidecar::start();
    let token = sidecar.token();
    assert_eq!(sidecar.ask_with("user;role=subscriber", &token).status, 204);
    assert_eq!(sidecar.ask_with("user;role=admin,subscriber", &token).status, 204);
    sidecar.ask_with("user;role=admin", &token).is_insufficient();
    sidecar.ask_with("user;role=sub", &token).is_insufficient();
}

#[test]
fn a_permission_that_no_role_gives_is_insufficient() {
    let sidecar = Sidecar::start();
    let token = sidecar.token();
    assert_eq!(sidecar.ask_with("user;permission=films:watch", &token).status, 204);
    assert_eq!(sidecar.ask_with("user;role=subscriber;permission=films:watch", &token).status, 204);
    sidecar.ask_with("user;permission=films:download", &token).is_insufficient();
    sidecar.ask_with("user;role=vip;permission=films:watch", &token).is_insufficient();
    sidecar.ask_with("user;role=subscriber;permission=films:download", &token).is_insufficient();
    let missing = |what: &str| {
        format!("usher_introspect_decisions_total{{outcome=\"denied\",reason=\"{what}_missing\"}}")
    };
    assert_eq!((sidecar.metric(&missing("permission")), sidecar.metric(&missing("role"))), (2, 1));
}

#[test]
fn stale_and_fresh_are_read_and_change_nothing_yet() {
    let sidecar = Sidecar::start();
    let token = sidecar.token();
    for policy in ["user;stale=300s", "user;fresh=2s", "user;fresh=1s;role=subscriber;cookie=allow"] {
        let answer = sidecar.ask_with(policy, &token);
        assert_eq!((answer.status, answer.header("x-auth-freshness")), (204, None), "{policy}");
    }
    sidecar.ask_with("user;fresh=999ms", &token).is_forbidden();
}

#[test]
fn the_audience_is_judged_for_each_location_apart() {
    let sidecar = Sidecar::start();
    let mut claims = sidecar.claims();
    claims["aud"] = json!("partner");
    let (ours, partners) = (sidecar.token(), sidecar.mint.token(&claims));
    assert_eq!(sidecar.ask_with("user", &ours).status, 204);
    assert_eq!(sidecar.ask_with("user;aud=partner", &partners).status, 204);
    sidecar.ask_with("user;aud=partner", &ours).is_unauthorized("not valid");
    sidecar.ask_with("user", &partners).is_unauthorized("not valid");
}

#[test]
fn strangers_are_welcome_where_the_policy_says_so() {
    let sidecar = Sidecar::start();
    sidecar.ask("anonymous", &[]).is_allowed_as_nobody();
    let claims = sidecar.claims();
    let token = sidecar.mint.token(&claims);
    sidecar.ask_with("anonymous", &token).is_allowed_as(claims["sub"].as_str().unwrap());
}

#[test]
fn a_bad_bearer_is_refused_even_where_strangers_are_welcome() {
    let sidecar = Sidecar::start();
    sidecar.ask_with("anonymous", "a.b.c").is_unauthorized("not valid");
    let token = sidecar.token();
    sidecar.clock.advance(1000);
    sidecar.ask_with("anonymous;cookie=allow", &token).is_unauthorized("has expired");
}

#[test]
fn a_cookie_gone_bad_makes_a_stranger_where_strangers_are_welcome() {
    let sidecar = Sidecar::start();
    let cookie = format!("__Host-access={}", sidecar.token());
    sidecar.clock.advance(1000);
    for cookie in [&*cookie, "__Host-access=a.b.c", "__Host-access=a b", "__Host-access="] {
        sidecar.ask("anonymous;cookie=allow", &[("Cookie", cookie)]).is_allowed_as_nobody();
        assert_eq!(sidecar.ask("user;cookie=allow", &[("Cookie", cookie)]).status, 401);
    }
}
