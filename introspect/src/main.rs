//! `introspect`: the start and the end of the process.

use std::process::ExitCode;
use std::sync::Arc;

use clap::{Parser, Subcommand};
use introspect::app::App;
use introspect::config::{self, Config};
use lint::command::LintNginx;
use runtime::env::{EXIT_USAGE, Mistakes, ProcessVars};
use runtime::listen::Address;
use runtime::telemetry::{self, Levels};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use shared::clock::SystemClock;

/// The sidecar that answers nginx's `auth_request` subrequests. It is configured by environment variables alone: see
/// docs/configuration.md.
#[derive(Debug, Parser)]
#[command(name = "introspect", version)]
struct Command {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Run the sidecar (the default).
    Serve,
    /// Check whether the sidecar that runs with these variables is ready: exit code 0 if it is.
    Health,
    LintNginx(LintNginx),
}

fn main() -> ExitCode {
    match Command::parse().action.unwrap_or(Action::Serve) {
        Action::Serve => serve(),
        Action::Health => health(),
        Action::LintNginx(lint) => lint.run(),
    }
}

fn health() -> ExitCode {
    match runtime::health::check(&ProcessVars, config::OPS_LISTEN, Address::Tcp(config::OPS_ADDRESS)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("introspect: {error}");
            if error.is::<Mistakes>() { ExitCode::from(EXIT_USAGE) } else { ExitCode::FAILURE }
        }
    }
}

fn serve() -> ExitCode {
    let config = match Config::from_vars(&ProcessVars) {
        Ok(config) => config,
        Err(mistakes) => {
            eprintln!("{mistakes}");
            return ExitCode::from(EXIT_USAGE);
        }
    };
    match run(config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("introspect: {error}.");
            ExitCode::FAILURE
        }
    }
}

/// Raises the limit to as many connections as the system allows: the soft limit is low for programs that use
/// `select`.
fn raise_open_files() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        tracing::warn!(%error, "Cannot raise the limit of open files; raise it where this program is started (ulimit -n).");
    }
}

/// One thread for everything except decisions: accepting connections, the feed, the keys, health and metrics.
fn run(config: Config) -> Result<(), Box<dyn std::error::Error>> {
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

async fn serve_until_signal(config: Config, levels: Levels) -> Result<(), Box<dyn std::error::Error>> {
    raise_open_files();
    let shutdown = runtime::shutdown::requested()?;
    let app = App::build(config, Arc::new(SystemClock)).await?.with_levels(levels);
    let (listen, ops) = (app.addresses(), app.ops_addresses());
    tracing::info!(version = env!("CARGO_PKG_VERSION"), ?listen, ?ops, "introspect is listening.");
    app.run(shutdown).await?;
    tracing::info!("introspect has stopped.");
    Ok(())
}
