//! The code around every handler: limits, timeouts, panics, and the response with its request ID.

use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::FutureExt as _;
use http::{HeaderName, StatusCode};
use shared::request_id;
use tracing::Instrument as _;

use crate::api::same_origin::{asks_for_cookies, may_use_cookies};
use crate::api::{Code, Params, Problem, Request, Response, is_prefetch, read_body};
use crate::config::Language;
use crate::context::Context;
use crate::db::{StoreLimits, WaitedTooLong};
use crate::mail::language_of;
use crate::pages;
use crate::server::{Chunks, RequestHead};
use crate::turn::Turn;

use super::find::{RouteMatch, find};
use super::proxy_warning::ProxyWarning;
use super::request_record::RequestRecord;
use super::route::{Handler, Route};
use super::under_way::UnderWay;
use super::watch::Watch;

/// The route name of an unmatched request, in logs and metrics.
const NO_ROUTE: &str = "none";

/// The route table, and the state for its handlers.
pub(super) struct Router {
    context: Context,
    routes: Vec<Route>,
    under_way: UnderWay,
    proxy_warning: ProxyWarning,
}

/// A request that is ready for its handler.
struct Admitted {
    handler: Handler,
    request: Request,
    watch: Watch,
    stores: StoreLimits,
    _turn: Turn,
}

impl Router {
    pub(super) fn new(context: Context, routes: Vec<Route>, under_way: UnderWay) -> Self {
        Self { context, routes, under_way, proxy_warning: ProxyWarning::default() }
    }

    /// Answers a request, whatever happens, within a span with its id.
    ///
    /// Once the body has arrived, the request is processed to its end, even when the client disconnects: a
    /// user who signed out without waiting for the response is signed out, and every attempt leaves its
    /// trace.
    pub(super) async fn answer(self: Arc<Self>, head: RequestHead, body: Chunks) -> http::Response<Bytes> {
        self.proxy_warning.check(&head, &self.context.config.http.trusted_proxies);
        let record = RequestRecord::begin(&head, &self.context);
        // At error level, so that no log filter removes the request ID from a line that passes the filter.
        let span = tracing::error_span!("request", request_id = %record.id);
        let admitting = self.admit(head, body, &record).instrument(span.clone());
        let (route, admitted) = admitting.instrument(record.trace.clone()).await;
        let admitted = match admitted {
            Ok(admitted) => admitted,
            Err(problem) => return span.in_scope(|| self.finish(&record, route, Err(problem))),
        };
        let trace = record.trace.clone();
        let work = async move {
            let result = admitted.work().await;
            self.finish(&record, route, result)
        };
        // A panic of the handler is caught inside; apart from that only the end of the runtime ends the task
        // early.
        tokio::spawn(work.instrument(span).instrument(trace))
            .await
            .unwrap_or_else(|_ended| Response::empty(StatusCode::INTERNAL_SERVER_ERROR).into_http())
    }

    /// Answers bytes of `peer` that are not a request, or too large a head, from the status that hyper chose.
    pub(super) fn answer_unreadable(
        &self,
        status: StatusCode,
        peer: Option<IpAddr>,
    ) -> http::Response<Bytes> {
        let code = match status {
            StatusCode::URI_TOO_LONG => Code::UriTooLong,
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => Code::HeadersTooLarge,
            _ => Code::RequestMalformed,
        };
        let record = RequestRecord::of_unreadable(peer, &self.context);
        let span = tracing::error_span!("request", request_id = %record.id);
        span.in_scope(|| self.finish(&record, NO_ROUTE, Err(Problem::new(code))))
    }

    /// Finds the handler, reads the body, and only then takes a slot: a slow sender occupies none.
    async fn admit(
        &self,
        head: RequestHead,
        body: Chunks,
        record: &RequestRecord,
    ) -> (&'static str, Result<Admitted, Problem>) {
        match find(&self.routes, &head.method, &head.path) {
            RouteMatch::Nothing => (NO_ROUTE, Err(Problem::new(Code::NotFound))),
            RouteMatch::OtherMethods(methods) => {
                (NO_ROUTE, Err(Problem::new(Code::MethodNotAllowed).allow(methods)))
            }
            RouteMatch::Route(route, _) if route.operation.is_link && is_prefetch(&head.headers) => {
                (route.path, Err(Problem::new(Code::PrefetchRefused)))
            }
            RouteMatch::Route(route, _) if !self.may_use_cookies(&head) => {
                (route.path, Err(Problem::new(Code::CrossSiteRefused)))
            }
            RouteMatch::Route(route, params) => {
                (route.path, self.take_turn(route, params, head, body, record).await)
            }
        }
    }

    /// Whether a request that asks to act on cookies comes from a page of the own origin.
    fn may_use_cookies(&self, head: &RequestHead) -> bool {
        let own = self.context.config.public_url.as_ref();
        !asks_for_cookies(&head.headers) || may_use_cookies(&head.method, &head.headers, own)
    }

    async fn take_turn(
        &self,
        route: &Route,
        params: Params,
        head: RequestHead,
        body: Chunks,
        record: &RequestRecord,
    ) -> Result<Admitted, Problem> {
        let body = read_body(body).await?;
        let turn = self.under_way.take_turn().ok_or_else(|| Problem::new(Code::Overloaded))?;
        let request = Request {
            client: record.client.clone(),
            context: self.context.clone(),
            by_cookie: asks_for_cookies(&head.headers),
            access: None,
            given: None,
            method: head.method.clone(),
            route: route.path,
            id: record.id.clone(),
            user: Arc::clone(&record.user),
            caller: Arc::default(),
            place: Arc::default(),
            headers: head.headers,
            params,
            query: head.query,
            takes_body: route.operation.body.is_some(),
            body,
            turn: turn.clone(),
        };
        let handler = Arc::clone(&route.handler);
        let watch = Watch::of(&request, head.method);
        let limits = &self.context.config.http;
        let time = if route.operation.is_batch { limits.handling } else { limits.stores };
        let stores = StoreLimits { time, goes_first: route.operation.takes_away };
        Ok(Admitted { handler, request, watch, stores, _turn: turn })
    }

    /// Records the outcome, and builds the response.
    fn finish(
        &self,
        record: &RequestRecord,
        route: &'static str,
        result: Result<Response, Problem>,
    ) -> http::Response<Bytes> {
        let code = result.as_ref().err().map(Problem::code);
        let response =
            result.unwrap_or_else(|problem| match record.prefers_html && self.is_for_people(route) {
                true => pages::problem::alone(&problem, &record.id, self.language_of(record)),
                false => problem.respond(&record.id),
            });
        record.finish(&self.context.metrics, route, response.status(), code.or(response.problem()));
        response.with_header(HeaderName::from_static(request_id::HEADER), record.id_header()).into_http()
    }

    /// The language of a page outside the account, where nothing is known of the visitor but the browser.
    fn language_of(&self, record: &RequestRecord) -> Language {
        let usual = self.context.config.mail.as_ref().map(|mail| mail.language).unwrap_or_default();
        language_of(None, record.client.languages.as_deref()).unwrap_or(usual)
    }

    /// Whether a browser may show a person the response of this route. Of no route it may: the address was mistyped.
    fn is_for_people(&self, route: &'static str) -> bool {
        let of_route = |known: &Route| known.path == route && known.operation.is_for_people;
        route == NO_ROUTE || self.routes.iter().any(of_route)
    }
}

impl Admitted {
    /// The handler's response, within the limits; a panic becomes one too.
    async fn work(self) -> Result<Response, Problem> {
        let Self { handler, request, watch, stores, _turn } = self;
        let (db, limit) = (request.context.db.clone(), request.context.config.http.handling);
        let by_cookie = request.by_cookie;
        let handled = async move { watch.audit(handler(request).await).await };
        let handled = AssertUnwindSafe(handled).catch_unwind();
        match tokio::time::timeout(limit, db.limited(stores, handled)).await {
            Ok(Ok(Ok(Ok(response)))) if by_cookie => Ok(response.in_cookies()),
            Ok(Ok(Ok(result))) => result,
            // The panic hook has logged the place.
            Ok(Ok(Err(_panic))) => Err(Problem::new(Code::Internal)),
            // A full hashing queue and a full request limit are refused at once, so a slow request means
            // a slow store.
            Ok(Err(WaitedTooLong)) | Err(_) => {
                tracing::warn!("Request timed out: a store did not respond in time.");
                Err(Problem::new(Code::DependencyUnavailable))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::identity;

    use futures_util::{StreamExt as _, stream};
    use http::{HeaderMap, HeaderValue, Method};
    use serde_json::Value;
    use tokio::sync::Semaphore;

    use super::super::under_way::MAX_AT_ONCE;
    use shared::clock::SystemClock;

    use super::*;
    use crate::config::Config;
    use crate::random::SystemRandom;
    use crate::router::PROVIDER_PATHS;

    fn router(routes: Vec<Route>) -> Arc<Router> {
        let key = "1:uAvl9cb5KvuCX9MrUQOhawFG6TbuH2NkyH3jCoPij6A=";
        let vars = std::collections::HashMap::from([
            ("DATABASE_URL", "postgres://unknown@127.0.0.1:1/nowhere".to_owned()),
            ("REDIS_URL", "redis://127.0.0.1:1".to_owned()),
            ("ADMIN_MASTER_KEYS", key.to_owned()),
            ("ADMIN_ISSUER", "https://cinema.test".to_owned()),
            ("ADMIN_AUDIENCE", "cinema".to_owned()),
        ]);
        let context = Context::new(
            Config::from_vars(&vars).unwrap(),
            PROVIDER_PATHS,
            Arc::new(SystemClock),
            Arc::new(SystemRandom),
        );
        Arc::new(Router::new(context, routes, UnderWay::default()))
    }

    fn head(path: &str) -> RequestHead {
        RequestHead {
            method: Method::GET,
            path: path.to_owned(),
            query: String::new(),
            headers: HeaderMap::new(),
            peer: None,
        }
    }

    async fn ask(router: &Arc<Router>, path: &str) -> http::Response<Bytes> {
        Arc::clone(router).answer(head(path), stream::empty().boxed()).await
    }

    async fn code(response: http::Response<Bytes>) -> Value {
        assert!(response.headers().contains_key(request_id::HEADER));
        let body = response.into_body();
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
            Route::new(Method::GET, "/panic", panics, identity),
            Route::new(Method::GET, "/fine", fine, identity),
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
        let router = router(vec![Route::new(Method::GET, "/wait", waits, identity)]);
        let all = futures_util::future::join_all((0..MAX_AT_ONCE).map(|_| ask(&router, "/wait")));
        let beyond = async {
            // The other requests are polled first, and wait.
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

    #[tokio::test]
    async fn a_request_that_only_waits_leaves_its_place_to_another_one() {
        let gate = Arc::new(Semaphore::new(0));
        let waiting = Arc::clone(&gate);
        let waits = move |request: Request| {
            let gate = Arc::clone(&waiting);
            async move {
                request.turn.give_back();
                let _passed = gate.acquire().await;
                fine(request).await
            }
        };
        let router = router(vec![
            Route::new(Method::GET, "/wait", waits, identity),
            Route::new(Method::GET, "/fine", fine, identity),
        ]);
        let all = futures_util::future::join_all((0..MAX_AT_ONCE).map(|_| ask(&router, "/wait")));
        let beyond = async {
            tokio::task::yield_now().await;
            let response = ask(&router, "/fine").await;
            gate.add_permits(1);
            response
        };
        let (waited, answered) = tokio::join!(all, beyond);
        assert_eq!(answered.status(), 204);
        assert!(waited.iter().all(|response| response.status() == 204));
    }

    #[tokio::test(start_paused = true)]
    async fn a_handler_that_takes_too_long_is_cancelled() {
        async fn hangs(_: Request) -> Result<Response, Problem> {
            std::future::pending().await
        }
        let router = router(vec![Route::new(Method::GET, "/hang", hangs, identity)]);
        assert_eq!(code(ask(&router, "/hang").await).await, "dependency_unavailable");
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_arrive_is_refused() {
        let router = router(vec![Route::new(Method::GET, "/fine", fine, identity)]);
        let never = stream::pending().boxed();
        assert_eq!(code(Arc::clone(&router).answer(head("/fine"), never).await).await, "request_timeout");
    }

    #[tokio::test]
    async fn requests_without_a_body_are_served_while_bodies_arrive_slowly() {
        let router = router(vec![Route::new(Method::GET, "/fine", fine, identity)]);
        let slow = || Arc::clone(&router).answer(head("/fine"), stream::pending().boxed());
        let mut arriving: Vec<_> = (0..=MAX_AT_ONCE).map(|_| Box::pin(slow())).collect();
        for request in &mut arriving {
            assert!(request.now_or_never().is_none());
        }
        assert_eq!(ask(&router, "/fine").await.status(), 204);
    }

    #[tokio::test]
    async fn a_request_whose_client_hung_up_is_worked_on_and_waited_for() {
        let (gate, done) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
        let (passed, did) = (Arc::clone(&gate), Arc::clone(&done));
        let waits = move |request| {
            let (passed, did) = (Arc::clone(&passed), Arc::clone(&did));
            async move {
                let _passed = passed.acquire().await;
                did.add_permits(1);
                fine(request).await
            }
        };
        let router = router(vec![Route::new(Method::GET, "/wait", waits, identity)]);
        assert!(ask(&router, "/wait").now_or_never().is_none());

        let under_way = router.under_way.clone();
        assert!(under_way.end().now_or_never().is_none(), "one is under way");
        gate.add_permits(1);
        under_way.end().await;
        assert_eq!(done.available_permits(), 1);
    }

    #[tokio::test]
    async fn a_known_request_id_is_kept_and_others_are_replaced() {
        let router = router(vec![]);
        for (given, kept) in [(&["a-1.b_2"][..], true), (&["a b"], false), (&["a", "b"], false), (&[], false)]
        {
            let mut request = head("/");
            for id in given {
                request.headers.append(request_id::HEADER, HeaderValue::from_static(id));
            }
            let response = Arc::clone(&router).answer(request, stream::empty().boxed()).await;
            let answered = response.headers()[request_id::HEADER].to_str().unwrap().to_owned();
            assert_eq!(given.contains(&answered.as_str()), kept, "{given:?} {answered}");
            assert!(!response.body().is_empty());
        }
    }
}
