//! A request with its whole body, within limits.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName};
use hyper::{Method, StatusCode};

use crate::params::{Malformed, Params};
use crate::reply::Reply;

/// The longest body that is read, in bytes.
const LIMIT: usize = 64 * 1024;
/// How long a body may take.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// A request whose body has arrived.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    query: String,
}

impl Request {
    /// Reads the body, or returns the reply that ends the request.
    pub(crate) async fn read(request: hyper::Request<Incoming>) -> Result<Self, Reply> {
        let (head, body) = request.into_parts();
        let body = match tokio::time::timeout(BODY_TIMEOUT, Limited::new(body, LIMIT).collect()).await {
            Ok(Ok(body)) => body.to_bytes(),
            Ok(Err(_)) => {
                return Err(Reply::text(StatusCode::PAYLOAD_TOO_LARGE, "The body is over 64 KiB.\n"));
            }
            Err(_) => return Err(Reply::text(StatusCode::REQUEST_TIMEOUT, "The body arrived too slowly.\n")),
        };
        let path = head.uri.path().to_owned();
        let query = head.uri.query().unwrap_or_default().to_owned();
        Ok(Self { method: head.method, path, headers: head.headers, body, query })
    }

    /// The parameters after the `?`.
    pub(crate) fn query(&self) -> Result<Params, Malformed> {
        Params::parse(self.query.as_bytes())
    }

    /// The parameters of a form in the body.
    pub(crate) fn form(&self) -> Result<Params, String> {
        if !self.is_of_type("application/x-www-form-urlencoded") {
            return Err("the body must be application/x-www-form-urlencoded".to_owned());
        }
        Params::parse(&self.body).map_err(|why| why.to_string())
    }

    /// Whether the body has this media type.
    pub(crate) fn is_of_type(&self, wanted: &str) -> bool {
        let essence = self.header(CONTENT_TYPE).and_then(|value| value.split(';').next());
        essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case(wanted))
    }

    /// Whether `Accept` names JSON.
    pub(crate) fn accepts_json(&self) -> bool {
        let accepted = self.header(ACCEPT).unwrap_or_default();
        let mut types = accepted.split(',').filter_map(|one| one.split(';').next());
        types.any(|one| one.trim().eq_ignore_ascii_case("application/json"))
    }

    /// The first header of that name, when it is visible ASCII and not empty.
    pub(crate) fn header(&self, name: HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok().filter(|value| !value.trim().is_empty())
    }
}

#[cfg(test)]
impl Request {
    /// One for unit tests.
    pub(crate) fn new(method: Method, path: &str, headers: HeaderMap, body: &str) -> Self {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let (path, query) = (path.to_owned(), query.to_owned());
        Self { method, path, headers, body: Bytes::copy_from_slice(body.as_bytes()), query }
    }
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    fn typed(content_type: &'static str) -> Request {
        let headers = [(CONTENT_TYPE, HeaderValue::from_static(content_type))].into_iter().collect();
        Request::new(Method::POST, "/", headers, "a=1")
    }

    #[test]
    fn a_form_must_have_its_media_type() {
        assert!(typed("application/x-www-form-urlencoded").form().is_ok());
        assert!(typed("Application/X-WWW-Form-Urlencoded; charset=utf-8").form().is_ok());
        assert!(typed("application/json").form().is_err());
        assert!(Request::new(Method::POST, "/", HeaderMap::new(), "a=1").form().is_err());
    }
}
