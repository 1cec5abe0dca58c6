//! `introspect`: the steps from start to end, and nothing else.

use std::process::ExitCode;
use std::sync::Arc;

use clap::{Parser, Subcommand};
use introspect::app::App;
use introspect::config::Config;
use introspect::lint::command::LintNginx;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use shared::clock::SystemClock;
use shared::env::{EXIT_USAGE, ProcessVars};

/// Answers nginx's `auth_request`. Configured by environment variables alone: see docs/configuration.md.
#[derive(Debug, Parser)]
#[command(name = "introspect", version)]
struct Command {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Answer (the default).
    Serve,
    LintNginx(LintNginx),
}

fn main() -> ExitCode {
    match Command::parse().action.unwrap_or(Action::Serve) {
        Action::Serve => serve(),
        Action::LintNginx(lint) => lint.run(),
    }
}

fn serve() -> ExitCode {
    let config = match Config::read(&ProcessVars) {
        Ok(config) => config,
        Err(mistakes) => {
            eprintln!("{mistakes}");
            return ExitCode::from(EXIT_USAGE);
        }
    };
    config.logs.start();
    raise_open_files();
    match run(config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("introspect: {error}.");
            ExitCode::FAILURE
        }
    }
}

/// As many connections as the system allows: the soft limit is low for programs that use `select`.
fn raise_open_files() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        tracing::warn!(%error, "The limit of open files stays; raise it where this program is started.");
    }
}

/// One thread for everything but the decisions: accepting, the feed, the keys, health and metrics.
fn run(config: Config) -> Result<(), Box<dyn std::error::Error>> {
    // Only a second call fails, and there is none.
    let _installed = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let control = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let ended = control.block_on(async {
        let shutdown = shared::shutdown::requested()?;
        let app = App::build(config, Arc::new(SystemClock)).await?;
        let (listen, ops) = (app.addresses(), app.ops_addresses());
        tracing::info!(version = env!("CARGO_PKG_VERSION"), ?listen, ?ops, "introspect listens.");
        app.run(shutdown).await?;
        tracing::info!("introspect has stopped.");
        Ok(())
    });
    // Not waited for: whatever still runs after the drain is cut.
    control.shutdown_background();
    ended
}
