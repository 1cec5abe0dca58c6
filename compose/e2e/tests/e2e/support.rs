//! Shared by several end-to-end tests.

use std::time::Duration;

use forge::Mint;
use harness::assembly::{AUDIENCE, ISSUER};
use harness::nginx::{Machine, Nginx};
use harness::{Folder, Introspect, Origin, Redis, introspect};
use serde_json::Value;

/// How long a condition may take to become true.
pub(crate) const LIMIT: Duration = Duration::from_secs(10);

/// A revocation log without any record, which names the first version of the role map [`ROLES`].
const EMPTY_LOG: &str = "HSET usher:{rev}:meta epoch 1 seq 0 floor 0 roles 1";

/// A role map: subscribers watch, collectors download too, critics do neither.
const ROLES: &str = r#"SET usher:{rev}:roles '{"format":1,"epoch":1,"version":1,"roles":[
{"name":"collector","permissions":["films:download"],"inherits":["subscriber"]},
{"name":"critic","permissions":[],"inherits":[]},
{"name":"subscriber","permissions":["films:watch"],"inherits":[]}]}'"#;

/// The cinema behind sidecars that trust a key of the test; without admin.
///
/// Fields are dropped in this order.
pub(crate) struct Cinema {
    pub(crate) nginx: Nginx,
    pub(crate) sidecars: Vec<Introspect>,
    pub(crate) mint: Mint,
    pub(crate) redis: Redis,
    _origin: Origin,
    _folder: Folder,
}

impl Cinema {
    pub(crate) async fn start() -> Self {
        Self::with_sidecars(1).await
    }

    pub(crate) async fn with_sidecars(count: usize) -> Self {
        let mut cinema = Self::cold(count, true).await;
        for sidecar in &mut cinema.sidecars {
            sidecar.ready().await.unwrap();
        }
        cinema
    }

    /// Does not wait until the sidecars are ready: without a log they never are.
    pub(crate) async fn cold(count: usize, log: bool) -> Self {
        let folder = Folder::temporary().unwrap();
        let mint = Mint::new();
        let jwks = folder.write("jwks.json", &mint.jwks()).unwrap();
        let redis = Redis::start().await.unwrap();
        if log {
            redis.command(&ROLES.replace('\n', "")).unwrap();
            redis.command(EMPTY_LOG).unwrap();
        }
        let settings = introspect::IntrospectSettings {
            redis: redis.url(),
            jwks: format!("file:{}", jwks.display()),
            issuer: ISSUER.to_owned(),
            audience: AUDIENCE.to_owned(),
            env: Vec::new(),
            socket: None,
            ops_port: 0,
            ledger: None,
        };
        let sidecars: Vec<_> = (0..count)
            .map(|_| Introspect::start_cold(&settings, Folder::temporary().unwrap()).unwrap())
            .collect();
        let origin = Origin::start(&folder, None).await.unwrap();
        let machine = Machine {
            introspect: sidecars.iter().map(Introspect::address).collect(),
            admin: vec![format!("127.0.0.1:{}", harness::ports::free().unwrap())],
            origin: vec![origin.address()],
            ..Machine::default()
        };
        let nginx = Nginx::start(&machine).await.unwrap();
        Self { nginx, sidecars, mint, redis, _origin: origin, _folder: folder }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.nginx.url())
    }

    /// A valid token with some claims changed.
    pub(crate) fn token(&self, change: impl FnOnce(&mut Value)) -> String {
        self.mint.token(&claims(change))
    }
}

/// Valid claims with some changed.
pub(crate) fn claims(change: impl FnOnce(&mut Value)) -> Value {
    let mut claims = forge::claims(ISSUER, now());
    change(&mut claims);
    claims
}

/// Seconds since the Unix epoch, as the programs under test see them.
pub(crate) fn now() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "the programs under test read the machine's clock too")]
    let now = std::time::SystemTime::now();
    now.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
}

/// The value of a counter on a metrics page; 0 when it is absent.
pub(crate) fn counter(page: &str, name: &str) -> u64 {
    let line = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.and_then(|value| value.trim().parse().ok()).unwrap_or_default()
}
