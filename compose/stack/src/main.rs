//! The launcher without containers. `./compose/local` calls it; nobody else need.

use std::process::ExitCode;

use clap::Parser as _;

mod command;

#[tokio::main]
async fn main() -> ExitCode {
    match command::Command::parse().run().await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
