//! What a location can require.

use serde_json::json;

use crate::support::Sidecar;

#[test]
fn without_a_policy_every_request_is_refused() {
    let sidecar = Sidecar::start();
    let token = format!("Bearer {}", sidecar.token());
    let mut client = sidecar.connect();
    client.ask(&[("Authorization", &token)]).is_forbidden();
    client.ask(&[("Authorization", &token), ("X-Auth-Policy", "")]).is_forbidden();
    client
        .ask(&[("Authorization", &token), ("X-Auth-Policy", "user"), ("X-Auth-Policy", "user")])
        .is_forbidden();
    assert_eq!(
        sidecar.metric("usher_introspect_decisions_total{code=\"forbidden\",reason=\"policy_missing\"}"),
        3
    );
}

#[test]
fn a_malformed_policy_refuses_every_request() {
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
        "user;stale=301s",
        "user;fresh=2s",
        "user;stale=300s;fresh=1s",
    ];
    for policy in bad {
        sidecar.ask_with(policy, &token).is_forbidden();
    }
    let name = "usher_introspect_decisions_total{code=\"forbidden\",reason=\"policy_malformed\"}";
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
fn a_permission_that_no_role_grants_is_insufficient() {
    let sidecar = Sidecar::start();
    let token = sidecar.token();
    assert_eq!(sidecar.ask_with("user;permission=films:watch", &token).status, 204);
    assert_eq!(sidecar.ask_with("user;role=subscriber;permission=films:watch", &token).status, 204);
    sidecar.ask_with("user;permission=films:download", &token).is_insufficient();
    sidecar.ask_with("user;role=vip;permission=films:watch", &token).is_insufficient();
    sidecar.ask_with("user;role=subscriber;permission=films:download", &token).is_insufficient();
    let missing = |what: &str| {
        format!("usher_introspect_decisions_total{{code=\"insufficient_scope\",reason=\"{what}_missing\"}}")
    };
    assert_eq!((sidecar.metric(&missing("permission")), sidecar.metric(&missing("role"))), (2, 1));
}

#[test]
fn the_audience_is_judged_for_each_location_apart() {
    let sidecar = Sidecar::start();
    let mut claims = sidecar.claims();
    claims["aud"] = json!("partner");
    let (ours, partners) = (sidecar.token(), sidecar.mint.token(&claims));
    assert_eq!(sidecar.ask_with("user", &ours).status, 204);
    assert_eq!(sidecar.ask_with("user;aud=partner", &partners).status, 204);
    sidecar.ask_with("user;aud=partner", &ours).is_unauthorized("token_invalid");
    sidecar.ask_with("user", &partners).is_unauthorized("token_invalid");
}

#[test]
fn anonymous_requests_are_allowed_where_the_policy_says_so() {
    let sidecar = Sidecar::start();
    sidecar.ask("anonymous", &[]).is_allowed_anonymously();
    let claims = sidecar.claims();
    let token = sidecar.mint.token(&claims);
    sidecar.ask_with("anonymous", &token).is_allowed_as(claims["sub"].as_str().unwrap());
}

#[test]
fn an_invalid_bearer_is_refused_even_where_anonymous_requests_are_allowed() {
    let sidecar = Sidecar::start();
    sidecar.ask_with("anonymous", "a.b.c").is_unauthorized("token_invalid");
    let token = sidecar.token();
    sidecar.clock.advance(1000);
    sidecar.ask_with("anonymous;cookie=allow", &token).is_unauthorized("token_expired");
}

#[test]
fn an_invalid_cookie_counts_as_none_where_anonymous_requests_are_allowed() {
    let sidecar = Sidecar::start();
    let cookie = format!("__Host-access={}", sidecar.token());
    sidecar.clock.advance(1000);
    for cookie in [&*cookie, "__Host-access=a.b.c", "__Host-access=a b", "__Host-access="] {
        sidecar.ask("anonymous;cookie=allow", &[("Cookie", cookie)]).is_allowed_anonymously();
        assert_eq!(sidecar.ask("user;cookie=allow", &[("Cookie", cookie)]).status, 401);
    }
}
