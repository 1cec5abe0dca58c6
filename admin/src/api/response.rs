//! What a handler answers.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;
use warp::Reply;

use super::Code;

/// A status, headers and a whole body. Never cached unless it says otherwise.
#[derive(Debug, Clone)]
pub struct Response {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
    told: Option<Code>,
}

impl Response {
    /// `value` as JSON.
    pub fn json(status: StatusCode, value: &impl Serialize) -> Self {
        match serde_json::to_vec(value) {
            Ok(body) => Self::new(status, "application/json", body.into()),
            // Only a map whose keys are no strings fails, and no answer has one.
            Err(error) => {
                tracing::error!(%error, "An answer could not be written as JSON.");
                Self::empty(StatusCode::INTERNAL_SERVER_ERROR)
            }
        }
    }

    /// No body.
    pub fn empty(status: StatusCode) -> Self {
        let headers = HeaderMap::from_iter([(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))]);
        Self { status, headers, body: Bytes::new(), told: None }
    }

    /// A body of any type.
    pub fn new(status: StatusCode, content_type: &'static str, body: Bytes) -> Self {
        let mut response = Self::empty(status);
        response.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        response.body = body;
        response
    }

    /// The same with a header set.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// The same, known to tell of a problem in another way than as one: for the log and the trace.
    #[must_use]
    pub fn telling(mut self, code: Code) -> Self {
        self.told = Some(code);
        self
    }

    /// The problem that it tells of in another way.
    pub fn told(&self) -> Option<Code> {
        self.told
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
}

impl Reply for Response {
    fn into_response(self) -> warp::reply::Response {
        let mut response = warp::reply::Response::new(self.body.into());
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }
}
