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

    fn note(
        &self,
        method: &Method,
        route: &'static str,
        response: &Response,
        code: Option<Code>,
        took: Duration,
    ) {
        let status = response.status().as_u16();
        self.context.metrics.request(method, route, status, took);
        tracing::info!(
            method = %method,
            route,
            status,
            code = code.map(Code::as_str),
            duration_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;
    use futures_util::stream;
    use serde_json::Value;
    use warp::hyper::body::Body as _;

    use super::*;
    use crate::config::Config;

    fn router(routes: Vec<Route>) -> Router {
        let key = "1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
        let vars = std::collections::HashMap::from([
            ("DATABASE_URL", "postgres://nobody@127.0.0.1:1/nowhere".to_owned()),
            ("REDIS_URL", "redis://127.0.0.1:1".to_owned()),
            ("ADMIN_MASTER_KEYS", key.to_owned()),
            ("ADMIN_ISSUER", "https://cinema.test".to_owned()),
            ("ADMIN_AUDIENCE", "cinema".to_owned()),
        ]);
        Router::new(Context::new(Config::from_vars(&vars).unwrap()), routes)
    }

    fn arrived(path: &str) -> Arrived {
        Arrived {
            method: Method::GET,
            path: path.to_owned(),
            query: String::new(),
            headers: HeaderMap::new(),
            peer: None,
        }
    }

    async fn ask(router: &Router, path: &str) -> warp::reply::Response {
        router.answer(arrived(path), stream::empty::<Result<Bytes, ()>>()).await
    }

    async fn code(response: warp::reply::Response) -> Value {
        assert!(response.headers().contains_key(request_id::HEADER));
        let body = http_body_util::BodyExt::collect(response.into_body()).await.unwrap().to_bytes();
        serde_json::from_slice::<Value>(&body).unwrap()["code"].clone()
    }

    async fn fine(_: Request) -> Result<Response, Problem> {
        Ok(Response::empty(http::StatusCode::NO_CONTENT))
    }

    #[tokio::test]
    async fn a_panic_costs_one_request() {
        async fn panics(_: Request) -> Result<Response, Problem> {
            panic!("on purpose")
        }
        let routes = vec![
            Route::new(Method::GET, "/panic", panics, "Panics."),
            Route::new(Method::GET, "/fine", fine, "Does not."),
        ];
        let router = router(routes);
        let response = ask(&router, "/panic").await;
        assert_eq!(response.status(), 500);
        assert_eq!(code(response).await, "internal");
        assert_eq!(ask(&router, "/fine").await.status(), 204);
    }

    #[tokio::test]
    async fn a_request_beyond_the_bound_is_refused_at_once_and_later_ones_are_served() {
        let gate = Arc::new(Semaphore::new(0));
        let waiting = Arc::clone(&gate);
        let waits = move |request| {
            let gate = Arc::clone(&waiting);
            async move {
                let _passed = gate.acquire().await;
                fine(request).await
            }
        };
        let router = router(vec![Route::new(Method::GET, "/wait", waits, "Waits.")]);
        let all = futures_util::future::join_all((0..MAX_AT_ONCE).map(|_| ask(&router, "/wait")));
        let beyond = async {
            // The others are polled first, and wait.
            tokio::task::yield_now().await;
            let response = ask(&router, "/wait").await;
            gate.add_permits(1);
            response
        };
        let (served, refused) = tokio::join!(all, beyond);
        assert_eq!(refused.headers()[http::header::RETRY_AFTER], "1");
        assert_eq!(code(refused).await, "overloaded");
        assert!(served.iter().all(|response| response.status() == 204));
        assert_eq!(ask(&router, "/wait").await.status(), 204);
    }

    #[tokio::test(start_paused = true)]
    async fn a_handler_that_takes_too_long_is_given_up() {
        async fn hangs(_: Request) -> Result<Response, Problem> {
            std::future::pending().await
        }
        let router = router(vec![Route::new(Method::GET, "/hang", hangs, "Hangs.")]);
        assert_eq!(code(ask(&router, "/hang").await).await, "overloaded");
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_arrive_is_given_up() {
        let router = router(vec![Route::new(Method::GET, "/fine", fine, "Does not mind.")]);
        let never = stream::pending::<Result<Bytes, ()>>();
        assert_eq!(code(router.answer(arrived("/fine"), never).await).await, "request_timeout");
    }

    #[tokio::test]
    async fn a_known_request_id_is_kept_and_others_are_replaced() {
        let router = router(vec![]);
        for (given, kept) in [(&["a-1.b_2"][..], true), (&["a b"], false), (&["a", "b"], false), (&[], false)]
        {
            let mut request = arrived("/");
            for id in given {
                request.headers.append(request_id::HEADER, HeaderValue::from_static(id));
            }
            let response = router.answer(request, stream::empty::<Result<Bytes, ()>>()).await;
            let answered = response.headers()[request_id::HEADER].to_str().unwrap().to_owned();
            assert_eq!(given.contains(&answered.as_str()), kept, "{given:?} {answered}");
            assert!(response.body().size_hint().exact().is_some_and(|length| length > 0));
        }
    }
}
