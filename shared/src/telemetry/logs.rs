//! Where log lines go and what they look like.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::env::Reader;

/// How a log line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One JSON object a line, for machines.
    Json,
    /// One sentence and its fields a line, for people.
    Text,
}

/// What to log, and how.
#[derive(Debug, Clone)]
pub struct Logs {
    format: Format,
    filter: String,
}

impl Logs {
    /// Reads `<prefix>_LOG_FORMAT` (`json` or `text`) and `<prefix>_LOG` (levels by target).
    pub fn read(reader: &mut Reader<'_>, prefix: &str) -> Self {
        let format = reader.or(&format!("{prefix}_LOG_FORMAT"), Format::Json, |text| match text {
            "json" => Ok(Format::Json),
            "text" => Ok(Format::Text),
            _ => Err("it is json or text".to_owned()),
        });
        let filter = reader.or(&format!("{prefix}_LOG"), "info".to_owned(), |text| {
            EnvFilter::try_new(text)
                .map(|_| text.to_owned())
                .map_err(|_| "it is a level such as info, or a list such as info,admin=debug".to_owned())
        });
        Self { format, filter }
    }

    /// For commands that talk to a person: text, and warnings only.
    pub fn for_a_person() -> Self {
        Self { format: Format::Text, filter: "warn".to_owned() }
    }

    /// Starts logging to standard error, for the whole process. A second call changes nothing.
    pub fn start(&self) {
        let registry = tracing_subscriber::registry().with(EnvFilter::new(&self.filter));
        let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_target(true);
        // Only a test binary starts it twice, and the first one serves it as well.
        let _already_started = match self.format {
            Format::Json => registry.with(lines.json().flatten_event(true).with_span_list(false)).try_init(),
            Format::Text => registry.with(lines.with_ansi(false)).try_init(),
        };
    }
}
