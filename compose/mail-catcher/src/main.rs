//! Runs the mail catcher until a signal stops it.

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::process::ExitCode;

use clap::Parser as _;
use mail_catcher::{Catcher, CatcherOptions};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

/// A mail server that keeps every mail in memory and delivers none. Stops on SIGTERM or Ctrl-C.
#[derive(Debug, clap::Parser)]
#[command(name = "mail-catcher", about)]
struct Command {
    /// The address for SMTP.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:1025")]
    smtp: SocketAddr,
    /// The address of the inbox, for browsers.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8025")]
    http: SocketAddr,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let command = Command::parse();
    match serve(&command).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(command: &Command) -> Result<(), String> {
    let no_signals = |why: io::Error| format!("cannot wait for signals: {why}");
    // Before anyone can connect, who may send one.
    let mut terminate = signal(SignalKind::terminate()).map_err(no_signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(no_signals)?;
    let listen = async |address: SocketAddr| {
        let listener = TcpListener::bind(address).await;
        listener.map_err(|why| format!("{address}: {why}; choose another address with --smtp or --http"))
    };
    let (smtp, http) = (listen(command.smtp).await?, listen(command.http).await?);
    let shown = http.local_addr().map_err(|why| why.to_string())?;
    let catcher = Catcher::start_on(smtp, CatcherOptions::default()).map_err(|why| why.to_string())?;
    announce(catcher.address(), shown).map_err(|why| format!("cannot print the addresses: {why}"))?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        () = catcher.show(http) => {}
    }
    Ok(())
}

fn announce(smtp: SocketAddr, http: SocketAddr) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "Listening on smtp://{smtp}, inbox at http://{http}/")?;
    out.flush()
}
