//! The input and output of commands, and their failures.

use std::fmt;
use std::fs::File;
use std::io::{Read, Write as _};
use std::path::Path;

use jiff::Timestamp;

/// Why a command failed: one sentence that says what to do, or one line for each configuration error.
pub(super) type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The command was used in a wrong way: exit code 2, as for arguments that cannot be parsed.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct UsageError(pub(super) &'static str);

/// Prints rows below a heading, in columns. Characters that a terminal may obey are shown as `?`.
pub(super) fn table<const N: usize>(
    heading: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> Result<(), Failure> {
    let shown = |cell: String| cell.replace(|letter: char| letter.is_control(), "?");
    let rows: Vec<[String; N]> =
        [heading.map(str::to_owned)].into_iter().chain(rows.into_iter().map(|row| row.map(shown))).collect();
    let width = |cell: &String| cell.chars().count();
    let mut widths = [0; N];
    for row in &rows {
        widths.iter_mut().zip(row).for_each(|(widest, cell)| *widest = width(cell).max(*widest));
    }
    rows.iter().try_for_each(|row| {
        let cells: Vec<_> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        say(format_args!("{}", cells.join("  ").trim_end()))
    })
}

/// A moment as a table shows it.
pub(super) fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

/// Prints one line to standard output.
pub(super) fn say(line: fmt::Arguments<'_>) -> Result<(), Failure> {
    Ok(writeln!(std::io::stdout(), "{line}")?)
}

/// A file that was named as an argument; - is standard input.
pub(super) fn open(file: &Path) -> Result<Box<dyn Read>, Failure> {
    if file == Path::new("-") {
        return Ok(Box::new(std::io::stdin()));
    }
    let opened = File::open(file);
    Ok(Box::new(opened.map_err(|error| format!("cannot open {}: {error}", file.display()))?))
}
