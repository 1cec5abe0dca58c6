//! The code around every handler: limits, timeouts, panics, and the response with its request ID.

use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::FutureExt as _;
use http::{HeaderName, StatusCode};
use shared::request_id;
use tracing::Instrument as _;

use crate::api::same_origin::{asks_for_cookies, is_caused_by_another_site, may_use_cookies};
use crate::api::{Code, Params, Problem, Request, Response, is_prefetch, read_body};
use crate::config::Language;
use crate::context::Context;
use crate::db::{StoreLimits, WaitedTooLong};
use crate::mail::language_of;
use crate::pages::{self, PageSite};
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
    site: PageSite,
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
    /// For the listener with the pages of `site`.
    pub(super) fn new(context: Context, site: PageSite, routes: Vec<Route>, under_way: UnderWay) -> Self {
        Self { context, routes, under_way, proxy_warning: ProxyWarning::default(), site }
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
        if self.site == PageSite::Console && is_caused_by_another_site(&head.headers) {
            return (NO_ROUTE, Err(Problem::new(Code::CrossSiteRefused)));
        }
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
                true => pages::problem::alone(self.site, &problem, &record.id, self.language_of(record)),
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
mod tests;
