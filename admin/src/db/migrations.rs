//! The schema: embedded migrations, applied by one replica at a time.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;

use refinery::Target;
use refinery::error::Kind;
use tokio_postgres::{Client, Row};

use crate::config::DatabaseConfig;

use super::error::WithCause;
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
    /// A migration failed.
    #[error("cannot apply the migrations: {}", Causes(.0))]
    Migration(#[source] refinery::Error),
    /// An applied migration differs from the embedded one.
    #[error(
        "migration V{0} of this database differs from that of this program, so another build migrated the database: use that \
         build, or restore a dump and migrate it with this one"
    )]
    Different(i32),
    /// The database has later migrations, but lacks earlier ones, which can no longer be applied.
    #[error(
        "this database lacks migration V{0}, but has later ones, so a build between two releases migrated it: restore a dump \
         of a release and migrate it with this program"
    )]
    Skipped(i32),
}

/// An error with its causes: `refinery` and `tokio_postgres` have the message of the server in the source of theirs.
struct Causes<'e>(&'e refinery::Error);

impl fmt::Display for Causes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut cause: Option<&dyn Error> = Some(self.0);
        while let Some(error) = cause {
            if let Some(error) = error.downcast_ref::<tokio_postgres::Error>() {
                return match self.0.kind() {
                    // With the name of the migration.
                    Kind::Connection(what, _) => write!(f, "{what}: {}", WithCause(error)),
                    _ => write!(f, "{}", WithCause(error)),
                };
            }
            cause = error.source();
        }
        write!(f, "{}", self.0)
    }
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
    /// An applied migration differs from the embedded one: another build migrated the database.
    Different {
        /// The migration.
        version: i32,
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
    check_gaps(client).await?;
    let mut runner = embedded::migrations::runner().set_target(Target::Latest).set_abort_missing(false);
    runner.set_migration_table_name(HISTORY);
    let applied = runner.run_async(client).await.map_err(|error| match error.kind() {
        Kind::DivergentVersion(applied, _) => MigrateError::Different(applied.version()),
        _ => MigrateError::Migration(error),
    })?;
    Ok(applied.applied_migrations().len())
}

/// Checks, before anything is applied, that no migration is missing before the last one that was applied.
async fn check_gaps(client: &Client) -> Result<(), MigrateError> {
    let exists = client.query_one("select to_regclass($1) is not null", &[&HISTORY]).await;
    if !exists.map_err(DbError::from)?.get::<_, bool>(0) {
        return Ok(());
    }
    let history = "select version, checksum from auth.schema_history";
    let history = checksums(&client.query(history, &[]).await.map_err(DbError::from)?)?;
    let Some(last) = history.keys().next_back().copied() else { return Ok(()) };
    let missing = embedded().into_keys().find(|version| *version < last && !history.contains_key(version));
    missing.map_or(Ok(()), |version| Err(MigrateError::Skipped(version)))
}

/// The embedded migrations, with their checksums as the history has them.
fn embedded() -> BTreeMap<i32, String> {
    let runner = embedded::migrations::runner();
    let migrations = runner.get_migrations().iter();
    migrations.map(|migration| (migration.version(), migration.checksum().to_string())).collect()
}

fn checksums(rows: &[Row]) -> Result<BTreeMap<i32, String>, DbError> {
    rows.iter().map(|row| Ok((row.try_get("version")?, row.try_get("checksum")?))).collect()
}

impl Schema {
    /// Compares the schema with the embedded migrations.
    ///
    /// # Errors
    ///
    /// When PostgreSQL is unavailable.
    pub async fn of(connection: &Connection) -> Result<Self, DbError> {
        let embedded = embedded();
        let exists = connection.query_one("select to_regclass($1) is not null", &[&HISTORY]).await?;
        if !exists.get::<_, bool>(0) {
            return Ok(Self::Behind { missing: embedded.len() });
        }
        let applied =
            checksums(&connection.query("select version, checksum from auth.schema_history", &[]).await?)?;
        let is_different = |(version, checksum): &(&i32, &String)| {
            applied.get(*version).is_some_and(|applied| applied != *checksum)
        };
        if let Some((version, _)) = embedded.iter().find(is_different) {
            return Ok(Self::Different { version: *version });
        }
        let missing = embedded.keys().filter(|version| !applied.contains_key(version)).count();
        Ok(if missing == 0 { Self::Ready } else { Self::Behind { missing } })
    }
}
