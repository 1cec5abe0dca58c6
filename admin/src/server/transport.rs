//! The only module that uses warp: converts requests from warp's types and responses to them.
//!
//! warp is the transport. The table of routes is our own: a warp rejection could not distinguish an unknown path from
//! an unknown method, and every problem must have our own format (docs/decisions/0006-warp-as-the-transport.md).

use std::net::IpAddr;
use std::sync::Arc;

use bytes::{Buf, Bytes};
use futures_util::stream::BoxStream;
use futures_util::{Stream, StreamExt as _};
use http::{HeaderMap, Method, StatusCode};
use hyper::body::Incoming;
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use warp::Filter as _;
use warp::filters::BoxedFilter;
use warp::path::FullPath;

/// A request without its body.
#[derive(Debug, Clone)]
pub struct RequestHead {
    /// The method.
    pub method: Method,
    /// The path as sent, not decoded.
    pub path: String,
    /// The query string, still percent-encoded.
    pub query: String,
    /// All headers.
    pub headers: HeaderMap,
    /// The peer of the connection; `None` on a Unix socket.
    pub peer: Option<IpAddr>,
}

/// The body of a request as it arrives; an error means that the client disconnected.
pub type Chunks = BoxStream<'static, Result<Bytes, BrokenOff>>;

/// The client disconnected before the end of the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BrokenOff;

/// Answers requests. Cheap to clone.
#[derive(Clone)]
pub struct Service {
    requests: BoxedFilter<(warp::reply::Response,)>,
    unreadable: Arc<AnswerUnreadable>,
}

/// Answers bytes of this peer that are not a request, from the status that hyper chose.
type AnswerUnreadable = dyn Fn(StatusCode, Option<IpAddr>) -> http::Response<Bytes> + Send + Sync;

/// The peer of a connection, in a request's extensions.
#[derive(Debug, Clone, Copy)]
struct Peer(Option<IpAddr>);

impl Service {
    /// Answers every request with `answer`, and bytes that are not a request with `unreadable`.
    pub fn new<F, A>(
        answer: F,
        unreadable: impl Fn(StatusCode, Option<IpAddr>) -> http::Response<Bytes> + Send + Sync + 'static,
    ) -> Self
    where
        F: Fn(RequestHead, Chunks) -> A + Clone + Send + Sync + 'static,
        A: Future<Output = http::Response<Bytes>> + Send + 'static,
    {
        let query = warp::query::raw().or(warp::any().map(String::new)).unify();
        let filter = warp::method()
            .and(warp::path::full())
            .and(query)
            .and(warp::header::headers_cloned())
            .and(warp::ext::optional::<Peer>())
            .and(warp::body::stream())
            .then(move |method, path: FullPath, query, headers, peer: Option<Peer>, body| {
                let peer = peer.and_then(|peer| peer.0);
                let head = RequestHead { method, path: path.as_str().to_owned(), query, headers, peer };
                let answered = answer(head, chunks(body));
                async move { reply(answered.await) }
            });
        Self { requests: filter.boxed(), unreadable: Arc::new(unreadable) }
    }

    /// Answers bytes of `peer` that are not a request. It is the last answer on the connection.
    pub(super) fn answer_unreadable(
        &self,
        status: StatusCode,
        peer: Option<IpAddr>,
    ) -> http::Response<Bytes> {
        (self.unreadable)(status, peer)
    }

    /// Answers a request from `peer`.
    pub(super) fn call(
        &self,
        mut request: http::Request<Incoming>,
        peer: Option<IpAddr>,
    ) -> impl Future<Output = warp::reply::Response> + use<> {
        request.extensions_mut().insert(Peer(peer));
        let answered = TowerToHyperService::new(warp::service(self.requests.clone())).call(request);
        async move { answered.await.unwrap_or_else(|never| match never {}) }
    }
}

fn chunks<B: Buf>(body: impl Stream<Item = Result<B, warp::Error>> + Send + 'static) -> Chunks {
    let whole = |chunk: Result<B, warp::Error>| match chunk {
        Ok(mut chunk) => Ok(chunk.copy_to_bytes(chunk.remaining())),
        Err(_) => Err(BrokenOff),
    };
    body.map(whole).boxed()
}

fn reply(response: http::Response<Bytes>) -> warp::reply::Response {
    let (head, body) = response.into_parts();
    let mut reply = warp::reply::Response::new(body.into());
    *reply.status_mut() = head.status;
    *reply.headers_mut() = head.headers;
    reply
}
