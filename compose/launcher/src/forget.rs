//! `forget`: removes the data that stays between runs.

use std::path::PathBuf;
use std::process::ExitCode;

use harness::{Error, folder};

use crate::state::State;

/// The folders inside; each is locked by one launcher at a time.
const HELD: [&str; 3] = ["up", "services", "test"];

/// Stops the leftovers of killed runs, and removes data and secrets. Refuses while the system runs.
#[derive(Debug, clap::Args)]
pub(crate) struct Forget {
    /// The folder with the data that `up` keeps between runs.
    #[arg(long)]
    state: PathBuf,
}

impl Forget {
    pub(crate) async fn run(self) -> Result<ExitCode, Error> {
        let mut held = Vec::new();
        for path in HELD.map(|name| self.state.join(name)) {
            if path.exists() {
                held.push(State::open(&path).await?);
            }
        }
        for state in &held {
            state.forget_sockets()?;
        }
        folder::absent(&self.state)?;
        eprintln!("Removed {}.", self.state.display());
        Ok(ExitCode::SUCCESS)
    }
}
