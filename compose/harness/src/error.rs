//! The errors of starting and stopping servers, with texts that say what to do.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// Why a server is unavailable. Its `Debug` is the same sentence, because a test that unwraps it shows that.
#[derive(thiserror::Error)]
pub enum Error {
    /// A server of the distribution is missing.
    #[error("{program} is not installed; `./compose/local services` installs it (package {package})")]
    NotInstalled {
        /// The missing program.
        program: String,
        /// The Debian package that contains it.
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
        /// The program.
        name: String,
        /// How it ended.
        status: String,
        /// The last lines of its output.
        log: String,
    },
    /// A condition did not become true in time.
    #[error("{what} took longer than {limit:?}; the end of the log:\n{log}")]
    TooLong {
        /// The condition.
        what: String,
        /// The limit.
        limit: Duration,
        /// The last lines of the program's output; empty if the condition is not about a program.
        log: String,
    },
    /// The operating system returned an error.
    #[error("{doing}: {source}")]
    System {
        /// The operation that failed.
        doing: String,
        /// The error of the system.
        source: io::Error,
    },
    /// PostgreSQL returned an error.
    #[error("PostgreSQL: {0}")]
    Postgres(#[from] tokio_postgres::Error),
    /// An HTTP request failed.
    #[error("{url}: {why}")]
    Http {
        /// The URL of the request.
        url: String,
        /// The error.
        why: String,
    },
    /// Any other error, as a sentence.
    #[error("{0}")]
    Other(String),
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Adds the operation to an error of the operating system.
pub trait Doing<T> {
    /// Puts `doing` before the error.
    ///
    /// # Errors
    ///
    /// [`Error::System`] for the original error.
    fn doing(self, doing: impl FnOnce() -> String) -> Result<T, Error>;
}

impl<T, E: Into<io::Error>> Doing<T> for Result<T, E> {
    fn doing(self, doing: impl FnOnce() -> String) -> Result<T, Error> {
        self.map_err(|source| Error::System { doing: doing(), source: source.into() })
    }
}
