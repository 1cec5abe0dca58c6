//! `introspect lint-nginx`: what it is given, and how it ends.

use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use runtime::env::EXIT_USAGE;

use crate::check::{LintOutcome, lint};
use crate::finding::Severity;
use crate::report;

/// Finds what in nginx's configuration leaves a location open, spoofable or slow.
///
/// Reads what `nginx -T` prints. Ends with 0 when there is no error, 1 when there is one, and 64 when the input is
/// not understood.
#[derive(Debug, Args)]
pub struct LintNginx {
    /// What `nginx -T` printed; standard input when not given.
    file: Option<PathBuf>,
    /// How findings are printed.
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    format: OutputFormat,
    /// Ends with 1 for warnings too.
    #[arg(long)]
    strict: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum OutputFormat {
    /// Three lines a finding.
    Text,
    /// A JSON object a finding, each on its line.
    Json,
}

impl LintNginx {
    /// Runs it and says how it ended.
    pub fn run(self) -> ExitCode {
        let read = match &self.file {
            Some(file) => read_file(file),
            None => read_input(),
        };
        match read.and_then(|dump| lint(&dump).map_err(|error| error.to_string())) {
            Ok(outcome) => self.tell(&outcome),
            Err(why) => {
                let _unheard = writeln!(io::stderr(), "introspect: {why}");
                ExitCode::from(EXIT_USAGE)
            }
        }
    }

    fn tell(&self, outcome: &LintOutcome) -> ExitCode {
        let text = match self.format {
            OutputFormat::Text => report::text(outcome),
            OutputFormat::Json => report::json(outcome),
        };
        // A reader that has seen enough, such as `head`, does not change what was found.
        let _unheard = io::stdout().write_all(text.as_bytes());
        let counts = |severity| self.strict || severity == Severity::Error;
        let bad = outcome.findings.iter().any(|finding| counts(finding.severity));
        if bad { ExitCode::FAILURE } else { ExitCode::SUCCESS }
    }
}

/// nginx's files may hold bytes that are not UTF-8, in comments say; no rule is about them.
fn read_file(file: &Path) -> Result<String, String> {
    let bytes = std::fs::read(file).map_err(|error| format!("{}: {error}.", file.display()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn read_input() -> Result<String, String> {
    let mut bytes = Vec::new();
    io::stdin().read_to_end(&mut bytes).map_err(|error| format!("standard input: {error}."))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
