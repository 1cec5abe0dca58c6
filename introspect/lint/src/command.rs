//! `introspect lint-nginx`: its arguments, and its exit codes.

use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use runtime::env::EXIT_USAGE;

use crate::check::{LintOutcome, lint};
use crate::finding::Severity;
use crate::report;

/// Check nginx's configuration for what leaves a location open, spoofable or slow.
///
/// Reads the output of `nginx -T`. The exit code is 0 without errors, 1 with errors, and 64 if the input cannot be read.
#[derive(Debug, Args)]
pub struct LintNginx {
    /// A file with the output of `nginx -T`; standard input by default.
    file: Option<PathBuf>,
    /// The format of the output.
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    format: OutputFormat,
    /// Exit with 1 for warnings too.
    #[arg(long)]
    strict: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum OutputFormat {
    /// Three lines for each finding.
    Text,
    /// A JSON object for each finding, one per line.
    Json,
}

impl LintNginx {
    /// Runs it, and returns its exit code.
    pub fn run(self) -> ExitCode {
        let read = match &self.file {
            Some(file) => read_file(file),
            None => read_input(),
        };
        match read.and_then(|dump| lint(&dump).map_err(|error| error.to_string())) {
            Ok(outcome) => self.print(&outcome),
            Err(why) => {
                let _written = writeln!(io::stderr(), "introspect: {why}");
                ExitCode::from(EXIT_USAGE)
            }
        }
    }

    fn print(&self, outcome: &LintOutcome) -> ExitCode {
        let text = match self.format {
            OutputFormat::Text => report::text(outcome),
            OutputFormat::Json => report::json(outcome),
        };
        // A reader that closes early, such as `head`, does not change the exit code.
        let _written = io::stdout().write_all(text.as_bytes());
        let counts = |severity| self.strict || severity == Severity::Error;
        let bad = outcome.findings.iter().any(|finding| counts(finding.severity));
        if bad { ExitCode::FAILURE } else { ExitCode::SUCCESS }
    }
}

/// nginx's files may contain bytes that are not UTF-8, for example in comments; no rule is about them.
fn read_file(file: &Path) -> Result<String, String> {
    let bytes = std::fs::read(file).map_err(|error| format!("{}: {error}.", file.display()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn read_input() -> Result<String, String> {
    let mut bytes = Vec::new();
    io::stdin().read_to_end(&mut bytes).map_err(|error| format!("standard input: {error}."))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
