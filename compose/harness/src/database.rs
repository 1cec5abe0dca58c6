//! A database for one test, on a server that many tests share.

use std::fmt;

use server::{address, connect};
use tokio_postgres::error::SqlState;

use crate::{Error, random};

mod server;
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
    /// Creates an empty database on the server at `server`, the URL of any of its databases.
    ///
    /// # Errors
    ///
    /// If the server cannot be reached or refuses.
    pub async fn create(server: &str) -> Result<Self, Error> {
        let database = Self::planned(server)?;
        connect(server).await?.batch_execute(&format!("create database {}", database.name)).await?;
        Ok(database)
    }

    /// Creates a database with all of `migrations/` applied.
    ///
    /// It is a copy of a template on the same server, which saves hundreds of milliseconds against a migration.
    /// If there is no template of this name, `migrate` fills one: it gets the URL of an empty database and must close its
    /// connections. Other tests wait meanwhile.
    ///
    /// # Errors
    ///
    /// If the server cannot be reached or refuses, or `migrate` fails or leaves migrations out.
    pub async fn migrated(
        server: &str,
        template: &str,
        migrate: impl AsyncFnOnce(&str) -> Result<(), Error>,
    ) -> Result<Self, Error> {
        let (template, database) = (template::name(template)?, Self::planned(server)?);
        let client = connect(server).await?;
        // By its files, which takes half the work of copying it through the log.
        let copy = format!("create database {} template {template} strategy file_copy", database.name);
        match client.batch_execute(&copy).await {
            Err(error) if error.code() == Some(&SqlState::UNDEFINED_DATABASE) => {
                template::make(server, &template, migrate).await?;
                client.batch_execute(&copy).await?;
            }
            other => other?,
        }
        Ok(database)
    }

    /// A value for a database that is not created yet, with a new name.
    fn planned(server: &str) -> Result<Self, Error> {
        let name = format!("test_{}", random::word()?);
        Ok(Self { server: server.to_owned(), url: address(server, &name)?, name })
    }

    /// Its URL.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let server = std::mem::take(&mut self.server);
        let sentence = format!("drop database if exists {} with (force)", self.name);
        // A destructor cannot await, and must not block the runtime that it runs on.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
            runtime.block_on(async { connect(&server).await.ok()?.batch_execute(&sentence).await.ok() })
        });
        // If the server has stopped, the database cannot be dropped, and may remain.
        let _best_effort = dropping.join();
    }
}

/// Creates a permanent database, unless it exists.
///
/// # Errors
///
/// If the server cannot be reached or refuses.
pub async fn ensure(server: &str, name: &str) -> Result<(), Error> {
    match connect(server).await?.batch_execute(&format!("create database \"{name}\"")).await {
        Err(error) if error.code() == Some(&SqlState::DUPLICATE_DATABASE) => Ok(()),
        other => Ok(other?),
    }
}
