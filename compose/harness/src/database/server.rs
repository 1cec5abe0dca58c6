//! The server that holds the test databases: its URLs and connections.

use tokio_postgres::{Client, NoTls};
use url::Url;

use crate::Error;

/// A connection that lives as long as its client.
pub(super) async fn connect(url: &str) -> Result<Client, Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// The URL of the database `name` on the server at `server`.
pub(super) fn address(server: &str, name: &str) -> Result<String, Error> {
    let mut url =
        Url::parse(server).map_err(|why| Error::Other(format!("the address of the test database: {why}")))?;
    url.set_path(name);
    Ok(url.into())
}
