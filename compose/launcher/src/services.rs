//! `services`: PostgreSQL and Redis for tests.

use std::path::PathBuf;
use std::process::ExitCode;

use harness::{Error, Folder, Postgres, Redis, ports, postgres, random, redis};

use crate::assignments::Assignments;
use crate::progress::step;
use crate::state::State;
use crate::supervise;
use crate::up::interrupted;

/// Starts PostgreSQL and Redis, which keep no data when they stop.
///
/// Without a command they run until Ctrl-C, and the file at `--env-file` says where they are.
#[derive(Debug, clap::Args)]
pub(crate) struct Services {
    /// A folder for the record of started processes, from which leftovers of a killed run are found.
    #[arg(long)]
    state: PathBuf,
    /// The file to write the addresses to.
    #[arg(long)]
    env_file: PathBuf,
    /// Run this with the addresses in its environment, end with its exit code, and fail if it leaves a
    /// process behind.
    #[arg(trailing_var_arg = true)]
    command: Vec<String>,
}

impl Services {
    pub(crate) async fn run(self) -> Result<ExitCode, Error> {
        let mut stopped = Box::pin(interrupted()?);
        if !self.command.is_empty() {
            supervise::end_with_parent()?;
        }
        let state = State::open(&self.state).await?;
        let (mut postgres, mut redis) = tokio::select! {
            started = self.start(&state) => started?,
            _ = &mut stopped => return Ok(ExitCode::FAILURE),
        };
        let values = [("TEST_DATABASE_URL", postgres.url()), ("TEST_REDIS_URL", redis.url())];
        let code = if self.command.is_empty() {
            self.wait(&values).await?
        } else {
            let ours = [postgres.process().identity(), redis.process().identity()];
            supervise::run(&self.command, &values, &ours).await?
        };
        redis.stop().await?;
        postgres.stop().await?;
        if self.command.is_empty() {
            state.empty_folder("postgres")?;
        }
        Ok(code)
    }

    async fn start(&self, state: &State) -> Result<(Postgres, Redis), Error> {
        let ledger = state.ledger();
        // For people the same ports every time; for a command any free ports.
        let port = |usual| if self.command.is_empty() { ports::free_or(usual) } else { Ok(0) };
        let store = postgres::PostgresSettings {
            folder: self.folder(state, "postgres")?,
            port: port(25_432)?,
            password: random::word()?,
            durable: false,
            ledger: ledger.clone(),
        };
        let postgres = step("PostgreSQL", Postgres::start_with(store)).await?;
        let store = redis::RedisSettings {
            folder: self.folder(state, "redis")?,
            port: port(26_379)?,
            password: None,
            durable: false,
            ledger,
        };
        let redis = step("Redis", Redis::start_with(store)).await?;
        Ok((postgres, redis))
    }

    /// The files of a server: beside the record, or in a temporary folder for a command, which chooses by `TMPDIR` on which
    /// file system it works.
    fn folder(&self, state: &State, name: &str) -> Result<Folder, Error> {
        if self.command.is_empty() { state.empty_folder(name) } else { Folder::temporary() }
    }

    async fn wait(&self, values: &[(&str, String)]) -> Result<ExitCode, Error> {
        let _file = Assignments::write(&self.env_file, "export ", values)?;
        eprintln!("\nIn another shell: . {}", self.env_file.display());
        eprintln!("Press Ctrl-C to stop both.");
        let _signal = interrupted()?.await;
        Ok(ExitCode::SUCCESS)
    }
}
