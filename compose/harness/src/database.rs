//! A database of a test's own on a server that many share.

use std::fmt;

use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, NoTls};
use url::Url;

use crate::{Error, random};

/// An empty database, dropped when this value ends, whoever is still connected to it.
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
    /// Makes one on the server at `server`, the address of any of its databases.
    ///
    /// # Errors
    ///
    /// When the server cannot be reached or does not allow it.
    pub async fn create(server: &str) -> Result<Self, Error> {
        let name = format!("test_{}", random::word()?);
        let mut url =
            Url::parse(server).map_err(|why| Error::Other(format!("the database's address: {why}")))?;
        url.set_path(&name);
        connect(server).await?.batch_execute(&format!("create database {name}")).await?;
        Ok(Self { server: server.to_owned(), name, url: url.into() })
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
        // A server that is away takes its databases with it, or keeps one too many.
        let _best_effort = dropping.join();
    }
}

/// Makes a database that stays, unless it is there.
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

async fn connect(url: &str) -> Result<Client, Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}
