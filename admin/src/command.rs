//! The command line: one file for each command.

mod audit;
mod doctor;
mod erasures;
mod hash;
mod keys;
mod manual;
mod migrate;
mod prompt;
mod roles;
mod serve;
mod sessions;
mod superuser;
mod terminal;
mod tokens;
mod users;

use std::process::ExitCode;
use std::sync::Arc;

use clap::{CommandFactory as _, Parser, Subcommand};
use clap_complete::Shell;
use runtime::env::{self, EXIT_USAGE, Mistakes, ProcessVars, UnknownVariable, Vars};
use runtime::telemetry::LogConfig;
use runtime::{health, last_lines};

use crate::app::{self, RunError};
use crate::config::{self, CommandConfig, Config};
use crate::context::Core;
use crate::db::Schema;
use crate::keys::{FirstUse, MasterKeyError, check_master_keys};
use crate::random::SystemRandom;

use terminal::{Failure, UsageError};

/// The exit code for arguments that are wrong, the same that clap uses.
const EXIT_WRONG_USAGE: u8 = 2;

/// Usher's sign-in service: registration, sign-in, sessions, roles.
#[derive(Debug, Parser)]
#[command(name = "admin", version, arg_required_else_help = true)]
pub struct Command {
    #[command(subcommand)]
    action: AdminCommand,
}

#[derive(Debug, Subcommand)]
enum AdminCommand {
    /// Serve the API until SIGTERM or SIGINT. Example: admin serve
    Serve,
    /// Check whether the service configured by these variables is ready; the exit code is 0 if it is.
    /// Example: admin health
    Health,
    /// Look at everything that the service needs, and say what is missing; the exit code is 0 if nothing is.
    /// Example: admin doctor
    Doctor {
        /// Print a JSON object for each check.
        #[arg(long)]
        json: bool,
    },
    /// Print the manual page, for man. Example: admin manual >admin.1
    Manual,
    /// Print completions for a shell. Example: admin completions bash
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Bring the database schema up to date. Example: admin migrate
    Migrate,
    /// Manage superusers.
    #[command(subcommand)]
    Superuser(superuser::SuperuserCommand),
    /// Manage signing keys.
    #[command(subcommand)]
    Keys(keys::KeysCommand),
    /// Manage roles.
    #[command(subcommand)]
    Roles(roles::RolesCommand),
    /// Manage users.
    #[command(subcommand)]
    Users(users::UsersCommand),
    /// Manage sessions.
    #[command(subcommand)]
    Sessions(sessions::SessionsCommand),
    /// Revoke access tokens.
    #[command(subcommand)]
    Tokens(tokens::TokensCommand),
    /// Records of erased users.
    #[command(subcommand)]
    Erasures(erasures::ErasuresCommand),
    /// Verify and list the audit log.
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// Password hashes.
    #[command(subcommand)]
    Hash(hash::HashCommand),
}

impl Command {
    /// Runs it and returns the exit code: 0, 2 for wrong usage, 64 for a configuration error, 1 for any other failure.
    pub async fn run(self) -> ExitCode {
        let unknown = Config::unknown(&ProcessVars);
        let serves = matches!(self.action, AdminCommand::Serve);
        let outcome = self.act(&ProcessVars, &unknown).await;
        // The running service has logged them.
        if !serves || outcome.as_ref().is_err_and(|failure| failure.is::<Mistakes>()) {
            env::print_unknown("admin", &unknown);
        }
        let Err(failure) = outcome else { return ExitCode::SUCCESS };
        let heading = if failure.is::<Mistakes>() { "the configuration is invalid.\n" } else { "" };
        last_lines::print(format!("admin: {heading}{failure}"));
        exit_code(&failure)
    }

    async fn act(self, vars: &dyn Vars, unknown: &[UnknownVariable]) -> Result<(), Failure> {
        match self.action {
            AdminCommand::Serve => serve::run(Config::from_vars(vars)?, unknown).await,
            AdminCommand::Health => health::check(vars, config::OPS_LISTEN, config::usual_ops_address()),
            AdminCommand::Doctor { json } => {
                LogConfig::for_terminal().start();
                doctor::run(vars, json).await
            }
            AdminCommand::Manual => manual::manual(Self::command()),
            AdminCommand::Completions { shell } => manual::completions(Self::command(), shell),
            AdminCommand::Migrate => {
                LogConfig::for_terminal().start();
                migrate::run(vars).await
            }
            AdminCommand::Superuser(action) => {
                let (config, hashing) = (for_a_person(vars)?, config::hashing(vars)?);
                let core = core(&config, first_use(action.only_reads())).await?;
                superuser::run(action, &core, hashing, config.password_min).await
            }
            AdminCommand::Users(action) => {
                let (config, hashing) = (for_a_person(vars)?, config::hashing(vars)?);
                let core = core(&config, FirstUse::Store).await?;
                users::run(action, &core, (hashing, config.password_min, config.retention), vars).await
            }
            AdminCommand::Keys(keys::KeysCommand::Sidecar) => {
                keys::print_for_sidecars(&config::master_keys(vars)?)
            }
            AdminCommand::Keys(action) => {
                let config = for_a_person(vars)?;
                let first_use = first_use(action.only_reads());
                keys::run(action, &core(&config, first_use).await?, &config).await
            }
            AdminCommand::Roles(action) => {
                action.check()?;
                let first_use = first_use(action.only_reads());
                roles::run(action, &core(&for_a_person(vars)?, first_use).await?).await
            }
            AdminCommand::Sessions(action) => {
                action.check()?;
                sessions::run(action, &core(&for_a_person(vars)?, FirstUse::Store).await?).await
            }
            AdminCommand::Tokens(action) => {
                let config = for_a_person(vars)?;
                tokens::run(action, &core(&config, FirstUse::Store).await?, &config).await
            }
            AdminCommand::Erasures(action) => {
                let config = for_a_person(vars)?;
                let keeps_history = config.retention.history_hold.is_some();
                erasures::run(action, &core(&config, FirstUse::Store).await?, keeps_history).await
            }
            AdminCommand::Audit(action) => {
                audit::run(action, &core(&for_a_person(vars)?, FirstUse::Ignore).await?).await
            }
            AdminCommand::Hash(action) => hash::run(&action, vars),
        }
    }
}

/// A command that only reads seals nothing, so it must not decide which key has a number.
fn first_use(only_reads: bool) -> FirstUse {
    if only_reads { FirstUse::Ignore } else { FirstUse::Store }
}

/// 64 for the configuration, of which the master keys are a part; 2 for wrong usage; 1 for any other failure.
fn exit_code(failure: &Failure) -> ExitCode {
    let is_wrong_key = |error: &MasterKeyError| matches!(error, MasterKeyError::Wrong(_));
    let of_command = failure.downcast_ref::<MasterKeyError>().is_some_and(is_wrong_key);
    let of_service = failure
        .downcast_ref::<RunError>()
        .is_some_and(|error| matches!(error, RunError::MasterKeys(error) if is_wrong_key(error)));
    if failure.is::<Mistakes>() || of_command || of_service {
        ExitCode::from(EXIT_USAGE)
    } else if failure.is::<UsageError>() {
        ExitCode::from(EXIT_WRONG_USAGE)
    } else {
        ExitCode::FAILURE
    }
}

/// The state of an operator command, whose database has this program's schema and was sealed with its master keys.
async fn core(config: &CommandConfig, first_use: FirstUse) -> Result<Core, Failure> {
    let random = Arc::new(SystemRandom);
    let new = Core::new(&config.database, &config.master_keys, &config.issuer, config.has_mail, random);
    let core = Core { provider_names: Arc::new(config.providers.clone()), ..new };
    let connection = core.db.get().await?;
    app::check(Schema::of(&connection).await?)?;
    check_master_keys(&connection, &config.master_keys, first_use).await?;
    drop(connection);
    Ok(core)
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
        tracing::error!(place, "This program panicked, which is a bug. Please report the field `place`.");
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The commands without subcommands, with their full names.
    fn leaves(command: &clap::Command, name: &str) -> Vec<(String, clap::Command)> {
        let below: Vec<_> = command.get_subcommands().filter(|below| below.get_name() != "help").collect();
        if below.is_empty() {
            return vec![(name.to_owned(), command.clone())];
        }
        below.into_iter().flat_map(|below| leaves(below, &format!("{name} {}", below.get_name()))).collect()
    }

    #[test]
    fn the_help_of_every_command_has_an_example_that_can_be_parsed() {
        for (name, command) in leaves(&Command::command(), "admin") {
            let about =
                command.get_long_about().or(command.get_about()).map(ToString::to_string).unwrap_or_default();
            let (_, example) =
                about.split_once("Example: ").unwrap_or_else(|| panic!("{name} has no example"));
            let example = example.split(" >").next().unwrap_or_default();
            assert!(example.starts_with(&name), "{name}: {example}");
            let words = words(example);
            let parsed = Command::try_parse_from(&words);
            assert!(parsed.is_ok(), "{words:?}: {:?}", parsed.err().map(|error| error.to_string()));
        }
    }

    /// The words of a command line, as a shell divides it at spaces and double quotes.
    fn words(line: &str) -> Vec<String> {
        let parts = line.split('"').enumerate();
        parts
            .flat_map(|(place, part)| match place % 2 {
                0 => part.split_whitespace().map(str::to_owned).collect::<Vec<_>>(),
                _ => vec![part.to_owned()],
            })
            .collect()
    }
}
