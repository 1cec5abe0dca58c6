//! What happens around every handler: its name in the logs, its bounds, its count, its panics.

use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use bytes::Buf;
use futures_util::{FutureExt as _, Stream};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use shared::request_id::{self, RequestId};
use tokio::sync::Semaphore;
use tracing::Instrument as _;
use warp::Reply as _;

use crate::api::{Client, Code, Params, Problem, Request, Response, read_body};
use crate::context::Context;

use super::find::{Found, find};
use super::{Handler, Route};

/// How many requests are worked on at once. More than the pool and the hash threads can serve, few enough
/// that each still ends in time; the rest is refused at once instead of waiting to be refused.
const MAX_AT_ONCE: usize = 512;

/// How long a handler may take. What it began is rolled back.
const MAX_HANDLING: Duration = Duration::from_secs(15);

/// The route of a request that matches none, in logs and metrics.
const NO_ROUTE: &str = "none";

/// A request's head.
pub(super) struct Arrived {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) query: String,
    pub(super) headers: HeaderMap,
    pub(super) peer: Option<IpAddr>,
}

/// The table, and what its handlers work with.
pub(super) struct Router {
    context: Context,
    routes: Vec<Route>,
    at_once: Semaphore,
}

impl Router {
    pub(super) fn new(context: Context, routes: Vec<Route>) -> Self {
        Self { context, routes, at_once: Semaphore::new(MAX_AT_ONCE) }
    }

    /// Answers, whatever happens, under the request's name.
    pub(super) async fn answer<B: Buf, E>(
        &self,
        arrived: Arrived,
        body: impl Stream<Item = Result<B, E>> + Send,
    ) -> warp::reply::Response {
        let id = request_id_of(&arrived.headers);
        // At the level of errors, so that no log filter takes the name away from a line that passes it.
        let span = tracing::error_span!("request", request_id = %id);
        async {
            let begun = Instant::now();
            let method = arrived.method.clone();
            let (route, result) = self.dispatch(arrived, body, &id).await;
            let code = result.as_ref().err().map(Problem::code);
            let response = result.unwrap_or_else(|problem| problem.respond(&id));
            self.note(&method, route, &response, code, begun.elapsed());
            response
                .with_header(HeaderName::from_static(request_id::HEADER), header_value(&id))
                .into_response()
        }
        .instrument(span)
        .await
    }

    async fn dispatch<B: Buf, E>(
        &self,
        arrived: Arrived,
        body: impl Stream<Item = Result<B, E>> + Send,
        id: &RequestId,
    ) -> (&'static str, Result<Response, Problem>) {
        match find(&self.routes, &arrived.method, &arrived.path) {
            Found::Nothing => (NO_ROUTE, Err(Problem::new(Code::NotFound))),
            Found::OtherMethods(methods) => {
                (NO_ROUTE, Err(Problem::new(Code::MethodNotAllowed).allow(methods)))
            }
            Found::Route(route, params) => {
                (route.path, self.handle(&route.handler, params, arrived, body, id).await)
            }
        }
    }

    async fn handle<B: Buf, E>(
        &self,
        handler: &Handler,
        params: Params,
        arrived: Arrived,
        body: impl Stream<Item = Result<B, E>> + Send,
        id: &RequestId,
    ) -> Result<Response, Problem> {
        let _turn = self.at_once.try_acquire().map_err(|_| Problem::new(Code::Overloaded))?;
        let body = read_body(body).await?;
        let trusted = &self.context.config.http.trusted_proxies;
        let request = Request {
            client: Client::of(arrived.peer, &arrived.headers, trusted),
            context: self.context.clone(),
            id: id.clone(),
            headers: arrived.headers,
            params,
            query: arrived.query,
            body,
        };
        let handled = AssertUnwindSafe(async move { handler(request).await }).catch_unwind();
        match tokio::time::timeout(MAX_HANDLING, handled).await {
            Ok(Ok(result)) => result,
            // The panic hook has logged where.
            Ok(Err(_panic)) => Err(Problem::new(Code::Internal)),
            Err(_elapsed) => {
                tracing::warn!("A request was given up: it took too long.");
                Err(Problem::new(Code::Overloaded))
            }
        }
    }

    fn note(&self, method: &Method, route: &'static str, response: &Response, code: Option<Code>, took: Duration) {
        let status = response.status().as_u16();
        self.context.metrics.request(method, route, status, took);
        tracing::info!(
            method = %method,
            route,
            status,
            code = code.map(Code::as_str),
            duration_ms = took.as_secs_f64() * 1e3,
            "Answered a request."
        );
    }
}

/// The name that nginx gave the request, when there is exactly one and it is well formed.
fn request_id_of(headers: &HeaderMap) -> RequestId {
    let mut given = headers.get_all(request_id::HEADER).iter();
    match (given.next(), given.next()) {
        (Some(only), None) => RequestId::parse(only.as_bytes()).unwrap_or_default(),
        _ => RequestId::default(),
    }
}

fn header_value(id: &RequestId) -> HeaderValue {
    HeaderValue::from_str(id.as_str()).unwrap_or_else(|_| HeaderValue::from_static("-"))
}
