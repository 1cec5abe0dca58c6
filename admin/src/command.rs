//! The command line: one file for each command.

mod audit;
mod keys;
mod migrate;
mod prompt;
mod roles;
mod serve;
mod sessions;
mod superuser;
mod terminal;

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Parser, Subcommand};
use runtime::env::{EXIT_USAGE, Mistakes, ProcessVars, Vars};
use runtime::health;
use runtime::telemetry::LogConfig;

use crate::config::{self, CommandConfig, Config};
use crate::context::Core;
use crate::random::SystemRandom;

use terminal::Failure;

/// Usher's sign-in service: registration, sign-in, sessions, roles.
#[derive(Debug, Parser)]
#[command(name = "admin", version, arg_required_else_help = true)]
pub struct Command {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Serve the API until a signal to stop.
    Serve,
    /// Check whether the service configured by these variables is ready; the exit code is 0 if it is.
    Health,
    /// Bring the database schema up to date.
    Migrate,
    /// Superusers.
    #[command(subcommand)]
    Superuser(superuser::Action),
    /// Manage signing keys.
    #[command(subcommand)]
    Keys(keys::Action),
    /// Manage roles.
    #[command(subcommand)]
    Roles(roles::Action),
    /// Manage sessions.
    #[command(subcommand)]
    Sessions(sessions::Action),
    /// Verify the audit log.
    #[command(subcommand)]
    Audit(audit::Action),
}

impl Command {
    /// Runs it and returns the exit code: 0, 64 for a configuration error, 1 for any other failure.
    pub async fn run(self) -> ExitCode {
        match self.act(&ProcessVars).await {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) if failure.is::<Mistakes>() => {
                let _unheard = writeln!(std::io::stderr(), "admin: the configuration is invalid.\n{failure}");
                ExitCode::from(EXIT_USAGE)
            }
            Err(failure) => {
                let _unheard = writeln!(std::io::stderr(), "admin: {failure}");
                ExitCode::FAILURE
            }
        }
    }

    async fn act(self, vars: &dyn Vars) -> Result<(), Failure> {
        match self.action {
            Action::Serve => serve::run(Config::from_vars(vars)?).await,
            Action::Health => health::check(vars, config::OPS_LISTEN, config::usual_ops_address()),
            Action::Migrate => {
                LogConfig::for_terminal().start();
                migrate::run(vars).await
            }
            Action::Superuser(action) => superuser::run(action, &core(&for_a_person(vars)?)).await,
            Action::Keys(action) => {
                let config = for_a_person(vars)?;
                keys::run(action, &core(&config), &config).await
            }
            Action::Roles(action) => roles::run(action, &core(&for_a_person(vars)?)).await,
            Action::Sessions(action) => sessions::run(action, &core(&for_a_person(vars)?)).await,
            Action::Audit(action) => audit::run(action, &core(&for_a_person(vars)?)).await,
        }
    }
}

/// The state of an operator command.
fn core(config: &CommandConfig) -> Core {
    Core::new(&config.database, &config.master_keys, &config.issuer, Arc::new(SystemRandom))
}

/// The configuration of an operator command.
fn for_a_person(vars: &dyn Vars) -> Result<CommandConfig, Failure> {
    let config = CommandConfig::from_vars(vars)?;
    LogConfig::for_terminal().start();
    Ok(config)
}

/// Logs the place of a panic, but not its message, which may quote secrets.
pub fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "A panic: a defect of this program. Please report the place.");
    }));
}
