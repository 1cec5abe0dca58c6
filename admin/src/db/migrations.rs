//! The schema: embedded migrations, applied by one replica at a time.

use refinery::Target;
use tokio_postgres::Client;

use crate::config::DatabaseConfig;

use super::{Connection, DbError};

/// Advisory lock for migrating; `refinery` itself takes no lock, and several replicas may start at once.
const LOCK: i64 = 0x0075_7368_6572_0001;
const HISTORY: &str = "auth.schema_history";

mod embedded {
    refinery::embed_migrations!("../migrations");
}

/// Why the schema could not be brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// No PostgreSQL connection.
    #[error(transparent)]
    Database(#[from] DbError),
    /// A migration failed, or the applied migrations differ from the embedded ones.
    #[error("{0}")]
    Migration(#[from] refinery::Error),
}

/// How the database's schema compares with the embedded migrations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schema {
    /// All embedded migrations are applied. There may be more: migrations leave the previous program working.
    Ready,
    /// Some migrations are missing.
    Behind {
        /// How many migrations are missing.
        missing: usize,
    },
}

/// Applies the missing migrations and returns their number.
///
/// # Errors
///
/// When PostgreSQL is unavailable, or a migration fails; those before it stay applied.
pub async fn migrate(config: &DatabaseConfig) -> Result<usize, MigrateError> {
    let (mut client, connection) = config.server.connect(config.tls.clone()).await.map_err(DbError::from)?;
    let driver = tokio::spawn(connection);
    let applied = migrate_alone(&mut client).await;
    // Closing the connection releases the lock.
    drop(client);
    let _closed = driver.await;
    applied
}

async fn migrate_alone(client: &mut Client) -> Result<usize, MigrateError> {
    client.execute("select pg_advisory_lock($1)", &[&LOCK]).await.map_err(DbError::from)?;
    client.batch_execute("create schema if not exists auth").await.map_err(DbError::from)?;
    let mut runner = embedded::migrations::runner().set_target(Target::Latest).set_abort_missing(false);
    runner.set_migration_table_name(HISTORY);
    Ok(runner.run_async(client).await?.applied_migrations().len())
}

impl Schema {
    /// Compares the schema with the embedded migrations.
    ///
    /// # Errors
    ///
    /// When PostgreSQL is unavailable.
    pub async fn of(connection: &Connection) -> Result<Self, DbError> {
        let embedded = embedded::migrations::runner();
        let embedded: Vec<i32> = embedded.get_migrations().iter().map(refinery::Migration::version).collect();
        let exists = connection.query_one("select to_regclass($1) is not null", &[&HISTORY]).await?;
        if !exists.get::<_, bool>(0) {
            return Ok(Self::Behind { missing: embedded.len() });
        }
        let applied = "select count(*) from auth.schema_history where version = any($1)";
        let applied: i64 = connection.query_one(applied, &[&embedded]).await?.get(0);
        let missing = embedded.len().saturating_sub(usize::try_from(applied).unwrap_or(0));
        Ok(if missing == 0 { Self::Ready } else { Self::Behind { missing } })
    }
}
