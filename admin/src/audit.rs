//! The audit log, tamper-evident: who did what to which object, when, from where, and in which request.
//!
//! Each row is sealed with an HMAC over the previous row's seal and its own content. The key is derived from
//! the master keys, so that an attacker who can only write to the database cannot repair the chain after
//! changing a row. The chain alone cannot show that its newest rows were removed together with the stored
//! end: `admin audit verify` prints the end of the chain, and accepts such a position to check a later chain
//! against.
//!
//! A row is written in the transaction of the action that it records, as its last statement: all writers lock
//! the row that holds the end of the chain.

pub mod list;
mod seal;
mod store;
mod verify;

use jiff::Timestamp;
use serde_json::Value;

use crate::actor::{Actor, ActorKind};
use crate::db::{DbError, Transaction};
use crate::keys::DerivedKeys;

pub use verify::{Broken, Chain, NotAPlace, Place, VerifyError, verify};

macro_rules! actions {
    ($($(#[$doc:meta])* $variant:ident = $name:literal $target:ident,)*) => {
        /// The action.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Action {
            $($(#[$doc])* $variant,)*
        }

        impl Action {
            /// All actions.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The name, as stored and returned.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The kind of its target.
            pub const fn target(self) -> Target {
                match self { $(Self::$variant => Target::$target,)* }
            }
        }
    };
}

actions! {
    /// A role was created.
    RoleCreated = "role_created" Role,
    /// A role's name, texts, permissions or inheritance were changed.
    RoleChanged = "role_changed" Role,
    /// A role was deleted, with all its assignments.
    RoleDeleted = "role_deleted" Role,
    /// A role was assigned, or the expiry of an assignment was changed.
    RoleAssigned = "role_assigned" User,
    /// A role was revoked from a user.
    RoleTaken = "role_taken" User,
    /// An assignment expired.
    RoleEnded = "role_ended" User,
    /// An account was disabled.
    UserDisabled = "user_disabled" User,
    /// An account was enabled again.
    UserEnabled = "user_enabled" User,
    /// All sessions of a user were revoked by another user.
    SessionsEnded = "sessions_ended" User,
    /// One session of a user was revoked by another user.
    SessionEnded = "session_ended" User,
    /// Superuser status was granted.
    SuperuserGiven = "superuser_given" User,
    /// Superuser status was revoked.
    SuperuserTaken = "superuser_taken" User,
    /// The next signing key became active.
    KeysRotated = "keys_rotated" Key,
    /// A signing key was killed.
    KeyKilled = "key_killed" Key,
    /// All sessions of all users were revoked.
    AllRevoked = "everybody_signed_out" Deployment,
}

/// The object of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// A user, by identifier.
    User,
    /// A role, by identifier.
    Role,
    /// A signing key, by name.
    Key,
    /// The deployment, by the issuer's name.
    Deployment,
}

/// An action to record.
#[derive(Debug, Clone)]
pub struct Entry {
    action: Action,
    target: String,
    detail: Value,
}

/// What kind of actor it was, as it is stored and shown.
fn kind_of(actor: &Actor) -> &'static str {
    match actor.kind() {
        ActorKind::Caller(_) => "user",
        ActorKind::Command => "command",
        // Nothing that is audited is open to visitors; if it were, no user would have done it.
        ActorKind::Service | ActorKind::Visitor => "service",
    }
}

impl Target {
    const fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Role => "role",
            Self::Key => "key",
            Self::Deployment => "deployment",
        }
    }
}

impl Entry {
    /// `action` was applied to `target`. `detail` holds further facts, and no secret.
    pub fn new(action: Action, target: impl Into<String>, detail: Value) -> Self {
        Self { action, target: target.into(), detail }
    }

    fn row(self, seq: i64, occurred_at: Timestamp, actor: &Actor) -> seal::Row {
        seal::Row {
            seq,
            occurred_at,
            actor_kind: kind_of(actor).to_owned(),
            actor_id: actor.user(),
            action: self.action.name().to_owned(),
            target_kind: self.action.target().name().to_owned(),
            target_id: self.target,
            detail: self.detail.to_string(),
            address: actor.address(),
            request_id: actor.request_id().map(str::to_owned),
        }
    }
}

/// Records `entry`, permanently when `tx` commits. Must be the last statement of the transaction: all other
/// writers wait until it ends.
///
/// # Errors
///
/// When PostgreSQL is unavailable.
pub async fn record(
    tx: &Transaction<'_>,
    keys: &DerivedKeys,
    actor: &Actor,
    entry: Entry,
) -> Result<(), DbError> {
    record_all(tx, keys, actor, vec![entry]).await
}

/// As [`record`], for several entries in order.
///
/// # Errors
///
/// When PostgreSQL is unavailable.
pub async fn record_all(
    tx: &Transaction<'_>,
    keys: &DerivedKeys,
    actor: &Actor,
    entries: Vec<Entry>,
) -> Result<(), DbError> {
    if entries.is_empty() {
        return Ok(());
    }
    let head = store::lock_head(tx).await?;
    let (mut seq, mut before) = (head.seq, head.seal);
    let mut rows = Vec::with_capacity(entries.len());
    for entry in entries {
        seq = seq.saturating_add(1);
        let row = entry.row(seq, head.now, actor);
        let (key, seal) = seal::seal(keys, &before, &row);
        before = seal;
        rows.push((row, key, seal));
    }
    store::append(tx, &rows).await
}
