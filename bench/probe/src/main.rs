//! What the benchmarks need beside wrk.
//!
//! Every command is bounded in count or time, talks only to the addresses it is given, and prints one line of
//! CSV a measurement on standard output; what a person reads goes to standard error.

mod admin;
mod cpu;
mod mint;
mod quantiles;
mod rate;
mod refreshes;
mod role_changes;
mod sign_ins;
mod sign_out;
mod token;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Measures Usher from outside.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Writes a key set and tokens signed with it, for a sidecar that stands alone.
    Mint(mint::Mint),
    /// Signs in, watches, signs out, and polls until refused.
    SignOut(sign_out::SignOut),
    /// Sessions that refresh as fast as they are answered.
    Refreshes(refreshes::Refreshes),
    /// Changes roles and assignments, and polls until each change acts.
    RoleChanges(role_changes::RoleChanges),
    /// Clients that sign in as fast as they are answered.
    SignIns(sign_ins::SignIns),
    /// Registers somebody, signs in, and prints the access token.
    Token(token::Token),
}

fn main() -> ExitCode {
    // Only fails when called twice.
    let _installed = rustls::crypto::aws_lc_rs::default_provider().install_default();
    match run(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("probe: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match command {
        Command::Mint(mint) => mint.run(),
        Command::SignOut(sign_out) => runtime.block_on(sign_out.run()),
        Command::Refreshes(refreshes) => runtime.block_on(refreshes.run()),
        Command::RoleChanges(role_changes) => runtime.block_on(role_changes.run()),
        Command::SignIns(sign_ins) => runtime.block_on(sign_ins.run()),
        Command::Token(token) => runtime.block_on(token.run()),
    }
}
