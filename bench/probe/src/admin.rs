//! The requests to admin that the benchmarks need.

use serde_json::{Value, json};

use crate::create_user::create_user;
use crate::failure::ProbeError;

/// A client that connects to admin directly, because the gateway would limit its rate.
#[derive(Debug, Clone)]
pub(crate) struct AdminClient {
    http: reqwest::Client,
    base: String,
}

/// The tokens that a sign-in or a refresh returns.
#[derive(Debug, Clone)]
pub(crate) struct TokenPair {
    pub(crate) access: String,
    pub(crate) refresh: String,
}

impl AdminClient {
    /// A client of the address `base`, such as `http://127.0.0.1:8001`.
    pub(crate) fn new(base: &str) -> Result<Self, ProbeError> {
        let http = reqwest::Client::builder().tcp_nodelay(true).build()?;
        Ok(Self { http, base: base.trim_end_matches('/').to_owned() })
    }

    /// Creates a new user, and returns its e-mail address and password.
    pub(crate) fn create_user() -> Result<(String, String), ProbeError> {
        #[expect(clippy::disallowed_methods, reason = "each run has users of its own")]
        let (id, secret) = (uuid::Uuid::now_v7(), uuid::Uuid::now_v7());
        let email = format!("bench-{}@example.com", id.simple());
        let password = format!("bench {secret}");
        create_user(&email, &password)?;
        Ok((email, password))
    }

    /// Signs in.
    pub(crate) async fn sign_in(&self, email: &str, password: &str) -> Result<TokenPair, ProbeError> {
        let body = json!({ "email": email, "password": password });
        pair(self.post("auth/login", &body).await?).await
    }

    /// Exchanges a refresh token.
    pub(crate) async fn refresh(&self, token: &str) -> Result<TokenPair, ProbeError> {
        pair(self.post("auth/refresh", &json!({ "refresh_token": token })).await?).await
    }

    /// Revokes the session of an access token.
    pub(crate) async fn sign_out(&self, access: &str) -> Result<(), ProbeError> {
        let url = format!("{}/api/v1/auth/logout", self.base);
        let answer = self.http.post(url).bearer_auth(access).send().await?;
        match answer.status().as_u16() {
            204 => Ok(()),
            status => Err(format!("sign-out returned {status} instead of 204").into()),
        }
    }

    /// Sends an operator's request, with a body unless it is `null`. The response must be a success.
    pub(crate) async fn operate(
        &self,
        method: &str,
        path: &str,
        access: &str,
        body: &Value,
    ) -> Result<(), ProbeError> {
        let url = format!("{}/api/v1/{path}", self.base);
        let call = self.http.request(method.parse()?, url).bearer_auth(access);
        let answer = if body.is_null() { call.send().await? } else { call.json(body).send().await? };
        let status = answer.status();
        answer.bytes().await?;
        if status.is_success() { Ok(()) } else { Err(format!("{method} {path} returned {status}").into()) }
    }

    /// The user of an access token.
    pub(crate) async fn user_of(&self, access: &str) -> Result<String, ProbeError> {
        let url = format!("{}/api/v1/me", self.base);
        let me: Value = self.http.get(url).bearer_auth(access).send().await?.json().await?;
        let id = me.get("user_id").and_then(Value::as_str);
        Ok(id.ok_or("the profile has no user_id")?.to_owned())
    }

    async fn post(&self, path: &str, body: &Value) -> Result<reqwest::Response, ProbeError> {
        Ok(self.http.post(format!("{}/api/v1/{path}", self.base)).json(body).send().await?)
    }
}

async fn pair(answer: reqwest::Response) -> Result<TokenPair, ProbeError> {
    let status = answer.status().as_u16();
    let body: Value = answer.json().await?;
    let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
    match (status, text("access_token"), text("refresh_token")) {
        (200, Some(access), Some(refresh)) => Ok(TokenPair { access, refresh }),
        _ => Err(format!(
            "admin returned {status} ({}) instead of two tokens",
            text("code").unwrap_or_default()
        )
        .into()),
    }
}
