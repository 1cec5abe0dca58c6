//! `introspect lint-nginx`: its arguments, and its exit codes.

use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use runtime::env::EXIT_USAGE;

use crate::check::{LintOutcome, lint};
use crate::finding::{Rule, Severity};
use crate::source::text;
use crate::{report, rules};

/// A part of the configuration cannot be read: whether it is safe is unknown.
const EXIT_UNREAD: u8 = 2;

/// Check by which ways requests reach the programs behind nginx, and what leaves them open, spoofable or slow.
///
/// Reads the output of `nginx -T`. The exit code is 0 if nothing is wrong, 1 if a way is open or another rule finds an error,
/// 2 if the configuration or a part of it cannot be read, and 64 for wrong usage.
#[derive(Debug, Args)]
pub struct LintNginx {
    /// A file with the output of `nginx -T`; standard input by default, and for `-`.
    file: Option<PathBuf>,
    /// Print one JSON object, for programs.
    #[arg(long)]
    json: bool,
    /// Exit with 1 for warnings too.
    #[arg(long)]
    strict: bool,
    /// Print what a rule is about and what to write instead, and check nothing.
    #[arg(long, value_name = "RULE", value_parser = rule_of_name, conflicts_with_all = ["file", "json", "strict"])]
    explain: Option<&'static Rule>,
}

fn rule_of_name(name: &str) -> Result<&'static Rule, String> {
    let rule = rules::ALL.iter().find(|rule| rule.name == name).copied();
    rule.ok_or_else(|| {
        let names: Vec<_> = rules::ALL.iter().map(|rule| rule.name).collect();
        format!("must be one of {}", names.join(", "))
    })
}

impl LintNginx {
    /// Runs it, and returns its exit code.
    pub fn run(self) -> ExitCode {
        if let Some(rule) = self.explain {
            return print(&report::explain(rule), ExitCode::SUCCESS);
        }
        let read = match &self.file {
            Some(file) if file.as_os_str() != "-" => read_file(file),
            _ => read_input(),
        };
        match read.and_then(|dump| lint(&dump).map_err(|error| (error.to_string(), EXIT_UNREAD))) {
            Ok(outcome) => {
                let text = if self.json { report::json(&outcome) } else { report::text(&outcome) };
                print(&text, self.exit_code(&outcome))
            }
            Err((why, code)) => {
                let _written = writeln!(io::stderr(), "introspect: {why}");
                if self.json {
                    print(&report::json_error(&why), ExitCode::from(code))
                } else {
                    ExitCode::from(code)
                }
            }
        }
    }

    fn exit_code(&self, outcome: &LintOutcome) -> ExitCode {
        let has = |severity| outcome.findings.iter().any(|finding| finding.severity == severity);
        if has(Severity::Error) {
            ExitCode::FAILURE
        } else if has(Severity::Unread) {
            ExitCode::from(EXIT_UNREAD)
        } else if self.strict && has(Severity::Warning) {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        }
    }
}

/// A reader that closes early, such as `head`, does not change the exit code; a report that cannot be written does.
fn print(text: &str, code: ExitCode) -> ExitCode {
    let mut output = io::stdout().lock();
    match output.write_all(text.as_bytes()).and_then(|()| output.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            let _written = writeln!(io::stderr(), "introspect: standard output: {error}.");
            ExitCode::from(EXIT_UNREAD)
        }
        _ => code,
    }
}

/// A file that does not exist is a mistake of the command line.
fn read_file(file: &Path) -> Result<String, (String, u8)> {
    let bytes = std::fs::read(file).map_err(|error| (format!("{}: {error}.", file.display()), EXIT_USAGE))?;
    Ok(text(bytes))
}

fn read_input() -> Result<String, (String, u8)> {
    let mut bytes = Vec::new();
    let read = io::stdin().read_to_end(&mut bytes);
    read.map_err(|error| (format!("standard input: {error}."), EXIT_UNREAD))?;
    Ok(text(bytes))
}
