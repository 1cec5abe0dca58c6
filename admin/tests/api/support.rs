//! What every test here uses: its own service, a client, and a way to wait.

#![allow(dead_code, unreachable_pub, reason = "shared by test binaries, each of which uses a part of it")]

mod app;
mod browser;
mod command;
mod database;
mod documented;
mod lines;
mod log;
mod raw;

use std::time::Duration;

use harness::wait::Pauses;
use tokio::time::Instant;
use uuid::Uuid;

pub use app::{ISSUER, TestApp, Vars, prefix, variables};
pub use browser::{
    Browser, CLIENT_SECRET, Cinema, CinemaMail, LONG_LIMITS, PAGE, PUBLIC_URL, SHORT_LIMITS, methods,
};
pub use command::Command;
pub use database::{TestDatabase, connect};
pub use harness::Proxy;
pub use harness::accounts::{PASSWORD, Pair};
pub use harness::http::{Call, Client, Reply};
pub use lines::Lines;
pub use log::{RevocationLog, redis_of};
pub use raw::{answers, until_closed};

/// The longest time that a test waits for anything. Only a failing test waits that long.
pub const LIMIT: Duration = Duration::from_secs(20);

/// An identifier that no other test has.
pub fn new_id() -> Uuid {
    #[expect(clippy::disallowed_methods, reason = "the one place of the tests that makes identifiers")]
    Uuid::now_v7()
}

/// Waits until `condition` returns a value, or fails the test with the text `what`.
pub async fn until<T>(what: &str, mut condition: impl AsyncFnMut() -> Option<T>) -> T {
    let (begun, mut pauses) = (Instant::now(), Pauses::default());
    loop {
        if let Some(value) = condition().await {
            return value;
        }
        assert!(begun.elapsed() < LIMIT, "not in time ({LIMIT:?}): {what}");
        pauses.pause().await;
    }
}

/// The variable with the address of a store for tests.
pub fn store_url(name: &str) -> String {
    let value = runtime::env::Vars::get(&runtime::env::ProcessVars, name).expect("it is UTF-8");
    value.unwrap_or_else(|| {
        panic!("{name} is not set: run `./compose/local services` and source its variables")
    })
}
