//! What the programs tell of themselves while they run: log lines, and traces.
//!
//! Both are made of `tracing`'s spans and events, and each sees its own: spans with the target [`TRACE`] are traces and
//! no log line has them; everything else is for the log.

mod exporter;
mod levels;
mod logs;
mod traces;

use tracing::{Metadata, Subscriber};
use tracing_appender::non_blocking::WorkerGuard;
use tracing_subscriber::filter::FilterFn;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer, Registry};

pub use levels::{Levels, LevelsError};
pub use logs::{Format, Logs};
pub use traces::{Parent, StartError, TRACEPARENT, Traces, parent, rename, trace_id, traceparent};

/// The content type of `/metrics`: the text format of `OpenMetrics`.
pub const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The target of spans that are part of a trace.
pub const TRACE: &str = "trace";

/// What runs until the program ends.
#[must_use = "without its end the last traces are not sent"]
#[derive(Debug)]
pub struct Telemetry {
    levels: Levels,
    provider: Option<traces::Provider>,
    /// Writes what waits when it ends.
    lines: WorkerGuard,
}

/// Starts both, for the whole process. Within a runtime, which sends the traces. A second call changes nothing.
///
/// # Errors
///
/// When traces cannot be sent at all. That nobody is there to take them is no error, now or later.
pub fn start(logs: &Logs, traces: &Traces) -> Result<Telemetry, StartError> {
    let (lines, levels, guard) = logs.unhurried();
    let (provider, tracer) = traces.provider()?.unzip();
    let spans = tracer.map(|tracer| {
        tracing_opentelemetry::layer()
            .with_tracer(tracer)
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false)
            .with_target(false)
            .with_level(false)
            .with_filter(FilterFn::new(is_trace as fn(&Metadata<'_>) -> bool))
    });
    // Only a test binary starts it twice, and the first one serves it as well.
    let _already_started = Registry::default().with(lines).with(spans).try_init();
    Ok(Telemetry { levels, provider, lines: guard })
}

impl Telemetry {
    /// Which lines are logged.
    pub fn levels(&self) -> Levels {
        self.levels.clone()
    }

    /// Sends and writes what is left, but waits for nobody for long.
    pub async fn end(self) {
        if let Some(provider) = self.provider {
            provider.end().await;
        }
        // The last, because the sending may have something to say.
        drop(self.lines);
    }
}

fn is_trace(metadata: &Metadata<'_>) -> bool {
    metadata.is_span() && metadata.target() == TRACE
}

/// A layer that may be put on a registry.
type AnyLayer<S> = Box<dyn Layer<S> + Send + Sync>;

trait Spans: Subscriber + for<'s> LookupSpan<'s> {}

impl<S: Subscriber + for<'s> LookupSpan<'s>> Spans for S {}
