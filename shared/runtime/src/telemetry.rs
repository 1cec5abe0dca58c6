//! Log lines and traces.
//!
//! Both come from `tracing`: spans with the target [`TRACE`] become traces and never appear in the log; everything else
//! is for the log.
//!
//! Low to high: `layer`, `levels`, `logs`; `exporter`, `traces`; `trace_context`.

mod exporter;
mod layer;
mod levels;
mod logs;
mod trace_context;
mod traces;

use layer::is_trace;
use logs::BackgroundLog;
use tracing::Metadata;
use tracing_subscriber::filter::FilterFn;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer, Registry};

pub use layer::TRACE;
pub use levels::{Levels, LevelsError};
pub use logs::{LogConfig, LogFormat};
pub use trace_context::{Parent, TRACEPARENT, parent, rename, trace_id, traceparent};
pub use traces::{TraceConfig, TracesError};

/// Running telemetry. [`Self::end`] must be called last.
#[must_use = "without its end the last traces are not sent"]
#[derive(Debug)]
pub struct Telemetry {
    levels: Levels,
    provider: Option<traces::TraceSender>,
    lines: BackgroundLog,
}

/// Starts logs and traces for the whole process. Must be called within a runtime, which sends the traces. A second call
/// changes nothing.
///
/// # Errors
///
/// If traces cannot be sent at all. An unreachable receiver is not an error, now or later.
pub fn start(logs: &LogConfig, traces: &TraceConfig) -> Result<Telemetry, TracesError> {
    let (lines, levels, log) = logs.in_background();
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
    // Only a test binary starts telemetry twice; it then uses the first.
    let _already_started = Registry::default().with(lines).with(spans).try_init();
    Ok(Telemetry { levels, provider, lines: log })
}

impl Telemetry {
    /// The levels of the log.
    pub fn levels(&self) -> Levels {
        self.levels.clone()
    }

    /// Sends and writes what is left, for a few seconds at most.
    pub async fn end(self) {
        if let Some(provider) = self.provider {
            provider.end().await;
        }
        // The last, because the sending may log.
        self.lines.end();
    }
}
