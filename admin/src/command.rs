//! What a person types: one file a command.

mod audit;
mod keys;
mod migrate;
mod prompt;
mod roles;
mod serve;
mod sessions;
mod superuser;

use std::fmt;
use std::io::Write as _;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use shared::env::{EXIT_USAGE, Mistakes, ProcessVars, Vars};
use shared::health;
use shared::telemetry::Logs;

use crate::config::{self, CommandConfig, Config};

/// Signs people in, and out again.
#[derive(Debug, Parser)]
#[command(name = "admin", version, arg_required_else_help = false)]
pub struct Command {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Serve the API (the default).
    Serve,
    /// Ask the service that runs with these variables whether it is ready; 0 if it is.
    Health,
    /// Bring the database schema up to date.
    Migrate,
    /// Superusers.
    #[command(subcommand)]
    Superuser(superuser::Action),
    /// Signing keys.
    #[command(subcommand)]
    Keys(keys::Action),
    /// Roles.
    #[command(subcommand)]
    Roles(roles::Action),
    /// Sessions.
    #[command(subcommand)]
    Sessions(sessions::Action),
    /// The audit log.
    #[command(subcommand)]
    Audit(audit::Action),
}

/// Why a command failed: one sentence that says what to do, or a line a mistake of the configuration.
type Failure = Box<dyn std::error::Error + Send + Sync>;

impl Command {
    /// Runs it and says how it ended: 0, 64 for the configuration, 1 for anything else.
    pub async fn run(self) -> ExitCode {
        match self.act(&ProcessVars).await {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) if failure.is::<Mistakes>() => {
                let _unheard = writeln!(std::io::stderr(), "admin: the configuration is wrong.\n{failure}");
                ExitCode::from(EXIT_USAGE)
            }
            Err(failure) => {
                let _unheard = writeln!(std::io::stderr(), "admin: {failure}");
                ExitCode::FAILURE
            }
        }
    }

    async fn act(self, vars: &dyn Vars) -> Result<(), Failure> {
        match self.action.unwrap_or(Action::Serve) {
            Action::Serve => serve::run(Config::from_vars(vars)?).await,
            Action::Health => health::check(vars, config::OPS_LISTEN, config::usual_ops_address()),
            Action::Migrate => {
                Logs::for_a_person().start();
                migrate::run(vars).await
            }
            Action::Superuser(action) => superuser::run(action, for_a_person(vars)?).await,
            Action::Keys(action) => keys::run(action, for_a_person(vars)?).await,
            Action::Roles(action) => roles::run(action, for_a_person(vars)?).await,
            Action::Sessions(action) => sessions::run(action, for_a_person(vars)?).await,
            Action::Audit(action) => audit::run(action, for_a_person(vars)?).await,
        }
    }
}

/// The configuration of a command that talks to a person.
fn for_a_person(vars: &dyn Vars) -> Result<CommandConfig, Failure> {
    let config = CommandConfig::from_vars(vars)?;
    Logs::for_a_person().start();
    Ok(config)
}

/// One line to standard output.
fn say(line: fmt::Arguments<'_>) -> Result<(), Failure> {
    Ok(writeln!(std::io::stdout(), "{line}")?)
}

/// Lets a panic leave a log line with its place, and not its words, which may quote what nobody should read.
pub fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "A panic. This is a mistake in the program; please report the place.");
    }));
}
