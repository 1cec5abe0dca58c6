//! The record of a request: its identifier, its span, its metrics, and the log line at its end.

use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use http::{HeaderMap, HeaderValue, Method, StatusCode};
use runtime::telemetry::{self, Parent, TRACE};
use shared::request_id::{self, RequestId};
use tracing::Span;
use tracing::field::Empty;
use uuid::Uuid;

use crate::actor::Client;
use crate::api::{Code, prefers_html};
use crate::context::Context;
use crate::metrics::{Metrics, word_of};
use crate::server::RequestHead;

/// The data of a request that is known from the start.
pub(super) struct RequestRecord {
    pub(super) id: RequestId,
    method: Method,
    pub(super) client: Client,
    begun: Instant,
    pub(super) trace: Span,
    /// The user who sent it, once that is known.
    pub(super) user: Arc<OnceLock<Uuid>>,
    /// Whether the client is a browser that shows a person what it gets.
    pub(super) prefers_html: bool,
}

impl RequestRecord {
    /// A request that has just arrived, with the identifier from nginx or a new one.
    pub(super) fn begin(head: &RequestHead, context: &Context) -> Self {
        let id = request_id_of(&head.headers).unwrap_or_else(|| RequestId::of(context.random.id()));
        let trace = trace_of(head, &id);
        Self {
            id,
            method: head.method.clone(),
            client: Client::of(head.peer, &head.headers, &context.config.http.trusted_proxies),
            begun: Instant::now(),
            trace,
            user: Arc::default(),
            prefers_html: prefers_html(&head.headers),
        }
    }

    /// Bytes of `peer` that are not a request, or too large a head.
    pub(super) fn of_unreadable(peer: Option<IpAddr>, context: &Context) -> Self {
        Self {
            id: RequestId::of(context.random.id()),
            method: unknown_method(),
            client: Client::of(peer, &HeaderMap::new(), &context.config.http.trusted_proxies),
            begun: Instant::now(),
            trace: Span::none(),
            user: Arc::default(),
            prefers_html: false,
        }
    }

    /// The value of the header with its identifier.
    pub(super) fn id_header(&self) -> HeaderValue {
        HeaderValue::from_str(self.id.as_str()).unwrap_or_else(|_| HeaderValue::from_static("-"))
    }

    /// Records the response in the metrics, in the trace and in the log.
    pub(super) fn finish(
        &self,
        metrics: &Metrics,
        route: &'static str,
        status: StatusCode,
        code: Option<Code>,
    ) {
        let (method, took) = (&self.method, self.begun.elapsed());
        let status_code = status.as_u16();
        metrics.request(method, route, status_code, took);
        let user = self.user.get();
        self.record_trace(route, status, code);
        tracing::info!(
            method = %method,
            route,
            status = status_code,
            code = code.map(Code::as_str),
            user = user.map(tracing::field::display),
            client = self.client.address.map(tracing::field::display),
            trace_id = telemetry::trace_id(&self.trace),
            duration_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
            "Answered a request."
        );
    }

    /// Span names follow OpenTelemetry's conventions for HTTP (version 1.23).
    fn record_trace(&self, route: &'static str, status: StatusCode, code: Option<Code>) {
        if self.trace.is_disabled() {
            return;
        }
        telemetry::rename(&self.trace, format!("{} {route}", word_of(&self.method)));
        self.trace.record("http.route", route);
        self.trace.record("http.response.status_code", status.as_u16());
        if let Some(user) = self.user.get() {
            self.trace.record("user.id", tracing::field::display(user));
        }
        if let Some(code) = code {
            self.trace.record("error.type", code.as_str());
        }
        if status.is_server_error() || code.is_some_and(|code| code.status().is_server_error()) {
            self.trace.record("otel.status_code", "ERROR");
        }
    }
}

/// The span of a request, part of the trace that nginx began. It contains neither path nor query, which
/// clients write.
fn trace_of(head: &RequestHead, id: &RequestId) -> Span {
    let span = tracing::info_span!(
        target: TRACE,
        "request",
        otel.kind = "server",
        otel.status_code = Empty,
        http.request.method = word_of(&head.method),
        http.route = Empty,
        http.response.status_code = Empty,
        error.r#type = Empty,
        user.id = Empty,
        usher.request_id = %id,
    );
    let parent =
        head.headers.get(telemetry::TRACEPARENT).and_then(|line| line.to_str().ok()).and_then(Parent::parse);
    if let Some(parent) = parent {
        telemetry::parent(&span, parent);
    }
    span
}

/// The method in logs and metrics of a request that could not be read, as of one with any other unknown method.
fn unknown_method() -> Method {
    Method::from_bytes(b"_OTHER").unwrap_or_default()
}

/// The request ID from nginx, if there is exactly one and it is well-formed.
fn request_id_of(headers: &HeaderMap) -> Option<RequestId> {
    let mut given = headers.get_all(request_id::HEADER).iter();
    match (given.next(), given.next()) {
        (Some(only), None) => RequestId::parse(only.as_bytes()),
        _ => None,
    }
}
