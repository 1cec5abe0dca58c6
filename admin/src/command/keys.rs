//! `admin keys`: rotates, lists and kills signing keys. Running replicas follow without a restart.

use clap::Subcommand;
use serde_json::json;

use crate::actor::Actor;
use crate::audit::{self, Action as AuditAction, Entry};
use crate::config::CommandConfig;
use crate::db::{Db, DbError, Transaction};
use crate::keys::{self, DerivedKeys, Keys, Purpose};
use crate::revocations::{self, NewRevocation};

use super::{Failure, say};

#[derive(Debug, Subcommand)]
pub(super) enum Action {
    /// Make the next key active, and publish a new next key.
    Rotate {
        /// Rotate even if sidecars may not have the next key yet.
        #[arg(long)]
        force: bool,
    },
    /// List all keys, newest first.
    List,
    /// Refuse all tokens of a key, permanently.
    Kill {
        /// The name of the key, as listed by `admin keys list`.
        // One name in 64 begins with a hyphen; it is not an option.
        #[arg(allow_hyphen_values = true)]
        kid: String,
    },
}

pub(super) async fn run(action: Action, config: CommandConfig) -> Result<(), Failure> {
    let db = Db::new(&config.database);
    match action {
        Action::Rotate { force } => rotate(&db, &config, force).await,
        Action::List => list(&db).await,
        Action::Kill { kid } => kill(&db, &config, &kid).await,
    }
}

async fn rotate(db: &Db, config: &CommandConfig, force: bool) -> Result<(), Failure> {
    let keys = Keys::new(&config.master_keys);
    let mut connection = db.get().await?;
    let transaction = connection.begin().await?;
    keys::rotate(&transaction, keys.sealer(), config.key_publication, force).await?;
    let active = keys::active(&transaction).await?;
    note(&transaction, config, AuditAction::KeysRotated, &active).await?;
    transaction.commit().await?;
    say(format_args!("Rotated."))?;
    list(db).await
}

async fn list(db: &Db) -> Result<(), Failure> {
    for key in keys::list(&db.get().await?).await? {
        say(format_args!("{}  {:8}  since {}", key.kid, key.status, key.since))?;
    }
    Ok(())
}

async fn kill(db: &Db, config: &CommandConfig, kid: &str) -> Result<(), Failure> {
    let keys = Keys::new(&config.master_keys);
    let mut connection = db.get().await?;
    let transaction = connection.begin().await?;
    keys::kill(&transaction, keys.sealer(), kid).await?;
    revocations::record(&transaction, &config.issuer, &[NewRevocation::key(kid)]).await?;
    note(&transaction, config, AuditAction::KeyKilled, kid).await?;
    transaction.commit().await?;
    say(format_args!("Killed {kid}: its tokens are refused from now on."))
}

async fn note(
    tx: &Transaction<'_>,
    config: &CommandConfig,
    action: AuditAction,
    kid: &str,
) -> Result<(), DbError> {
    let keys = DerivedKeys::derive(&config.master_keys, Purpose::Audit);
    audit::record(tx, &keys, &Actor::command(), Entry::new(action, kid, json!({}))).await
}
