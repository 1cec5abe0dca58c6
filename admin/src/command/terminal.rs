//! The output of commands, and their failures.

use std::fmt;
use std::io::Write as _;

/// Why a command failed: one sentence that says what to do, or one line for each configuration error.
pub(super) type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Prints one line to standard output.
pub(super) fn say(line: fmt::Arguments<'_>) -> Result<(), Failure> {
    Ok(writeln!(std::io::stdout(), "{line}")?)
}
