//! Runs the mock of seven identity providers until a signal stops it.

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser as _;
use mock_providers::{Config, Providers};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

/// `EX_USAGE` of `sysexits.h`: the configuration has to be changed.
const USAGE: u8 = 64;

/// A mock of Google, Yandex ID, VK ID, Mail.ru, GitHub, X and Facebook for OAuth clients. Stops on SIGTERM or Ctrl-C.
#[derive(Debug, clap::Parser)]
#[command(name = "mock-providers", about)]
struct Command {
    /// The clients and, optionally, the people, as JSON.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// The address to listen on. Port 0 is any free port, which the first line of the output names.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8090")]
    listen: SocketAddr,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let command = Command::parse();
    let config = match config(&command.config) {
        Ok(config) => config,
        Err(why) => {
            eprintln!("{why}");
            return ExitCode::from(USAGE);
        }
    };
    match serve(command.listen, config).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn config(file: &Path) -> Result<Config, String> {
    let shown = file.display();
    let json = std::fs::read_to_string(file)
        .map_err(|why| format!("cannot read {shown}: {why}; --config must name a readable file"))?;
    Config::parse(&json)
        .map_err(|why| format!("{shown}: {why}; compose/mock-providers/README.md describes the format"))
}

async fn serve(listen: SocketAddr, config: Config) -> Result<(), String> {
    let no_signals = |why: io::Error| format!("cannot wait for signals: {why}");
    // Before anyone can connect, who may send one.
    let mut terminate = signal(SignalKind::terminate()).map_err(no_signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(no_signals)?;
    let listener = TcpListener::bind(listen).await;
    let listener = listener
        .map_err(|why| format!("{listen}: {why}; choose another address with --listen, or port 0"))?;
    let providers = Providers::start(listener, config).map_err(|why| why.to_string())?;
    announce(&providers.url()).map_err(|why| format!("cannot print the address: {why}"))?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

fn announce(url: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "Listening on {url}")?;
    out.flush()
}
