//! `admin keys`: rotates, lists and kills signing keys. Running replicas follow without a restart.

use clap::Subcommand;
use serde_json::json;

use crate::actor::Actor;
use crate::audit::{self, AuditAction, AuditEntry};
use crate::config::{CommandConfig, MasterKeys};
use crate::context::Core;
use crate::db::{DbError, Transaction};
use crate::keys::{self, Keys};
use crate::revocations::{self, NewRevocation};

use super::terminal::{Failure, say};

#[derive(Debug, Subcommand)]
pub(super) enum KeysCommand {
    /// Make the next key active, and publish a new next key. Example: admin keys rotate
    Rotate {
        /// Rotate even if sidecars may not have the next key yet.
        #[arg(long)]
        force: bool,
    },
    /// List all keys, newest first. Example: admin keys list
    List,
    /// Print the value of `INTROSPECT_REVOCATION_KEYS`, a secret of the sidecars, derived from `ADMIN_MASTER_KEYS`. Needs
    /// no database. Example: admin keys sidecar
    Sidecar,
    /// Refuse all tokens of a key, permanently. Example: admin keys kill k9f3q2m7w8e5r1t6y4u0i2o9p3a7s8d5f1g6h4j2l0z
    Kill {
        /// The name of the key, as listed by `admin keys list`.
        // One name in 64 begins with a hyphen; it is not an option.
        #[arg(allow_hyphen_values = true)]
        kid: String,
    },
}

impl KeysCommand {
    /// Whether it writes nothing.
    pub(super) fn only_reads(&self) -> bool {
        matches!(self, Self::List | Self::Sidecar)
    }
}

pub(super) async fn run(action: KeysCommand, core: &Core, config: &CommandConfig) -> Result<(), Failure> {
    match action {
        KeysCommand::Rotate { force } => rotate(core, config, force).await,
        KeysCommand::List => list(core).await,
        KeysCommand::Sidecar => print_for_sidecars(&config.master_keys),
        KeysCommand::Kill { kid } => kill(core, config, &kid).await,
    }
}

/// Prints the keys by which sidecars recognise that revocations are authentic.
pub(super) fn print_for_sidecars(masters: &MasterKeys) -> Result<(), Failure> {
    say(format_args!("{}", *keys::log_keys_text(masters)))
}

async fn rotate(core: &Core, config: &CommandConfig, force: bool) -> Result<(), Failure> {
    let keys = Keys::new(&config.master_keys);
    let mut connection = core.db.get().await?;
    let transaction = connection.begin().await?;
    keys::rotate(&transaction, keys.sealer(), config.key_publication, force).await?;
    let active = keys::active(&transaction).await?;
    note(&transaction, core, AuditAction::KeysRotated, &active).await?;
    transaction.commit().await?;
    say(format_args!("Rotated."))?;
    list(core).await
}

async fn list(core: &Core) -> Result<(), Failure> {
    for key in keys::list(&core.db.get().await?).await? {
        say(format_args!("{}  {:8}  since {}", key.kid, key.status, key.since))?;
    }
    Ok(())
}

async fn kill(core: &Core, config: &CommandConfig, kid: &str) -> Result<(), Failure> {
    let keys = Keys::new(&config.master_keys);
    let mut connection = core.db.get().await?;
    let transaction = connection.begin().await?;
    keys::kill(&transaction, keys.sealer(), kid).await?;
    revocations::record(&transaction, &core.issuer, &[NewRevocation::key(kid)]).await?;
    note(&transaction, core, AuditAction::KeyKilled, kid).await?;
    transaction.commit().await?;
    say(format_args!("Killed {kid}: its tokens are refused from now on."))
}

async fn note(tx: &Transaction<'_>, core: &Core, action: AuditAction, kid: &str) -> Result<(), DbError> {
    let entry = AuditEntry::new(action, kid, json!({}));
    audit::record(tx, &core.audit_keys, &Actor::command(), entry).await
}
