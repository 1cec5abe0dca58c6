//! The levels of the log, which can be changed while the program runs.

use std::sync::{Arc, Mutex, PoisonError};

use tracing::Level;
use tracing_appender::non_blocking::ErrorCounter;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// The current levels, and how many lines were dropped. Cheap to clone.
#[derive(Clone, Default)]
pub struct Levels(Option<Arc<RunningLevels>>);

/// Replaces the current filter.
type Reload = Box<dyn Fn(EnvFilter) -> Result<(), String> + Send + Sync>;

struct RunningLevels {
    current: Mutex<String>,
    reload: Reload,
    dropped: Option<ErrorCounter>,
}

/// Why the levels were not changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LevelsError {
    /// The text is not a list of levels.
    #[error(
        "must be one level such as info, or a list such as info,admin=debug, of at most {MAX_LEVELS} bytes"
    )]
    Malformed,
    /// The log was not started, or has ended.
    #[error("the levels of the log cannot be changed: {0}")]
    Fixed(String),
}

/// The longest list of levels, in bytes.
const MAX_LEVELS: usize = 1000;

impl Levels {
    pub(super) fn new(
        current: &str,
        reload: impl Fn(EnvFilter) -> Result<(), String> + Send + Sync + 'static,
        dropped: Option<ErrorCounter>,
    ) -> Self {
        let running =
            RunningLevels { current: Mutex::new(current.to_owned()), reload: Box::new(reload), dropped };
        Self(Some(Arc::new(running)))
    }

    /// How many lines were dropped because too many waited.
    pub fn dropped_lines(&self) -> u64 {
        let dropped =
            self.0.as_ref().and_then(|running| running.dropped.as_ref()).map(ErrorCounter::dropped_lines);
        u64::try_from(dropped.unwrap_or(0)).unwrap_or(u64::MAX)
    }

    /// The current levels, as text.
    pub fn current(&self) -> String {
        let text =
            self.0.as_ref().map(|all| all.current.lock().unwrap_or_else(PoisonError::into_inner).clone());
        text.unwrap_or_default()
    }

    /// Changes them until the program ends. The text has the form of `<PROGRAM>_LOG`.
    ///
    /// # Errors
    ///
    /// If the text does not have this form, or nothing is logged.
    pub fn change(&self, text: &str) -> Result<(), LevelsError> {
        if text.len() > MAX_LEVELS {
            return Err(LevelsError::Malformed);
        }
        let filter = filter_of(text).ok_or(LevelsError::Malformed)?;
        let all = self.0.as_ref().ok_or_else(|| LevelsError::Fixed("it was not started".to_owned()))?;
        let mut current = all.current.lock().unwrap_or_else(PoisonError::into_inner);
        // Before the change and as a warning, so that a change that turns lines off is logged itself.
        tracing::warn!(from = *current, to = text, "Log levels changed.");
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

/// Reads one level for everything, and others for targets. `EnvFilter` alone takes `inof` for a target, and turns off
/// everything that is not named.
pub(super) fn filter_of(text: &str) -> Option<EnvFilter> {
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_level_is_for_all_and_others_are_for_targets() {
        for valid in ["info", "TRACE", "warn,admin=debug", "admin::sessions=off,error,hyper_util=warn"] {
            assert!(filter_of(valid).is_some(), "{valid}");
        }
    }

    #[test]
    fn a_list_without_a_default_level_is_refused() {
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
