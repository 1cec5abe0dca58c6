//! An HTTP client that asserts while it reads. It follows no redirect.

use std::path::Path;
use std::sync::{LazyLock, Once};
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{ClientBuilder, Method, RequestBuilder};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use url::Url;

use crate::Error;

/// How long a call may take.
const LIMIT: Duration = Duration::from_secs(30);

/// A client of one base URL, which keeps its connections open. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Client {
    base: String,
    http: reqwest::Client,
    check: Option<Check>,
}

/// Looks at every answer to a client, and fails the test if it is wrong.
pub type Check = fn(&Method, &Url, &Reply);

/// A request that is being built.
#[derive(Debug)]
pub struct Call {
    request: RequestBuilder,
    check: Option<Check>,
}

/// An answer with its complete body.
#[derive(Debug, Clone)]
pub struct Reply {
    /// Its status.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub text: String,
}

/// `GET url`, on its own connection.
pub fn get(url: &str) -> Call {
    call(Method::GET, url)
}

/// `POST url`, on its own connection.
pub fn post(url: &str) -> Call {
    call(Method::POST, url)
}

/// Any method, on its own connection.
pub fn call(method: Method, url: &str) -> Call {
    static ONCE_EACH: LazyLock<reqwest::Client> =
        LazyLock::new(|| built(builder().pool_max_idle_per_host(0)));
    Call { request: ONCE_EACH.request(method, url).header("connection", "close"), check: None }
}

/// Sends `bytes` unchanged to an `http://` URL, and returns everything until the server closes the connection
/// or sends nothing for 15 seconds. A request should ask the server to close.
///
/// # Errors
///
/// If it cannot connect.
pub async fn raw(url: &str, bytes: &[u8]) -> Result<String, Error> {
    let wrong = |why: String| Error::Http { url: url.to_owned(), why };
    let parsed = Url::parse(url).map_err(|why| wrong(why.to_string()))?;
    let address = (parsed.host_str().unwrap_or_default(), parsed.port_or_known_default().unwrap_or(80));
    let mut stream = TcpStream::connect(address).await.map_err(|why| wrong(why.to_string()))?;
    // A server that refuses the request may close before it has read everything; what it sent is still there.
    let _cut = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let mut part = [0; 4096];
    while let Ok(Ok(length @ 1..)) =
        tokio::time::timeout(Duration::from_secs(15), stream.read(&mut part)).await
    {
        answer.extend(part.iter().take(length));
    }
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

impl Client {
    /// A client of `base`, such as `http://127.0.0.1:8001`.
    pub fn new(base: &str) -> Self {
        Self { base: base.to_owned(), http: built(builder()), check: None }
    }

    /// A client of the program that listens on a Unix socket.
    pub fn over(socket: &Path) -> Self {
        Self { base: "http://socket".to_owned(), http: built(builder().unix_socket(socket)), check: None }
    }

    /// The same, of which every answer is checked.
    #[must_use]
    pub fn checked(self, check: Check) -> Self {
        Self { check: Some(check), ..self }
    }

    /// The base URL.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// A request with any method.
    pub fn call(&self, method: Method, path: &str) -> Call {
        Call { request: self.http.request(method, format!("{}{path}", self.base)), check: self.check }
    }

    /// A GET request.
    pub fn get(&self, path: &str) -> Call {
        self.call(Method::GET, path)
    }

    /// A POST request.
    pub fn post(&self, path: &str) -> Call {
        self.call(Method::POST, path)
    }

    /// A PUT request.
    pub fn put(&self, path: &str) -> Call {
        self.call(Method::PUT, path)
    }

    /// A PATCH request.
    pub fn patch(&self, path: &str) -> Call {
        self.call(Method::PATCH, path)
    }

    /// A DELETE request.
    pub fn delete(&self, path: &str) -> Call {
        self.call(Method::DELETE, path)
    }
}

impl Call {
    /// With a JSON body.
    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        Self { request: self.request.json(body), ..self }
    }

    /// With any body, sent as JSON.
    #[must_use]
    pub fn raw_json(self, body: impl Into<reqwest::Body>) -> Self {
        self.header("content-type", "application/json").body(body)
    }

    /// With any body.
    #[must_use]
    pub fn body(self, body: impl Into<reqwest::Body>) -> Self {
        Self { request: self.request.body(body), ..self }
    }

    /// With an access token.
    #[must_use]
    pub fn bearer(self, token: &str) -> Self {
        Self { request: self.request.bearer_auth(token), ..self }
    }

    /// With a header; several of one name are all sent.
    #[must_use]
    pub fn header(self, name: &str, value: &str) -> Self {
        Self { request: self.request.header(name, value), ..self }
    }

    /// With a header of any bytes.
    #[must_use]
    pub fn header_value(self, name: &str, value: HeaderValue) -> Self {
        Self { request: self.request.header(name, value), ..self }
    }

    /// Sends it to a server that must answer.
    pub async fn send(self) -> Reply {
        let reply = self.try_send().await;
        reply.expect("the server answers, or the test fails here")
    }

    /// Sends it to a server that may be unavailable.
    ///
    /// # Errors
    ///
    /// If there is no HTTP answer within 30 seconds.
    pub async fn try_send(self) -> Result<Reply, Error> {
        let (http, request) = self.request.build_split();
        let request = request?;
        let (method, url) = (request.method().clone(), request.url().clone());
        let response = http.execute(request).await?;
        let reply = Reply {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            text: response.text().await?,
        };
        if let Some(check) = self.check {
            check(&method, &url, &reply);
        }
        Ok(reply)
    }
}

impl Reply {
    /// The body, which must be JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        let body = serde_json::from_str(&self.text);
        assert!(body.is_ok(), "not JSON: {self:?}");
        body.unwrap_or_default()
    }

    /// A text field of the JSON body; empty if it is missing.
    pub fn field(&self, pointer: &str) -> String {
        let body: Value = serde_json::from_str(&self.text).unwrap_or_default();
        body.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    /// The problem's `code`; empty if the body is not a problem.
    pub fn code(&self) -> String {
        let is_problem = self.find_header(CONTENT_TYPE.as_str()) == Some("application/problem+json");
        if is_problem { self.field("/code") } else { String::new() }
    }

    /// A header that must be present.
    #[track_caller]
    pub fn header(&self, name: &str) -> &str {
        let value = self.find_header(name);
        assert!(value.is_some(), "the header {name} is missing or not visible ASCII: {self:?}");
        value.unwrap_or_default()
    }

    /// The first header of this name, if it is text.
    pub fn find_header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// How many headers have this name.
    pub fn header_count(&self, name: &str) -> usize {
        self.headers.get_all(name).iter().count()
    }

    /// Asserts the status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    /// Asserts that it is a complete problem document, and returns its body.
    #[track_caller]
    pub fn problem(self, status: u16, code: &str) -> Value {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.header("content-type"), "application/problem+json", "{self:?}");
        assert_eq!(self.header("cache-control"), "no-store", "{self:?}");
        let body = self.json();
        let field = |name: &str| body.get(name).cloned().unwrap_or_default();
        assert_eq!(field("code"), code, "{self:?}");
        assert_eq!(field("status"), status, "{self:?}");
        assert_eq!(field("request_id"), self.header("x-request-id"), "{self:?}");
        assert_eq!(self.headers.contains_key("www-authenticate"), status == 401, "{self:?}");
        assert_eq!(self.headers.contains_key("retry-after"), [429, 503].contains(&status), "{self:?}");
        body
    }
}

impl From<reqwest::Error> for Error {
    fn from(error: reqwest::Error) -> Self {
        let url = error.url().map(ToString::to_string).unwrap_or_default();
        // The error itself says only that the request failed; its sources say why.
        let mut why = error.to_string();
        let mut source = std::error::Error::source(&error);
        while let Some(reason) = source {
            why = format!("{why}: {reason}");
            source = reason.source();
        }
        Self::Http { url, why }
    }
}

/// Without certificates: tests use TCP and Unix sockets without TLS, and reading the system's certificates takes time.
fn builder() -> ClientBuilder {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        let _set_already = rustls::crypto::aws_lc_rs::default_provider().install_default();
    });
    let builder = reqwest::Client::builder().timeout(LIMIT).no_proxy().tls_certs_only([]);
    builder.redirect(reqwest::redirect::Policy::none())
}

fn built(builder: ClientBuilder) -> reqwest::Client {
    builder.build().expect("nothing in it depends on the machine")
}
