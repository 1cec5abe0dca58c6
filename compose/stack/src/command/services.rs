//! `services`: PostgreSQL and Redis for tests.

use std::path::PathBuf;
use std::process::{Child, ExitCode};
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitOptions, set_child_subreaper, waitpid};
use stack::error::Doing as _;
use stack::procfs::{self, Identity};
use stack::{Error, Postgres, Redis, ports, postgres, random, redis, wait};

use super::assignments::Assignments;
use super::progress::step;
use super::state::State;
use super::up::interrupted;

/// How long a process that outlives the command may take to end by itself.
const GRACE: Duration = Duration::from_secs(2);

/// Starts PostgreSQL and Redis, which forget everything when they end.
///
/// Without a command they run until Ctrl-C, and the file at `--env-file` says where they are.
#[derive(Debug, clap::Args)]
pub(crate) struct Services {
    /// A folder for what has to be remembered of a killed run.
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
        let state = State::open(&self.state).await?;
        let ledger = state.ledger();
        // The same ports every time, if it is for people; any, if it is for a command.
        let port = |usual| if self.command.is_empty() { ports::free_or(usual) } else { Ok(0) };
        let store = postgres::Settings {
            folder: state.empty_folder("postgres")?,
            port: port(25_432)?,
            password: random::word()?,
            durable: false,
            ledger: ledger.clone(),
        };
        let mut postgres = step("PostgreSQL", Postgres::start_with(store)).await?;
        let store = redis::Settings {
            folder: state.empty_folder("redis")?,
            port: port(26_379)?,
            durable: false,
            ledger,
        };
        let mut redis = step("Redis", Redis::start_with(store)).await?;
        let values = [("TEST_DATABASE_URL", postgres.url()), ("TEST_REDIS_URL", redis.url())];
        let code = match self.command.split_first() {
            Some((program, args)) => run(program, args, &values, &[&postgres, &redis]).await?,
            None => self.wait(&values).await?,
        };
        redis.stop().await?;
        postgres.stop().await?;
        state.empty_folder("postgres")?;
        Ok(code)
    }

    async fn wait(&self, values: &[(&str, String)]) -> Result<ExitCode, Error> {
        let _file = Assignments::write(&self.env_file, "export ", values)?;
        eprintln!("\nIn another shell: . {}", self.env_file.display());
        eprintln!("Ctrl-C ends both.");
        interrupted()?.await;
        Ok(ExitCode::SUCCESS)
    }
}

trait Server {
    fn identity(&self) -> Option<Identity>;
}

impl Server for Postgres {
    fn identity(&self) -> Option<Identity> {
        self.process().identity()
    }
}

impl Server for Redis {
    fn identity(&self) -> Option<Identity> {
        self.process().identity()
    }
}

/// Runs the command, and ends and reports whatever it left running.
async fn run(
    program: &str,
    args: &[String],
    values: &[(&str, String)],
    ours: &[&dyn Server],
) -> Result<ExitCode, Error> {
    // From now on orphans of the command become children of this process, and can be found.
    set_child_subreaper(Pid::from_raw(1)).doing(|| "orphans cannot be adopted".to_owned())?;
    let mut command = std::process::Command::new(program);
    command.args(args).envs(values.iter().map(|(name, value)| (*name, value)));
    let child = command.spawn().doing(|| format!("{program} cannot be executed"))?;
    let code = wait_for(child).await?;
    let left = || -> Vec<_> {
        let mine = |child: &Identity| ours.iter().any(|server| server.identity() == Some(*child));
        procfs::children(std::process::id()).into_iter().filter(|child| !mine(child)).collect()
    };
    // What is just ending has not been left.
    let clean = wait::until("the end of orphans", GRACE, async || left().is_empty()).await.is_ok();
    for process in left() {
        let name = procfs::name(process.pid);
        eprintln!("The command left {name} (process {}) running; ending it.", process.pid);
        process.signal(Signal::KILL);
    }
    wait::until("the end of orphans", GRACE, async || left().is_empty()).await?;
    bury();
    Ok(if clean { ExitCode::from(code) } else { ExitCode::FAILURE })
}

/// Takes note of adopted processes that have ended, so that the kernel can forget them.
fn bury() {
    for ended in procfs::ended_children(std::process::id()) {
        if let Some(pid) = i32::try_from(ended).ok().and_then(Pid::from_raw) {
            // Whoever is not a child any more needs no note.
            let _noted = waitpid(Some(pid), WaitOptions::NOHANG);
        }
    }
}

async fn wait_for(mut child: Child) -> Result<u8, Error> {
    // A Ctrl-C reaches the command too; this process only has to outlive it.
    let mut interrupts = Box::pin(interrupted()?);
    loop {
        if let Some(status) = child.try_wait().doing(|| "the command cannot be waited for".to_owned())? {
            return Ok(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1));
        }
        tokio::select! {
            () = &mut interrupts => interrupts = Box::pin(interrupted()?),
            () = wait::tick() => {}
        }
    }
}
