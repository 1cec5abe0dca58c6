//! Replies, and how they are sent.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION};
use hyper::{Response, StatusCode};
use serde_json::Value;
use url::form_urlencoded::Serializer;

/// Spaces before a reply that is too large, sent in pieces.
const PIECE: &[u8] = &[b' '; 16 * 1024];
/// How many pieces: 1 MiB.
const PIECES: usize = 64;

/// A whole reply.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    status: StatusCode,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Bytes,
    pieces: usize,
}

/// How a reply is sent.
#[derive(Debug)]
pub(crate) enum Delivery {
    /// At once.
    Now(Reply),
    /// After two seconds.
    Later(Reply),
    /// Never: the request is held until the client disconnects.
    Never,
    /// Not at all: the connection is closed.
    Hangup,
}

impl Reply {
    /// JSON that must not be cached.
    pub(crate) fn json(status: StatusCode, value: &Value) -> Self {
        Self::of(status, "application/json; charset=utf-8", value.to_string())
    }

    /// A form, as GitHub replies without `Accept: application/json`. Members that are not texts are left out.
    pub(crate) fn form(status: StatusCode, value: &Value) -> Self {
        let members = value.as_object().into_iter().flatten();
        let pairs = members.filter_map(|(name, value)| Some((name, value.as_str()?)));
        let body = Serializer::new(String::new()).extend_pairs(pairs).finish();
        Self::of(status, "application/x-www-form-urlencoded; charset=utf-8", body)
    }

    /// Plain text.
    pub(crate) fn text(status: StatusCode, text: &str) -> Self {
        Self::of(status, "text/plain; charset=utf-8", text.to_owned())
    }

    /// A page.
    pub(crate) fn html(status: StatusCode, page: String) -> Self {
        Self::of(status, "text/html; charset=utf-8", page)
    }

    /// A body of this type.
    pub(crate) fn of(status: StatusCode, content_type: &'static str, body: String) -> Self {
        let headers = vec![
            (CONTENT_TYPE, HeaderValue::from_static(content_type)),
            (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        ];
        Self { status, headers, body: Bytes::from(body), pieces: 0 }
    }

    /// A status only.
    pub(crate) fn empty(status: StatusCode) -> Self {
        Self { status, headers: Vec::new(), body: Bytes::new(), pieces: 0 }
    }

    /// A redirect; without `Location` if the URL is not valid in a header.
    pub(crate) fn redirect(status: StatusCode, to: &str) -> Self {
        let location = HeaderValue::from_str(to).ok();
        let headers = location.map(|location| (LOCATION, location)).into_iter().collect();
        Self { headers, ..Self::empty(status) }
    }

    /// 405 with the allowed method.
    pub(crate) fn method_not_allowed(allowed: &'static str) -> Self {
        let reply = Self::text(StatusCode::METHOD_NOT_ALLOWED, &format!("The method must be {allowed}.\n"));
        reply.with(ALLOW, allowed)
    }

    /// 404.
    pub(crate) fn not_found() -> Self {
        Self::text(
            StatusCode::NOT_FOUND,
            "Unknown path; the README of `mock-providers` lists the endpoints.\n",
        )
    }

    /// The same with one more header.
    pub(crate) fn with(mut self, name: HeaderName, value: &'static str) -> Self {
        self.headers.push((name, HeaderValue::from_static(value)));
        self
    }

    /// The same with another status.
    pub(crate) fn with_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    /// The same after 1 MiB of spaces.
    pub(crate) fn too_large(self) -> Self {
        Self { pieces: PIECES, ..self }
    }

    /// The response for hyper.
    pub(crate) fn into_response(self) -> Response<Pieces> {
        let mut response = Response::new(Pieces { left: self.pieces, last: Some(self.body) });
        *response.status_mut() = self.status;
        response.headers_mut().extend(self.headers);
        response
    }
}

/// A body that is sent in pieces if it is too large, and otherwise at once.
#[derive(Debug)]
pub(crate) struct Pieces {
    left: usize,
    last: Option<Bytes>,
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if let Some(left) = self.left.checked_sub(1) {
            self.left = left;
            return Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(PIECE)))));
        }
        Poll::Ready(self.last.take().filter(|last| !last.is_empty()).map(|last| Ok(Frame::data(last))))
    }

    /// Exact only if the body is not too large: a client must count, not trust `Content-Length`.
    fn size_hint(&self) -> SizeHint {
        match (self.left, &self.last) {
            (0, Some(last)) => SizeHint::with_exact(u64::try_from(last.len()).unwrap_or(u64::MAX)),
            (0, None) => SizeHint::with_exact(0),
            _ => SizeHint::new(),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0 && self.last.as_ref().is_none_or(Bytes::is_empty)
    }
}
