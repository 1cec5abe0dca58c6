//! The template of the test databases: migrated once, then copied.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::PathBuf;

use crate::Error;
use crate::error::Doing as _;

use super::server::{address, connect};

const MIGRATIONS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations");

/// The advisory lock that is held while a template is created.
const LOCK: i64 = 0x0075_7368_6572_0002;

/// The full name of a template. It depends on every migration, so that a server that keeps running after a migration
/// was changed does not use the old template.
pub(super) fn name(name: &str) -> Result<String, Error> {
    let mut hasher = DefaultHasher::new();
    for file in migrations()? {
        file.file_name().hash(&mut hasher);
        fs::read(&file).doing(|| format!("{} cannot be read", file.display()))?.hash(&mut hasher);
    }
    Ok(format!("usher_{name}_{:016x}", hasher.finish()))
}

/// Creates the template, unless another process did so while this one waited for the lock.
pub(super) async fn make(
    server: &str,
    name: &str,
    migrate: impl AsyncFnOnce(&str) -> Result<(), Error>,
) -> Result<(), Error> {
    // Closing the connection releases the lock.
    let client = connect(server).await?;
    client.execute("select pg_advisory_lock($1)", &[&LOCK]).await?;
    let found = client.query_opt("select from pg_database where datname = $1", &[&name]).await?;
    if found.is_some() {
        return Ok(());
    }
    let draft = format!("{name}_draft");
    let url = address(server, &draft)?;
    client.batch_execute(&format!("drop database if exists {draft} with (force)")).await?;
    client.batch_execute(&format!("create database {draft}")).await?;
    migrate(&url).await?;
    must_be_complete(&url).await?;
    // A database can be copied only while nothing is connected to it.
    client.batch_execute(&format!("alter database {draft} with allow_connections false")).await?;
    client.batch_execute(&format!("alter database {draft} rename to {name}")).await?;
    Ok(())
}

/// An `admin` that was built before the newest migration would create a template without that migration.
async fn must_be_complete(url: &str) -> Result<(), Error> {
    let rows = connect(url).await?.query_one("select count(*) from auth.schema_history", &[]).await?;
    let (applied, wanted) = (rows.get::<_, i64>(0), migrations()?.len());
    if usize::try_from(applied) == Ok(wanted) {
        return Ok(());
    }
    Err(Error::Other(format!(
        "admin applied {applied} migrations, and migrations/ has {wanted}; build it: cargo build -p admin"
    )))
}

fn migrations() -> Result<Vec<PathBuf>, Error> {
    let doing = || format!("{MIGRATIONS} cannot be read");
    let entries = fs::read_dir(MIGRATIONS).doing(doing)?;
    let files = entries.map(|entry| entry.doing(doing).map(|entry| entry.path()));
    let mut files = files.collect::<Result<Vec<_>, _>>()?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "sql"));
    files.sort();
    Ok(files)
}
