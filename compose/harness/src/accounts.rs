//! A client of the service that asserts while it reads.

use std::sync::Once;
use std::time::Duration;

use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};

/// A password that is accepted.
pub const PASSWORD: &str = "correct horse battery staple";

/// A client of one base address. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    base: String,
    http: reqwest::Client,
}

/// A call that is being built.
pub struct Call {
    request: reqwest::RequestBuilder,
}

/// A complete response.
#[derive(Debug)]
pub struct Reply {
    /// Its status.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub text: String,
}

/// The response to a sign-in or a refresh.
#[derive(Debug, Clone)]
pub struct Pair {
    /// The access token.
    pub access: String,
    /// The refresh token.
    pub refresh: String,
    /// The session's identifier.
    pub session: String,
}

impl Client {
    /// A client of `base`, such as `http://127.0.0.1:8001`.
    pub fn new(base: &str) -> Self {
        static PROVIDER: Once = Once::new();
        PROVIDER.call_once(|| {
            let _set_already = rustls::crypto::aws_lc_rs::default_provider().install_default();
        });
        let http = reqwest::Client::builder()
            .timeout(Duration::from_secs(30))
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .expect("a client");
        Self { base: base.to_owned(), http }
    }

    /// The base address.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// A call of any method.
    pub fn call(&self, method: Method, path: &str) -> Call {
        Call { request: self.http.request(method, format!("{}{path}", self.base)) }
    }

    /// A GET.
    pub fn get(&self, path: &str) -> Call {
        self.call(Method::GET, path)
    }

    /// A POST.
    pub fn post(&self, path: &str) -> Call {
        self.call(Method::POST, path)
    }

    /// A PUT.
    pub fn put(&self, path: &str) -> Call {
        self.call(Method::PUT, path)
    }

    /// A PATCH.
    pub fn patch(&self, path: &str) -> Call {
        self.call(Method::PATCH, path)
    }

    /// A DELETE.
    pub fn delete(&self, path: &str) -> Call {
        self.call(Method::DELETE, path)
    }

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

    /// Presents a refresh token.
    pub async fn refresh(&self, token: &str) -> Reply {
        self.post("/api/v1/auth/refresh").json(&json!({ "refresh_token": token })).send().await
    }
}

impl Call {
    /// With a JSON body.
    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        Self { request: self.request.json(body) }
    }

    /// With any body, sent as JSON.
    #[must_use]
    pub fn raw_json(self, body: impl Into<reqwest::Body>) -> Self {
        self.header("content-type", "application/json").body(body)
    }

    /// With any body.
    #[must_use]
    pub fn body(self, body: impl Into<reqwest::Body>) -> Self {
        Self { request: self.request.body(body) }
    }

    /// With an access token.
    #[must_use]
    pub fn bearer(self, token: &str) -> Self {
        Self { request: self.request.bearer_auth(token) }
    }

    /// With a header.
    #[must_use]
    pub fn header(self, name: &str, value: &str) -> Self {
        Self { request: self.request.header(name, value) }
    }

    /// With a header of any bytes.
    #[must_use]
    pub fn header_value(self, name: &str, value: reqwest::header::HeaderValue) -> Self {
        Self { request: self.request.header(name, value) }
    }

    /// Sends it.
    pub async fn send(self) -> Reply {
        self.try_send().await.expect("the service answers")
    }

    /// Sends it to a service that may have stopped.
    pub async fn try_send(self) -> Result<Reply, reqwest::Error> {
        let response = self.request.send().await?;
        Ok(Reply {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            text: response.text().await?,
        })
    }
}

impl Reply {
    /// The JSON body.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }

    /// A header that must be present.
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name).unwrap_or_else(|| panic!("no header {name}: {self:?}"));
        value.to_str().expect("it is visible ASCII")
    }

    /// Asserts the status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    /// Asserts that it is a well-formed problem, and returns its body.
    #[track_caller]
    pub fn problem(self, status: u16, code: &str) -> Value {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.header("content-type"), "application/problem+json", "{self:?}");
        assert_eq!(self.header("cache-control"), "no-store", "{self:?}");
        let body = self.json();
        assert_eq!(body["code"], code, "{self:?}");
        assert_eq!(body["status"], status, "{self:?}");
        assert_eq!(body["request_id"], self.header("x-request-id"), "{self:?}");
        assert_eq!(self.headers.contains_key("www-authenticate"), status == 401, "{self:?}");
        assert_eq!(self.headers.contains_key("retry-after"), [429, 503].contains(&status), "{self:?}");
        body
    }

    /// Asserts that a token pair was returned.
    #[track_caller]
    pub fn pair(self) -> Pair {
        assert_eq!(self.status, 200, "{self:?}");
        let body = self.json();
        let text = |name: &str| body[name].as_str().unwrap_or_else(|| panic!("no {name}: {body}")).to_owned();
        Pair { access: text("access_token"), refresh: text("refresh_token"), session: text("session_id") }
    }
}
