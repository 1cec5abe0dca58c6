//! What can go wrong while servers are started and stopped, in words that say what to do.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// Why a server is not there. Its `Debug` is its sentence: that is what a test that unwraps it shows.
#[derive(thiserror::Error)]
pub enum Error {
    /// A server of the distribution is missing.
    #[error("{program} is not installed; `./compose/local services` installs it (package {package})")]
    NotInstalled {
        /// The program looked for.
        program: String,
        /// The Debian package that has it.
        package: &'static str,
    },
    /// One of our own programs is missing.
    #[error("{} is not built; build it with: cargo build --workspace --bins", .0.display())]
    NotBuilt(PathBuf),
    /// A variable of the environment is missing.
    #[error("{0} is not set; `./compose/local services` starts the stores and says how to set it")]
    NotSet(&'static str),
    /// A program ended while it should have run.
    #[error("{name} ended ({status}); the end of its log:\n{log}")]
    Ended {
        /// Which program.
        name: String,
        /// How it ended.
        status: String,
        /// The last lines that it wrote.
        log: String,
    },
    /// A condition did not come true in time.
    #[error("{what} took longer than {limit:?}; the end of the log:\n{log}")]
    TooLong {
        /// What was waited for.
        what: String,
        /// How long.
        limit: Duration,
        /// The last lines of the program waited for; empty when it was not one.
        log: String,
    },
    /// The operating system refused.
    #[error("{doing}: {source}")]
    System {
        /// What was being done.
        doing: String,
        /// What it said.
        source: io::Error,
    },
    /// PostgreSQL refused.
    #[error("PostgreSQL: {0}")]
    Postgres(#[from] tokio_postgres::Error),
    /// An HTTP exchange failed.
    #[error("{url}: {why}")]
    Http {
        /// The address asked.
        url: String,
        /// What went wrong.
        why: String,
    },
    /// Anything else, as a sentence.
    #[error("{0}")]
    Other(String),
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Says what was being done when the operating system refused.
pub trait Doing<T> {
    /// Puts `doing` before the error.
    ///
    /// # Errors
    ///
    /// [`Error::System`] for what was an error before.
    fn doing(self, doing: impl FnOnce() -> String) -> Result<T, Error>;
}

impl<T, E: Into<io::Error>> Doing<T> for Result<T, E> {
    fn doing(self, doing: impl FnOnce() -> String) -> Result<T, Error> {
        self.map_err(|source| Error::System { doing: doing(), source: source.into() })
    }
}
