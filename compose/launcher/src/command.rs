//! The commands of the launcher.

use std::path::PathBuf;
use std::process::ExitCode;

use harness::Error;

use crate::{cinema, forget, services, sign_in, tour, up};

/// Starts and stops Usher without containers.
#[derive(Debug, clap::Parser)]
#[command(name = "launcher", about)]
pub(crate) enum Command {
    /// Starts everything and keeps it running until Ctrl-C.
    Up(up::Up),
    /// Starts PostgreSQL and Redis for tests, until Ctrl-C or for one command.
    Services(services::Services),
    /// Removes the data that stays between runs.
    Forget(forget::Forget),
    /// Signs a demo user in and prints the header `Authorization: Bearer ...`.
    SignIn(sign_in::SignIn),
    /// Shows what an access token opens, and for how long: each command and its output.
    Try(tour::Try),
    /// Serves the cinema behind the gateway.
    Origin {
        /// The Unix socket to listen on.
        #[arg(long)]
        listen: PathBuf,
    },
}

impl Command {
    /// Runs the command and returns the exit code.
    pub(crate) async fn run(self) -> Result<ExitCode, Error> {
        match self {
            Self::Up(up) => up.run().await,
            Self::Services(services) => services.run().await,
            Self::Forget(forget) => forget.run().await,
            Self::SignIn(sign_in) => sign_in.run().await,
            Self::Try(tour) => tour.run(),
            Self::Origin { listen } => {
                let served = cinema::serve(&listen).await;
                served.map_err(|why| Error::Other(format!("{}: {why}", listen.display())))?;
                Ok(ExitCode::SUCCESS)
            }
        }
    }
}
