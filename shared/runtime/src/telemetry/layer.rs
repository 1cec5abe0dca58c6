//! Divides `tracing`'s spans and events between the log and the traces.

use tracing::{Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::registry::LookupSpan;

/// The target of spans that are part of a trace.
pub const TRACE: &str = "trace";

/// Whether something is part of a trace, and so not for the log.
pub(super) fn is_trace(metadata: &Metadata<'_>) -> bool {
    metadata.is_span() && metadata.target() == TRACE
}

/// Any layer for a registry.
pub(super) type AnyLayer<S> = Box<dyn Layer<S> + Send + Sync>;

/// A subscriber that stores spans.
pub(super) trait Spans: Subscriber + for<'s> LookupSpan<'s> {}

impl<S: Subscriber + for<'s> LookupSpan<'s>> Spans for S {}
