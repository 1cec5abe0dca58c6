//! How often passwords can be guessed, and that no user is kept out.

mod counters;
mod devices;
mod flows;
mod networks;
mod outage;
mod parallel;
mod routes;
mod seen;
mod unlock;

use serde_json::json;

use crate::support::{Call, PASSWORD, Reply, TestApp};

/// An address of a stranger.
const STRANGER: &str = "198.51.100.7";

/// A sign-in from an address.
fn login_from(app: &TestApp, address: &str, email: &str, password: &str) -> Call {
    let body = json!({ "email": email, "password": password });
    app.client.post("/api/v1/auth/login").json(&body).header("x-forwarded-for", address)
}

/// So many wrong passwords for `email` from `address`, each of which is judged.
async fn guess(app: &TestApp, address: &str, email: &str, times: usize) {
    for _ in 0..times {
        let reply = login_from(app, address, email, "not the password").send().await;
        reply.problem(401, "invalid_credentials");
    }
}

/// As if no user had signed in or registered from anywhere within the last 30 days.
pub(crate) async fn forget_networks(app: &TestApp) {
    app.sql().await.batch_execute("delete from auth.known_networks").await.unwrap();
}

/// The right password, refused.
async fn refused(app: &TestApp, address: &str, email: &str) -> Reply {
    let reply = login_from(app, address, email, PASSWORD).send().await;
    reply.clone().problem(429, "too_many_attempts");
    reply
}
