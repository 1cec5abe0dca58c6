//! The response of a handler.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::code::Code;
use super::session_cookies::{IN_COOKIES, SessionCookies};

/// A status, headers and a complete body. Not cacheable unless a header allows it.
#[derive(Debug, Clone)]
pub struct Response {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
    /// The problem that it carries in another form.
    problem: Option<Code>,
    /// Whether that is a call which the caller has no right to.
    is_denied: bool,
    disclosed: Option<Disclosed>,
    /// For a browser that keeps its tokens in cookies.
    session: Option<SessionCookies>,
}

/// Personal data of others in a response: reading it is audited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Disclosed {
    /// Of this user.
    User(Uuid),
    /// Of all users that a search found.
    Search,
}

impl Response {
    /// `value` as JSON.
    pub fn json(status: StatusCode, value: &impl Serialize) -> Self {
        match serde_json::to_vec(value) {
            Ok(body) => Self::new(status, "application/json", body.into()),
            // Only a map with keys that are not strings can fail, and no response contains one.
            Err(error) => {
                tracing::error!(%error, "Cannot serialise a response as JSON.");
                Self::empty(StatusCode::INTERNAL_SERVER_ERROR)
            }
        }
    }

    /// A response without a body.
    pub fn empty(status: StatusCode) -> Self {
        let headers = HeaderMap::from_iter([(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))]);
        Self {
            status,
            headers,
            body: Bytes::new(),
            problem: None,
            is_denied: false,
            disclosed: None,
            session: None,
        }
    }

    /// A body of any type, which browsers take for nothing else.
    pub fn new(status: StatusCode, content_type: &'static str, body: Bytes) -> Self {
        let mut response = Self::empty(status);
        response.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        response.headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        response.body = body;
        response
    }

    /// Replaces the body.
    #[must_use]
    pub fn with_body(mut self, body: Bytes) -> Self {
        self.body = body;
        self
    }

    /// Replaces the status.
    #[must_use]
    pub(crate) fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// Sets a header.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Adds a cookie.
    #[must_use]
    pub fn with_cookie(mut self, line: HeaderValue) -> Self {
        self.headers.append(header::SET_COOKIE, line);
        self
    }

    /// Says what it does to the session of a browser that keeps its tokens in cookies.
    #[must_use]
    pub(crate) fn with_session(mut self, session: SessionCookies) -> Self {
        self.session = Some(session);
        self
    }

    /// The response for such a browser: its tokens are in cookies, and not in the body, which scripts can read.
    #[must_use]
    pub(crate) fn in_cookies(mut self) -> Self {
        let Some(session) = self.session.take() else { return self };
        if matches!(session, SessionCookies::Set(_)) {
            self.body = without_tokens(&self.body);
        }
        session.lines().into_iter().fold(self, Self::with_cookie)
    }

    /// Marks the response as carrying a problem in another form, for the log and the trace.
    #[must_use]
    pub fn with_problem(mut self, code: Code) -> Self {
        self.problem = Some(code);
        self
    }

    /// Marks it as the refusal of a call which the caller has no right to: such calls are audited.
    #[must_use]
    pub(crate) fn with_denial(mut self, is_denied: bool) -> Self {
        self.is_denied = is_denied;
        self
    }

    /// The problem of a call which the caller has no right to.
    pub(crate) fn denial(&self) -> Option<Code> {
        self.problem.filter(|_| self.is_denied)
    }

    /// The problem that it carries in another form.
    pub fn problem(&self) -> Option<Code> {
        self.problem
    }

    /// Marks the response as containing the data of other users.
    #[must_use]
    pub(crate) fn disclosing(mut self, disclosed: Disclosed) -> Self {
        self.disclosed = Some(disclosed);
        self
    }

    /// The data of other users that it contains.
    pub(crate) fn disclosed(&self) -> Option<Disclosed> {
        self.disclosed
    }

    /// Its status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Its body.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// Its headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The response in the form of the transport.
    pub fn into_http(self) -> http::Response<Bytes> {
        let mut response = http::Response::new(self.body);
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }
}

/// A body of JSON without the tokens.
fn without_tokens(body: &[u8]) -> Bytes {
    let Ok(Value::Object(mut members)) = shared::json::from_slice(body) else { return Bytes::new() };
    members.retain(|name, _| !IN_COOKIES.contains(&name.as_str()));
    serde_json::to_vec(&members).map_or_else(|_| Bytes::new(), Bytes::from)
}
