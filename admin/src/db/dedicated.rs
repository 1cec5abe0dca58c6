//! A connection outside the pool that receives notifications.

use std::future::poll_fn;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_postgres::{AsyncMessage, Client, Connection};

use crate::config::DatabaseConfig;

use super::error::DbError;

/// A dedicated connection, which may listen on one channel. Closed when dropped, which releases all its locks.
pub struct Dedicated {
    client: Client,
    notified: Arc<Notify>,
    driver: JoinHandle<()>,
}

impl Dedicated {
    /// Connects as `name` with `settings` (as in `-c name=value`) and listens on `channel`, if any.
    ///
    /// # Errors
    ///
    /// When PostgreSQL is unreachable.
    pub async fn connect(
        config: &DatabaseConfig,
        name: &str,
        settings: &str,
        channel: Option<&str>,
    ) -> Result<Self, DbError> {
        let mut server = config.server.clone();
        server.application_name(name).options(config.options_with(settings));
        let (client, connection) = server.connect(config.tls.clone()).await?;
        let notified = Arc::new(Notify::new());
        let driver = tokio::spawn(drive(connection, Arc::clone(&notified)));
        let dedicated = Self { client, notified, driver };
        if let Some(channel) = channel {
            dedicated.client.batch_execute(&format!("listen {channel}")).await?;
        }
        Ok(dedicated)
    }

    /// Returns when the channel was notified since the last call, or the connection is lost.
    pub async fn notified(&self) {
        self.notified.notified().await;
    }

    /// The client, for statements.
    pub fn client(&self) -> &Client {
        &self.client
    }
}

impl Drop for Dedicated {
    fn drop(&mut self) {
        // Closes the socket at once, even when the server no longer responds.
        self.driver.abort();
    }
}

async fn drive<S, T>(mut connection: Connection<S, T>, notified: Arc<Notify>)
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    while let Some(Ok(message)) = poll_fn(|cx| connection.poll_message(cx)).await {
        if matches!(message, AsyncMessage::Notification(_)) {
            notified.notify_one();
        }
    }
    notified.notify_one();
}
