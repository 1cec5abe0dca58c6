//! `try`: a tour of the running system that shows each request and its response.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use harness::Error;
use harness::error::Doing as _;

use crate::assignments::{RunningSystem, quote};

/// Shows what an access token opens, and for how long.
#[derive(Debug, clap::Args)]
pub(crate) struct Try {
    /// The file that `up` wrote.
    #[arg(long)]
    env_file: PathBuf,
    /// The script that called this one, shown in the commands.
    #[arg(long)]
    launcher: PathBuf,
}

/// A command, and why it is run.
struct Step {
    why: &'static str,
    command: String,
}

impl Try {
    pub(crate) fn run(self) -> Result<ExitCode, Error> {
        let gateway = RunningSystem::read(&self.env_file)?.value("GATEWAY_URL")?;
        let script = script(&steps(&gateway, &self.launcher));
        let status = Command::new("sh").args(["-ec", &script]).status();
        let status = status.doing(|| "sh cannot be executed".to_owned())?;
        Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// In the order in which one shell runs them.
///
/// The header with the token is passed through a pipe: it is in no argument, because every user of the machine
/// could read it.
fn steps(gateway: &str, launcher: &Path) -> Vec<Step> {
    let launcher = word(&launcher.display().to_string());
    let curl = "curl -sw 'status %{http_code}\\n'";
    let signed_in = "printf '%s\\n' \"$header\" | ";
    let step = |why, command| Step { why, command };
    vec![
        step("The genres are public:", format!("{curl} {gateway}/api/v1/genres/")),
        step(
            "Watching requires a signed-in subscriber; without a token it is 401:",
            format!("{curl} {gateway}/api/v1/watch/metropolis"),
        ),
        step(
            "Sign in. This prints the header `Authorization: Bearer ...`:",
            format!("header=$({launcher} sign-in subscriber)"),
        ),
        step(
            "With the token it is 200, and the cinema receives the user's ID and roles:",
            format!("{signed_in}{curl} -H @- {gateway}/api/v1/watch/metropolis"),
        ),
        step(
            "Sign out; the response is 204, without a body:",
            format!("{signed_in}{curl} -H @- -X POST {gateway}/api/v1/auth/logout"),
        ),
        step(
            "The same token is refused at once, although it has not expired:",
            format!("{signed_in}{curl} -H @- {gateway}/api/v1/watch/metropolis"),
        ),
        step("Operators have the commands of admin:", format!("{launcher} admin keys list")),
        step(
            "Or the API, with a superuser's token:",
            format!("{launcher} sign-in superuser | {curl} -H @- {gateway}/api/v1/roles"),
        ),
    ]
}

/// Prints each step and runs it.
fn script(steps: &[Step]) -> String {
    let step = |step: &Step| {
        let told = quote(&format!("\n{}\n  $ {}", step.why, step.command));
        format!("printf '%s\\n' {told}\n{}\n", step.command)
    };
    steps.iter().map(step).collect()
}

/// `text`, quoted if a shell would not read it as one plain word.
pub(super) fn word(text: &str) -> String {
    let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte));
    if plain { text.to_owned() } else { quote(text) }
}
