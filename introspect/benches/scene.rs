//! Shared by both benchmarks: the filled parts of a sidecar, and a request as nginx sends it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use forge::Mint;
use http::{HeaderValue, Request};
use introspect::decide::Decider;
use introspect::freshness::Moment;
use introspect::knowledge::Knowledge;
use introspect::policy_cache::PolicyCache;
use introspect::token_cache::TokenCache;
use shared::clock::{Clock, SystemClock};
use shared::revocation::{Kind, Reason, Record, RecordKey, Until};
use shared::role_map::{Role, RoleMap};
use shared::token::{Algorithm, KeySet, TokenProfile, Verifier};

const ISSUER: &str = "https://cinema.example";

/// The policy of a location that requires a role.
pub const BY_ROLE: &str = "user;role=subscriber";
/// The policy of a location that requires a permission.
pub const BY_PERMISSION: &str = "user;permission=films:watch";

/// Stands still, so that the certificate stays fresh.
struct Still(u64);

impl Clock for Still {
    fn unix_seconds(&self) -> u64 {
        self.0
    }
}

/// A decider with this many revocations, in which a subscriber has this many permissions, and the keys that
/// sign its tokens.
pub fn decider(revocations: u64, permissions: u64) -> (Decider, Mint) {
    let mint = Mint::from_seed(&[7; 32]);
    let known = Knowledge::new(5);
    known.set_role_map(Some(roles(permissions)));
    let set = KeySet::parse(mint.jwks().as_bytes(), &[Algorithm::EdDsa]);
    known.install_keys(set.expect("a valid key set"));
    let now = SystemClock.unix_seconds();
    // So late that it stays fresh while the benchmark runs.
    known.certify(Moment { at: Instant::now() + Duration::from_hours(1), wall: now });
    known.revoked.purge(now);
    for number in 0..revocations {
        let kind = [Kind::Token, Kind::Session, Kind::User].into_iter().nth(number as usize % 3);
        known.revoked.apply(&Record {
            kind: kind.unwrap_or(Kind::Token),
            reason: Reason::Revoked,
            until: Until::at(now + 1000),
            key: RecordKey::from_bytes(u128::from(number).to_be_bytes()),
            argument: 1,
        });
    }
    let decider = Decider {
        verifier: Verifier {
            profile: TokenProfile::Usher,
            issuer: ISSUER.to_owned(),
            leeway: 5,
            max_life: 900,
        },
        audience: "cinema".to_owned(),
        cookie: "__Host-access".to_owned(),
        clock: Arc::new(Still(now)),
        known: Arc::new(known),
        tokens: TokenCache::new(8 << 30),
        policies: PolicyCache::default(),
    };
    (decider, mint)
}

/// A few roles, as a cinema has. The permission that a subscriber needs to watch comes last in the list.
fn roles(permissions: u64) -> RoleMap {
    let others = (1..permissions).map(|number| format!("area-{number}:read"));
    let subscriber: Vec<_> = others.chain(["films:watch".to_owned()]).collect();
    let known = [
        ("curator", vec!["films:*".to_owned()]),
        ("operator", vec!["*".to_owned()]),
        ("subscriber", subscriber),
    ];
    let role = |(name, permissions): (&str, Vec<String>)| {
        let pattern = |text: String| text.parse().expect("a valid pattern");
        let permissions = permissions.into_iter().map(pattern).collect();
        (name.parse().expect("a valid name"), Role { permissions, ..Role::default() })
    };
    known.into_iter().map(role).collect()
}

/// A valid token of a new user.
pub fn token(mint: &Mint) -> String {
    mint.token(&forge::claims(ISSUER, SystemClock.unix_seconds()))
}

/// The subrequest of nginx when a browser wants to watch.
pub fn request(token: &str, policy: &str) -> Request<()> {
    let mut request = Request::new(());
    let headers = request.headers_mut();
    let mut add = |name: &'static str, value: &str| {
        headers.append(name, HeaderValue::from_str(value).expect("a valid value"));
    };
    add("host", "introspect");
    add("x-auth-policy", policy);
    add("x-original-method", "GET");
    add("x-request-id", "444535f9378a3dfa1b8604bc9e05a303");
    add("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0");
    add("accept", "*/*");
    add("authorization", &format!("Bearer {token}"));
    request
}
