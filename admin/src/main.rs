//! The program: command to exit code.

use std::process::ExitCode;

use admin::command::{Command, log_panics};
use clap::Parser as _;

fn main() -> ExitCode {
    let command = match Command::try_parse() {
        Ok(command) => command,
        Err(error) => {
            // Help and version are no mistakes, and go to standard output.
            let _unheard = error.print();
            return if error.use_stderr() { ExitCode::FAILURE } else { ExitCode::SUCCESS };
        }
    };
    log_panics();
    match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(command.run()),
        Err(error) => {
            eprintln!("admin: the runtime cannot start: {error}");
            ExitCode::FAILURE
        }
    }
}
