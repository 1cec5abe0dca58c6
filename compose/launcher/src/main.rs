//! The launcher without containers. Only `./compose/local` needs to call it.

use std::process::ExitCode;

use clap::Parser as _;

mod assignments;
mod cinema;
mod command;
mod forget;
mod greeting;
mod page;
mod people;
mod progress;
mod secrets;
mod services;
mod sign_in;
mod state;
mod supervise;
mod tour;
mod up;

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
