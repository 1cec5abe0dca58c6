//! The decision without sockets: whatever the bytes of a request, only the one valid token that meets the
//! policy is allowed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use forge::{ManualClock, Mint};
use http::{HeaderValue, Method, Request};
use introspect::decide::Decider;
use introspect::freshness::Moment;
use introspect::knowledge::Knowledge;
use introspect::metrics::Metrics;
use introspect::policy_cache::PolicyCache;
use introspect::routes::DecisionHandler;
use introspect::token_cache::TokenCache;
use introspect::verdict::Verdict;
use proptest::prelude::*;
use runtime::metrics::MetricsFormat;
use shared::clock::Clock;
use shared::token::{Algorithm, KeySet, TokenProfile, Verifier};

use crate::support::ISSUER;
use crate::support::log::{ROLES, role_map};

const NOW: u64 = 1_800_000_000;

struct Still(ManualClock);

impl Clock for Still {
    fn unix_seconds(&self) -> u64 {
        self.0.now()
    }
}

fn decider(mint: &Mint) -> Decider {
    let known = Knowledge::new(5);
    known.set_role_map(Some(role_map(ROLES)));
    known.install_keys(KeySet::parse(mint.jwks().as_bytes(), &[Algorithm::EdDsa]).unwrap());
    // Later than the tests end, so that it stays fresh.
    known.certify(Moment { at: Instant::now() + Duration::from_hours(1), wall: NOW });
    Decider {
        verifier: Verifier {
            profile: TokenProfile::Usher,
            issuer: ISSUER.to_owned(),
            leeway: 5,
            max_life: 900,
        },
        audience: "cinema".to_owned(),
        cookie: "access".to_owned(),
        clock: Arc::new(Still(ManualClock::new(NOW))),
        known: Arc::new(known),
        tokens: TokenCache::new(1 << 20),
        policies: PolicyCache::default(),
    }
}

/// Bytes that are valid, nearly valid, or random.
fn near(good: &[&str]) -> impl Strategy<Value = Vec<u8>> + use<> {
    let good: Vec<Vec<u8>> = good.iter().map(|text| text.as_bytes().to_vec()).collect();
    let kept = proptest::sample::select(good);
    let changed =
        (kept.clone(), any::<prop::sample::Index>(), any::<u8>()).prop_map(|(mut bytes, at, byte)| {
            let at = at.index(bytes.len().max(1));
            if let Some(place) = bytes.get_mut(at) {
                *place = byte;
            }
            bytes
        });
    prop_oneof![4 => kept, 4 => changed, 1 => proptest::collection::vec(any::<u8>(), 0..80)]
}

struct Broken;

impl Clock for Broken {
    fn unix_seconds(&self) -> u64 {
        panic!("a test asked for a panic")
    }
}

#[test]
fn a_panic_costs_one_request_and_is_counted() {
    let mint = Mint::new();
    let decider = Arc::new(Decider { clock: Arc::new(Broken), ..decider(&mint) });
    let metrics = Metrics::new(1);
    let decisions = DecisionHandler::of_workers(&decider, false, &metrics.tallies).remove(0);
    let mut request = Request::new(());
    request.headers_mut().insert("x-auth-policy", HeaderValue::from_static("user"));
    assert_eq!(decisions.decide(&request).status(), 401);
    request.headers_mut().insert("authorization", HeaderValue::from_static("Bearer a.b.c"));
    let answer = decisions.decide(&request);
    assert_eq!(answer.status(), 404);
    assert_eq!(answer.headers()["retry-after"], "1");
    assert_eq!(answer.headers()["x-auth-decision"], "dependency_unavailable");
    assert!(
        MetricsFormat::Prometheus.encode(&metrics.registry).unwrap().contains(
            "usher_introspect_decisions_total{code=\"dependency_unavailable\",reason=\"panicked\"} 1"
        )
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn only_a_valid_token_that_meets_the_policy_is_allowed(
        policies in proptest::collection::vec(near(&["user", "user;cookie=allow", "user;role=subscriber", "user;permission=films:watch", "anonymous"]), 0..3),
        schemes in proptest::collection::vec(near(&["Bearer ", "bearer ", "Basic ", ""]), 0..3),
        cookies in proptest::collection::vec(near(&["access=", "a=b; access=", "access=; access="]), 0..3),
        flip in proptest::option::of((any::<prop::sample::Index>(), any::<u8>())),
        method in near(&["GET", "HEAD", "POST"]),
    ) {
        let mint = Mint::from_seed(&[7; 32]);
        let decider = decider(&mint);
        let good = mint.token(&forge::claims(ISSUER, NOW));
        let mut token = good.clone().into_bytes();
        if let Some((at, byte)) = flip {
            let at = at.index(token.len());
            token[at] = byte;
        }
        let mut request = Request::new(());
        let headers = request.headers_mut();
        let mut add = |name: &'static str, value: Vec<u8>| {
            if let Ok(value) = HeaderValue::from_bytes(&value) {
                headers.append(name, value);
            }
        };
        for policy in &policies {
            add("x-auth-policy", policy.clone());
        }
        for scheme in &schemes {
            add("authorization", [scheme, &token[..]].concat());
        }
        for cookie in &cookies {
            add("cookie", [cookie, &token[..]].concat());
        }
        add("x-original-method", method.clone());
        if let Ok(method) = Method::from_bytes(&method) {
            *request.method_mut() = method;
        }
        let count = |name: &str| request.headers().get_all(name).iter().count();
        // Twice, because a cached result of the first decision could change the second.
        for _ in 0..2 {
            match decider.decide(&request).verdict {
                Verdict::Deny { .. } => {}
                Verdict::Allow { whose: None } => {
                    let policy = &request.headers()["x-auth-policy"];
                    prop_assert!(count("x-auth-policy") == 1 && policy.as_bytes().starts_with(b"anonymous"));
                }
                Verdict::Allow { whose: Some(_) } => {
                    prop_assert_eq!(count("x-auth-policy"), 1);
                    prop_assert!(count("authorization") <= 1);
                    prop_assert_eq!(&token[..], good.as_bytes());
                }
            }
        }
    }
}
