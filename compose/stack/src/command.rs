//! What the launcher can be told.

use std::path::PathBuf;
use std::process::ExitCode;

use stack::{Error, cinema};

/// The launcher without containers.
#[derive(Debug, clap::Parser)]
#[command(name = "stack", about)]
pub(crate) enum Command {
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
            Self::Origin { listen } => {
                let served = cinema::serve(&listen).await;
                served.map_err(|why| Error::Other(format!("{}: {why}", listen.display())))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}
