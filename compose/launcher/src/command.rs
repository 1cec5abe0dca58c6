//! What the launcher can be told.

use std::path::PathBuf;
use std::process::ExitCode;

use harness::Error;

use crate::{cinema, forget, services, sign_in, tour, up};

/// The launcher without containers.
#[derive(Debug, clap::Parser)]
#[command(name = "launcher", about)]
pub(crate) enum Command {
    /// Starts everything and keeps it running until Ctrl-C.
    Up(up::Up),
    /// Starts PostgreSQL and Redis for tests, until Ctrl-C or for one command.
    Services(services::Services),
    /// Removes what stays between runs.
    Forget(forget::Forget),
    /// Signs a demo user in and prints the header `Authorization: Bearer ...`.
    SignIn(sign_in::SignIn),
    /// Shows what an access token opens, and for how long: each command and its answer.
    Try(tour::Try),
    /// Serves the cinema that stands behind the gateway.
    Origin {
        /// The Unix socket to listen on.
        #[arg(long)]
        listen: PathBuf,
    },
}

impl Command {
    /// Does it, and says with which code the program ends.
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
