//! What the sidecar does as part of a trace, where that is kept: decisions, and revocations that it applies.

use http::{HeaderMap, HeaderName};
use runtime::telemetry::{self, Parent, TRACE};
use shared::request_id::{self, RequestId};
use shared::revocation::LogPosition;
use tracing::Span;
use tracing::field::Empty;

use crate::decide::POLICY;
use crate::verdict::{Identity, Verdict};

/// Which trace a request is part of (W3C Trace Context). nginx sets it, so that a client cannot.
const TRACEPARENT: HeaderName = HeaderName::from_static(telemetry::TRACEPARENT);

/// Whether the trace of a request is kept, for the price of a look at one byte.
pub fn is_kept(headers: &HeaderMap) -> bool {
    // The last digit is odd where it is.
    let last = headers.get(TRACEPARENT).and_then(|line| line.as_bytes().last());
    matches!(last, Some(b'1' | b'3' | b'5' | b'7' | b'9' | b'b' | b'd' | b'f'))
}

/// The trace that a request is part of, if it is kept.
#[cold]
pub fn parent(headers: &HeaderMap) -> Option<Parent> {
    let line = headers.get(TRACEPARENT)?.to_str().ok()?;
    Parent::parse(line).filter(Parent::is_sampled)
}

/// A span for a request whose trace is kept.
#[cold]
pub fn span(headers: &HeaderMap) -> Option<Span> {
    let parent = parent(headers)?;
    let request_id = headers.get(request_id::HEADER).and_then(|id| RequestId::parse(id.as_bytes()));
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

/// What came of it. A refusal is no error of the span.
#[cold]
pub fn tell(span: &Span, verdict: &Verdict) {
    match verdict {
        Verdict::Allow(Identity::Known(known)) => {
            span.record("usher.outcome", "allowed");
            // Another issuer may be set to name people by an address.
            if uuid::Uuid::try_parse(&known.token.subject).is_ok() {
                span.record("user.id", known.token.subject.as_str());
            }
        }
        Verdict::Allow(Identity::Nobody) => drop(span.record("usher.outcome", "anonymous")),
        Verdict::Deny(refusal) => {
            span.record("usher.outcome", "refused");
            span.record("error.type", refusal.label());
        }
    }
}

/// A span for a revocation of the log, part of the trace of the request that made it; `parent` is what its publisher
/// wrote there.
#[cold]
pub fn applying(parent: &[u8], position: LogPosition) -> Option<Span> {
    let parent = Parent::parse(std::str::from_utf8(parent).ok()?)?;
    let span = tracing::info_span!(
        target: TRACE,
        parent: None,
        "apply",
        otel.name = "apply revocation",
        otel.kind = "consumer",
        usher.epoch = position.epoch,
        usher.sequence = position.seq,
    );
    telemetry::parent(&span, parent);
    Some(span)
}
