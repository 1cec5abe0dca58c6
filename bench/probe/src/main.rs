//! The measurements that wrk cannot make.
//!
//! Every command is limited in count or time, connects only to the given addresses, and prints one line of CSV per
//! measurement on standard output; messages go to standard error.

mod admin;
mod beside_flood;
mod client;
mod cpu;
mod create_user;
mod failure;
mod failure_times;
mod mint;
mod overload;
mod quantiles;
mod rate;
mod refreshes;
mod role_changes;
mod sign_ins;
mod sign_out;
mod token;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use failure::ProbeError;

/// Measures Usher over its network interfaces.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write a key set and tokens signed with it, for a sidecar without an admin.
    Mint(mint::MintTokens),
    /// Sign in, watch a film, sign out, and poll until the token is refused.
    SignOut(sign_out::SignOut),
    /// Refresh sessions as fast as admin answers.
    Refreshes(refreshes::Refreshes),
    /// Change roles and assignments, and poll until each change takes effect.
    RoleChanges(role_changes::RoleChanges),
    /// Sign in as fast as admin answers.
    SignIns(sign_ins::SignIns),
    /// Sign in beside a flood of requests.
    BesideFlood(beside_flood::BesideFlood),
    /// Sign in at many times the rate that can be hashed.
    Overload(overload::Overload),
    /// Fail to sign in for each cause, and compare the times.
    FailureTimes(failure_times::FailureTimes),
    /// Register a user, sign in, and print the access token.
    Token(token::PrintToken),
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

fn run(command: Command) -> Result<(), ProbeError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match command {
        Command::Mint(mint) => mint.run(),
        Command::SignOut(sign_out) => runtime.block_on(sign_out.run()),
        Command::Refreshes(refreshes) => runtime.block_on(refreshes.run()),
        Command::RoleChanges(role_changes) => runtime.block_on(role_changes.run()),
        Command::SignIns(sign_ins) => runtime.block_on(sign_ins.run()),
        Command::BesideFlood(beside) => runtime.block_on(beside.run()),
        Command::Overload(overload) => runtime.block_on(overload.run()),
        Command::FailureTimes(times) => runtime.block_on(times.run()),
        Command::Token(token) => runtime.block_on(token.run()),
    }
}
