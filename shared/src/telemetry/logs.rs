//! Where log lines go and what they look like.

use std::sync::{Arc, Mutex, PoisonError};

use tracing::{Level, Metadata};
use tracing_appender::non_blocking::{ErrorCounter, NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::filter::{FilterExt as _, FilterFn, LevelFilter};
use tracing_subscriber::fmt::writer::BoxMakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, Registry, reload};

use super::{AnyLayer, Spans, is_trace};
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
            filter_of(text)
                .map(|_| text.to_owned())
                .ok_or("it is a level such as info, or a list such as info,admin=debug")
        });
        Self { format, filter }
    }

    /// For commands that talk to a person: text, and warnings only.
    pub fn for_a_person() -> Self {
        Self { format: Format::Text, filter: "warn".to_owned() }
    }

    /// Starts logging to standard error, for the whole process. A second call changes nothing. For commands: a line is
    /// written before the program goes on.
    pub fn start(&self) {
        let (lines, _levels) = self.layer(BoxMakeWriter::new(std::io::stderr), None);
        // Only a test binary starts it twice, and the first one serves it as well.
        let _already_started = Registry::default().with(lines).try_init();
    }

    /// The same for what answers: a thread of its own writes, so that a log that nobody takes holds nothing up. What is
    /// too much for it is counted and gone. The guard's end waits until all is written, for a second at most.
    pub(super) fn unhurried<S: Spans>(&self) -> (AnyLayer<S>, Levels, WorkerGuard) {
        let builder = NonBlockingBuilder::default().buffered_lines_limit(WAITING).lossy(true);
        let (writer, guard): (NonBlocking, _) = builder.thread_name("log").finish(std::io::stderr());
        let lost = writer.error_counter();
        let (lines, levels) = self.layer(BoxMakeWriter::new(writer), Some(lost));
        (lines, levels, guard)
    }

    /// What writes the lines, and what changes which.
    fn layer<S: Spans>(&self, writer: BoxMakeWriter, lost: Option<ErrorCounter>) -> (AnyLayer<S>, Levels) {
        let lines = tracing_subscriber::fmt::layer().with_writer(writer).with_target(true);
        let (filter, handle) = reload::Layer::new(EnvFilter::new(&self.filter));
        let reload = move |filter| handle.reload(filter).map_err(|error| error.to_string());
        let levels = Levels::new(&self.filter, reload, lost);
        let wanted = filter.and(FilterFn::new(is_no_trace as fn(&Metadata<'_>) -> bool));
        let lines = match self.format {
            Format::Json => {
                lines.json().flatten_event(true).with_span_list(false).with_filter(wanted).boxed()
            }
            Format::Text => lines.with_ansi(false).with_filter(wanted).boxed(),
        };
        (lines, levels)
    }
}

fn is_no_trace(metadata: &Metadata<'_>) -> bool {
    !is_trace(metadata)
}

/// Reads one level for all, and others for targets. `EnvFilter` alone takes `inof` for a target, and turns off whatever is
/// not named.
fn filter_of(text: &str) -> Option<EnvFilter> {
    let mut for_all = 0;
    for part in text.split(',') {
        let fits = match part.split_once('=') {
            Some((target, level)) => is_target(target) && level.parse::<LevelFilter>().is_ok(),
            None => {
                for_all += 1;
                part.parse::<Level>().is_ok()
            }
        };
        if !fits {
            return None;
        }
    }
    if for_all == 1 { EnvFilter::try_new(text).ok() } else { None }
}

fn is_target(text: &str) -> bool {
    let is_part = |letter: u8| letter.is_ascii_alphanumeric() || matches!(letter, b'_' | b'-' | b':');
    !text.is_empty() && text.bytes().all(is_part)
}

/// Puts another filter in the place of the one there is.
type Reload = Box<dyn Fn(EnvFilter) -> Result<(), String> + Send + Sync>;

/// Lines that wait to be written at most: about half a megabyte.
const WAITING: usize = 2048;

/// Which lines are written, changeable while the program runs; and how many were not. Cheap to clone.
#[derive(Clone, Default)]
pub struct Levels(Option<Arc<Running>>);

struct Running {
    current: Mutex<String>,
    reload: Reload,
    lost: Option<ErrorCounter>,
}

/// Why the levels stay as they are.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LevelsError {
    /// The text.
    #[error("it is a level such as info, or a list such as info,admin=debug, of at most {MAX_LEVELS} bytes")]
    Malformed,
    /// Nothing was started, or it has ended.
    #[error("the log cannot be changed: {0}")]
    Fixed(String),
}

/// The longest text of levels.
const MAX_LEVELS: usize = 1000;

impl Levels {
    fn new(
        current: &str,
        reload: impl Fn(EnvFilter) -> Result<(), String> + Send + Sync + 'static,
        lost: Option<ErrorCounter>,
    ) -> Self {
        let running = Running { current: Mutex::new(current.to_owned()), reload: Box::new(reload), lost };
        Self(Some(Arc::new(running)))
    }

    /// Lines that were not written because too many waited.
    pub fn lost(&self) -> u64 {
        let lost = self.0.as_ref().and_then(|running| running.lost.as_ref()).map(ErrorCounter::dropped_lines);
        u64::try_from(lost.unwrap_or(0)).unwrap_or(u64::MAX)
    }

    /// As they are.
    pub fn current(&self) -> String {
        let text =
            self.0.as_ref().map(|all| all.current.lock().unwrap_or_else(PoisonError::into_inner).clone());
        text.unwrap_or_default()
    }

    /// Changes them, in the form of `<PROGRAM>_LOG`, until the program ends.
    ///
    /// # Errors
    ///
    /// When the text has no such form, or nothing is logged.
    pub fn change(&self, text: &str) -> Result<(), LevelsError> {
        if text.len() > MAX_LEVELS {
            return Err(LevelsError::Malformed);
        }
        let filter = filter_of(text).ok_or(LevelsError::Malformed)?;
        let all = self.0.as_ref().ok_or_else(|| LevelsError::Fixed("it was not started here".to_owned()))?;
        let mut current = all.current.lock().unwrap_or_else(PoisonError::into_inner);
        // Before, and loud: whoever turns lines off is not to turn this one off.
        tracing::warn!(from = *current, to = text, "The levels of the log are changed.");
        (all.reload)(filter).map_err(LevelsError::Fixed)?;
        text.clone_into(&mut current);
        Ok(())
    }
}

impl std::fmt::Debug for Levels {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Levels").field(&self.current()).finish()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_level_is_for_all_and_others_are_for_targets() {
        for good in ["info", "TRACE", "warn,admin=debug", "admin::sessions=off,error,hyper_util=warn"] {
            assert!(filter_of(good).is_some(), "{good}");
        }
    }

    #[test]
    fn what_would_turn_off_what_is_not_named_is_refused() {
        for bad in [
            "",
            "inof",
            "off",
            "admin=debug",
            "admin::sessions",
            "info,debug",
            "info,",
            "info,a=b",
            "[",
            "a=b=c",
        ] {
            assert!(filter_of(bad).is_none(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_list_of_levels_or_none_without_panic(text in "\\PC{0,40}", list in "[a-z=,:\\[\\]{}]{0,40}") {
            let (_, _) = (filter_of(&text), filter_of(&list));
        }
    }
}
