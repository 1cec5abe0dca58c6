//! `introspect`: the start and the end of the process.

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Parser, Subcommand};
use introspect::app::App;
use introspect::config::{self, Config};
use lint::command::LintNginx;
use runtime::env::{self, EXIT_USAGE, Mistakes, ProcessVars};
use runtime::listen::Address;
use runtime::telemetry::{self, Levels};
use runtime::{health, last_lines};
use shared::clock::SystemClock;

/// The sidecar that answers nginx's `auth_request` subrequests. It is configured by environment variables alone: see
/// docs/configuration.md.
#[derive(Debug, Parser)]
#[command(name = "introspect", version)]
struct Command {
    #[command(subcommand)]
    action: Option<SidecarCommand>,
}

#[derive(Debug, Subcommand)]
enum SidecarCommand {
    /// Run the sidecar (the default).
    Serve,
    /// Check whether the sidecar that runs with these variables is ready: exit code 0 if it is.
    Health,
    LintNginx(LintNginx),
}

fn main() -> ExitCode {
    let command = match Command::try_parse() {
        Ok(command) => command,
        Err(error) => return usage(&error),
    };
    let ended = match command.action.unwrap_or(SidecarCommand::Serve) {
        SidecarCommand::Serve => serve(),
        SidecarCommand::Health => {
            warn_of_unknown_variables();
            health::check(&ProcessVars, config::OPS_LISTEN, Address::Tcp(config::OPS_ADDRESS))
        }
        SidecarCommand::LintNginx(lint) => return lint.run(),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(mistakes) if mistakes.is::<Mistakes>() => {
            eprintln!("{mistakes}");
            warn_of_unknown_variables();
            ExitCode::from(EXIT_USAGE)
        }
        Err(error) => {
            last_lines::print(format!("introspect: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Prints the help, or what is wrong with the arguments.
fn usage(error: &clap::Error) -> ExitCode {
    let _printed = error.print();
    // For the linter, 2 means that it cannot read the configuration.
    let is_lint = std::env::args_os().nth(1).is_some_and(|command| command == "lint-nginx");
    match u8::try_from(error.exit_code()) {
        Ok(0) => ExitCode::SUCCESS,
        _ if is_lint => ExitCode::from(EXIT_USAGE),
        Ok(code) => ExitCode::from(code),
        Err(_) => ExitCode::FAILURE,
    }
}

/// For a person: the sidecar itself logs them.
fn warn_of_unknown_variables() {
    env::print_unknown("introspect", &config::unknown(&ProcessVars));
}

/// One thread for everything except decisions, health and metrics: accepting connections, the feed and the keys.
fn serve() -> Result<(), Box<dyn Error + Send + Sync>> {
    let config = Config::from_vars(&ProcessVars)?;
    // Only a second call fails, and there is none.
    let _installed = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let control = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let ended = control.block_on(async {
        let telemetry = telemetry::start(&config.logs, &config.traces)?;
        let served = serve_until_signal(config, telemetry.levels()).await;
        telemetry.end().await;
        served
    });
    // Tasks that still run after the drain are aborted.
    control.shutdown_background();
    ended
}

async fn serve_until_signal(config: Config, levels: Levels) -> Result<(), Box<dyn Error + Send + Sync>> {
    runtime::open_files::raise_limit();
    let shutdown = runtime::shutdown::requested()?;
    env::log_unknown(&config::unknown(&ProcessVars));
    let app = App::build(config, Arc::new(SystemClock), levels).await?;
    let (listen, ops) = (app.addresses(), app.ops_addresses());
    tracing::info!(version = env!("CARGO_PKG_VERSION"), ?listen, ?ops, "introspect is listening.");
    app.run(shutdown).await?;
    tracing::info!("introspect has stopped.");
    Ok(())
}
