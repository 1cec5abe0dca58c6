//! Which log lines are written, changed while the program runs.

use std::sync::{Arc, Mutex, PoisonError};

use http::{Method, StatusCode};
use tracing::Level;
use tracing_appender::non_blocking::ErrorCounter;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// Which lines are written, changeable while the program runs; and how many were not. Cheap to clone.
#[derive(Clone, Default)]
pub struct Levels(Option<Arc<Running>>);

/// Puts another filter in the place of the one there is.
type Reload = Box<dyn Fn(EnvFilter) -> Result<(), String> + Send + Sync>;

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
    pub(super) fn new(
        current: &str,
        reload: impl Fn(EnvFilter) -> Result<(), String> + Send + Sync + 'static,
        lost: Option<ErrorCounter>,
    ) -> Self {
        let running = Running { current: Mutex::new(current.to_owned()), reload: Box::new(reload), lost };
        Self(Some(Arc::new(running)))
    }

    /// Answers `/log-levels` at the listener for operators, with the text of the answer: GET tells what is written; PUT, with
    /// levels as the query, makes it these, for a program on this machine alone.
    pub fn answer(&self, method: &Method, query: &str, is_near: bool) -> (StatusCode, String) {
        let refused = |status, why: &str| (status, format!("{why}\n"));
        match *method {
            Method::GET | Method::HEAD => (StatusCode::OK, format!("{}\n", self.current())),
            Method::PUT if !is_near => refused(StatusCode::FORBIDDEN, "only from this machine or pod"),
            Method::PUT => match self.change(query) {
                Ok(()) => (StatusCode::OK, format!("{query}\n")),
                Err(error) => refused(StatusCode::BAD_REQUEST, &error.to_string()),
            },
            _ => refused(StatusCode::METHOD_NOT_ALLOWED, "only GET and PUT"),
        }
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

/// Reads one level for all, and others for targets. `EnvFilter` alone takes `inof` for a target, and turns off whatever is
/// not named.
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

    #[test]
    fn only_a_program_on_this_machine_changes_the_log() {
        let ask = |method, is_near| Levels::default().answer(&method, "info", is_near).0;
        assert_eq!(ask(Method::PUT, false), StatusCode::FORBIDDEN);
        // Nothing is logged here, so that there is nothing to change.
        assert_eq!(ask(Method::PUT, true), StatusCode::BAD_REQUEST);
        assert_eq!(ask(Method::GET, false), StatusCode::OK);
        assert_eq!(ask(Method::DELETE, true), StatusCode::METHOD_NOT_ALLOWED);
    }

    proptest! {
        #[test]
        fn any_text_is_a_list_of_levels_or_none_without_panic(text in "\\PC{0,40}", list in "[a-z=,:\\[\\]{}]{0,40}") {
            let (_, _) = (filter_of(&text), filter_of(&list));
        }
    }
}
