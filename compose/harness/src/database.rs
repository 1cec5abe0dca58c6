//! A database for one test, on a server that many tests share.

use std::fmt;

use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, NoTls};
use url::Url;

use crate::{Error, random};

mod template;

/// A database that is dropped with this value, even if clients are still connected.
pub struct Database {
    server: String,
    name: String,
    url: String,
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Database {
    /// Creates an empty one on the server at `server`, the address of any of its databases.
    ///
    /// # Errors
    ///
    /// When the server cannot be reached or does not allow it.
    pub async fn create(server: &str) -> Result<Self, Error> {
        let database = Self::planned(server)?;
        connect(server).await?.batch_execute(&format!("create database {}", database.name)).await?;
        Ok(database)
    }

    /// Creates one to which all of `migrations/` is applied.
    ///
    /// It is a copy of a template on the same server, which is hundreds of milliseconds cheaper than migrating.
    /// If there is no template, `migrate` makes one: it gets the address of an empty database and must close its
    /// connections. Other tests wait meanwhile.
    ///
    /// # Errors
    ///
    /// When the server cannot be reached or does not allow it, or `migrate` fails or leaves migrations out.
    pub async fn migrated(
        server: &str,
        migrate: impl AsyncFnOnce(&str) -> Result<(), Error>,
    ) -> Result<Self, Error> {
        let (template, database) = (template::name()?, Self::planned(server)?);
        let client = connect(server).await?;
        let copy = format!("create database {} template {template}", database.name);
        match client.batch_execute(&copy).await {
            Err(error) if error.code() == Some(&SqlState::UNDEFINED_DATABASE) => {
                template::make(server, &template, migrate).await?;
                client.batch_execute(&copy).await?;
            }
            other => other?,
        }
        Ok(database)
    }

    /// One that is not there yet.
    fn planned(server: &str) -> Result<Self, Error> {
        let name = format!("test_{}", random::word()?);
        Ok(Self { server: server.to_owned(), url: address(server, &name)?, name })
    }

    /// Its address.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let server = std::mem::take(&mut self.server);
        let sentence = format!("drop database if exists {} with (force)", self.name);
        // A destructor cannot await, and the runtime that it runs on cannot be blocked on.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
            runtime.block_on(async { connect(&server).await.ok()?.batch_execute(&sentence).await.ok() })
        });
        // A server that has stopped takes its databases with it, or keeps one too many.
        let _best_effort = dropping.join();
    }
}

/// Creates a database that stays, unless it exists.
///
/// # Errors
///
/// When the server cannot be reached or does not allow it.
pub async fn ensure(server: &str, name: &str) -> Result<(), Error> {
    match connect(server).await?.batch_execute(&format!("create database \"{name}\"")).await {
        Err(error) if error.code() == Some(&SqlState::DUPLICATE_DATABASE) => Ok(()),
        other => Ok(other?),
    }
}

/// A connection that lives as long as the client.
async fn connect(url: &str) -> Result<Client, Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// The address of the database `name` on the server at `server`.
fn address(server: &str, name: &str) -> Result<String, Error> {
    let mut url =
        Url::parse(server).map_err(|why| Error::Other(format!("the address of the test database: {why}")))?;
    url.set_path(name);
    Ok(url.into())
}
