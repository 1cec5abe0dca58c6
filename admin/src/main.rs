//! The program: runs a command and returns its exit code.

use std::process::ExitCode;

use admin::command::{Command, log_panics};
use clap::Parser as _;

fn main() -> ExitCode {
    let command = match Command::try_parse() {
        Ok(command) => command,
        Err(error) => {
            // Help and version are not errors: they are printed to standard output.
            let _unheard = error.print();
            return if error.use_stderr() { ExitCode::FAILURE } else { ExitCode::SUCCESS };
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
