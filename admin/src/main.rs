//! The program: runs a command and returns its exit code.

use std::process::ExitCode;

use admin::command::{Command, log_panics};
use clap::Parser as _;

fn main() -> ExitCode {
    let command = match Command::try_parse() {
        Ok(command) => command,
        Err(error) => {
            // Requested help and version go to standard output, with exit code 0; everything else is an
            // error, with 2.
            let _unheard = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(1));
        }
    };
    log_panics();
    match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(command.run()),
        Err(error) => {
            eprintln!("admin: cannot start the async runtime: {error}");
            ExitCode::FAILURE
        }
    }
}
