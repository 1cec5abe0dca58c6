//! The output of commands, and their failures.

use std::fmt;
use std::io::Write as _;

/// Why a command failed: one sentence that says what to do, or one line for each configuration error.
pub(super) type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The command was used in a wrong way: exit code 2, as for arguments that cannot be parsed.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct UsageError(pub(super) &'static str);

/// Prints one line to standard output.
pub(super) fn say(line: fmt::Arguments<'_>) -> Result<(), Failure> {
    Ok(writeln!(std::io::stdout(), "{line}")?)
}
