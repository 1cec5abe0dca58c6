//! The form of log lines, and where they are written.

use std::io::{Stderr, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tracing::Metadata;
use tracing_appender::non_blocking::{ErrorCounter, NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::filter::{FilterExt as _, FilterFn};
use tracing_subscriber::fmt::writer::BoxMakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, Registry, reload};

use super::layer::{AnyLayer, Spans, is_trace};
use super::levels::{Levels, filter_of};
use crate::env::Reader;
use crate::last_lines;

/// How a log line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object per line, for machines.
    Json,
    /// One sentence and its fields per line, for people.
    Text,
}

/// The thread that writes the log.
#[derive(Debug)]
pub(super) struct BackgroundLog {
    guard: WorkerGuard,
    logged: Arc<AtomicU64>,
    written: Arc<AtomicU64>,
}

/// Standard error, with a count of the lines that it has taken.
struct CountedErrors {
    written: Arc<AtomicU64>,
    errors: Stderr,
}

impl BackgroundLog {
    /// Writes what is left, for a second at most.
    pub(super) fn end(self) {
        let Self { guard, logged, written } = self;
        // It prints its own complaint when it gives up, which may block as well.
        if !last_lines::in_time(move || drop(guard)) {
            let left = logged.load(Ordering::Relaxed).saturating_sub(written.load(Ordering::Relaxed));
            last_lines::write_at_once(&format!(
                "{left} log lines were not written, because the output is not read."
            ));
        }
    }
}

impl Write for CountedErrors {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.errors.write(bytes)
    }

    /// The thread calls this once for each line.
    fn write_all(&mut self, line: &[u8]) -> std::io::Result<()> {
        self.errors.write_all(line)?;
        self.written.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.errors.flush()
    }
}

/// The levels of the log, and its format.
#[derive(Debug, Clone)]
pub struct LogConfig {
    format: LogFormat,
    filter: String,
}

impl LogConfig {
    /// Reads `<prefix>_LOG_FORMAT` (`json` or `text`) and `<prefix>_LOG` (levels by target).
    pub fn read(reader: &mut Reader<'_>, prefix: &str) -> Self {
        let format = reader.or(&format!("{prefix}_LOG_FORMAT"), LogFormat::Json, |text| match text {
            "json" => Ok(LogFormat::Json),
            "text" => Ok(LogFormat::Text),
            _ => Err("must be json or text".to_owned()),
        });
        let filter = reader.or(&format!("{prefix}_LOG"), "info".to_owned(), |text| {
            filter_of(text)
                .map(|_| text.to_owned())
                .ok_or("must be one level such as info, or a list such as info,admin=debug")
        });
        Self { format, filter }
    }

    /// For commands on a terminal: text, and warnings only.
    pub fn for_terminal() -> Self {
        Self { format: LogFormat::Text, filter: "warn".to_owned() }
    }

    /// Starts logging to standard error, for the whole process. A second call changes nothing. For commands: each line is
    /// written before the program continues.
    pub fn start(&self) {
        let (lines, _levels) = self.layer(BoxMakeWriter::new(std::io::stderr), None);
        // Only a test binary starts it twice; it then uses the first.
        let _already_started = Registry::default().with(lines).try_init();
    }

    /// The same for servers: a separate thread writes, so that a blocked standard error delays no request. Lines that do
    /// not fit into its queue are dropped and counted.
    pub(super) fn in_background<S: Spans>(&self) -> (AnyLayer<S>, Levels, BackgroundLog) {
        let builder = NonBlockingBuilder::default().buffered_lines_limit(MAX_QUEUED_LINES).lossy(true);
        let written = Arc::new(AtomicU64::new(0));
        let errors = CountedErrors { written: Arc::clone(&written), errors: std::io::stderr() };
        let (writer, guard): (NonBlocking, _) = builder.thread_name("log").finish(errors);
        let lost = writer.error_counter();
        let logged = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&logged);
        let writer = BoxMakeWriter::new(move || {
            counted.fetch_add(1, Ordering::Relaxed);
            writer.clone()
        });
        let (lines, levels) = self.layer(writer, Some(lost));
        (lines, levels, BackgroundLog { guard, logged, written })
    }

    /// The layer that writes the lines, and the handle that changes their levels.
    fn layer<S: Spans>(&self, writer: BoxMakeWriter, lost: Option<ErrorCounter>) -> (AnyLayer<S>, Levels) {
        let lines = tracing_subscriber::fmt::layer().with_writer(writer).with_target(true);
        let (filter, handle) = reload::Layer::new(EnvFilter::new(&self.filter));
        let reload = move |filter| handle.reload(filter).map_err(|error| error.to_string());
        let levels = Levels::new(&self.filter, reload, lost);
        let wanted = filter.and(FilterFn::new(is_not_trace as fn(&Metadata<'_>) -> bool));
        let lines = match self.format {
            LogFormat::Json => {
                lines.json().flatten_event(true).with_span_list(false).with_filter(wanted).boxed()
            }
            LogFormat::Text => lines.with_ansi(false).with_filter(wanted).boxed(),
        };
        (lines, levels)
    }
}

fn is_not_trace(metadata: &Metadata<'_>) -> bool {
    !is_trace(metadata)
}

/// The most lines that wait to be written: about half a megabyte.
const MAX_QUEUED_LINES: usize = 2048;
