//! The span of applying a revocation, in the trace of the request that caused it.

use runtime::telemetry::{self, Parent, TRACE};
use shared::revocation::LogPosition;
use tracing::Span;

/// A span for the record at `position`; `parent` is the traceparent that its publisher wrote into the log.
#[cold]
pub(super) fn begin(parent: &[u8], position: LogPosition) -> Option<Span> {
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
