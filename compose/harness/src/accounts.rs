//! The first steps of most tests, over admin's API: a user registers, signs in and refreshes.

use serde_json::json;

use crate::http::{Client, Reply};

/// A password that is accepted.
pub const PASSWORD: &str = "correct horse battery staple";

/// The answer to a sign-in or a refresh.
#[derive(Debug, Clone)]
pub struct Pair {
    /// The access token.
    pub access: String,
    /// The refresh token.
    pub refresh: String,
    /// The session's identifier.
    pub session: String,
    /// The device token.
    pub device: String,
}

impl Client {
    /// Registers `email` with [`PASSWORD`].
    pub async fn register(&self, email: &str) -> Reply {
        let body = json!({ "email": email, "password": PASSWORD });
        self.post("/api/v1/auth/register").json(&body).send().await
    }

    /// Signs `email` in with [`PASSWORD`], which must succeed.
    pub async fn sign_in(&self, email: &str) -> Pair {
        let body = json!({ "email": email, "password": PASSWORD });
        self.post("/api/v1/auth/login").json(&body).send().await.pair()
    }

    /// Registers and signs in.
    pub async fn new_user(&self, email: &str) -> Pair {
        self.register(email).await.expect(201);
        self.sign_in(email).await
    }

    /// Sends a refresh token.
    pub async fn refresh(&self, token: &str) -> Reply {
        self.post("/api/v1/auth/refresh").json(&json!({ "refresh_token": token })).send().await
    }
}

impl Reply {
    /// Asserts that the answer has a pair of tokens.
    #[track_caller]
    pub fn pair(self) -> Pair {
        let reply = self.expect(200);
        let text = |name: &str| {
            let value = reply.field(&format!("/{name}"));
            assert!(!value.is_empty(), "no {name}: {}", reply.text);
            value
        };
        Pair {
            access: text("access_token"),
            refresh: text("refresh_token"),
            session: text("session_id"),
            device: text("device_token"),
        }
    }
}
