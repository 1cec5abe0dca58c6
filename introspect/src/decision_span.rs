//! The span of a decision, for requests whose trace is sampled.

use http::HeaderMap;
use runtime::telemetry::{self, Parent, TRACE};
use shared::request_id::RequestId;
use tracing::Span;
use tracing::field::Empty;

use crate::headers::{POLICY, REQUEST_ID, TRACEPARENT};
use crate::verdict::{AllowedToken, Verdict};

/// Whether the trace of a request is sampled. Reads only one byte.
pub fn is_sampled(headers: &HeaderMap) -> bool {
    // The last digit is odd in a sampled trace.
    let last = headers.get(TRACEPARENT).and_then(|line| line.as_bytes().last());
    matches!(last, Some(b'1' | b'3' | b'5' | b'7' | b'9' | b'b' | b'd' | b'f'))
}

/// The trace that a request is part of, if it is sampled.
#[cold]
pub fn parent(headers: &HeaderMap) -> Option<Parent> {
    let line = headers.get(TRACEPARENT)?.to_str().ok()?;
    Parent::parse(line).filter(Parent::is_sampled)
}

/// A span for a request whose trace is sampled.
#[cold]
pub fn begin(headers: &HeaderMap) -> Option<Span> {
    let parent = parent(headers)?;
    let request_id = headers.get(REQUEST_ID).and_then(|id| RequestId::parse(id.as_bytes()));
    let span = tracing::info_span!(
        target: TRACE,
        "decide",
        otel.kind = "server",
        otel.status_code = Empty,
        usher.request_id = request_id.map(tracing::field::display),
        usher.policy = headers.get(POLICY).and_then(|policy| policy.to_str().ok()),
        usher.outcome = Empty,
        error.r#type = Empty,
        user.id = Empty,
    );
    telemetry::parent(&span, parent);
    Some(span)
}

/// Records the verdict. A refusal is not an error of the span.
#[cold]
pub fn record(span: &Span, verdict: &Verdict) {
    match verdict {
        Verdict::Allow { whose: None } => drop(span.record("usher.outcome", "anonymous")),
        Verdict::Allow { whose: Some(AllowedToken { token, .. }) } => {
            span.record("usher.outcome", "allowed");
            span.record("user.id", token.user());
        }
        Verdict::Deny { refusal, .. } => {
            span.record("usher.outcome", "refused");
            span.record("error.type", refusal.reason());
        }
    }
}
