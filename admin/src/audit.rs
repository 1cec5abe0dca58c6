//! Who did what to whom, when, from where and in which request: a chain that shows when it was touched.
//!
//! Each row is sealed with an HMAC over the seal before it and its own content. The key comes from the master
//! keys, so that whoever can only write to the database cannot mend the chain after changing a row. What the
//! chain cannot show is that its newest rows are gone together with the memory of them: `admin audit verify`
//! prints where it ends, and takes such a place to hold a later chain against.
//!
//! A row is written in the transaction that does what it tells of, as its last statement: the end of the chain
//! is one row that all writers lock.

pub mod list;
mod seal;
mod store;
mod verify;

use std::net::IpAddr;

use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use crate::access::Caller;
use crate::api::Request;
use crate::context::Context;
use crate::db::{DbError, Transaction};
use crate::keys::DerivedKeys;

pub use verify::{Broken, Chain, NotAPlace, Place, VerifyError, verify};

/// Who did it, and in which request.
#[derive(Debug, Clone)]
pub struct Actor {
    kind: ActorKind,
    id: Option<Uuid>,
    address: Option<IpAddr>,
    request_id: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ActorKind {
    User,
    Command,
    Service,
}

macro_rules! actions {
    ($($(#[$doc:meta])* $variant:ident = $name:literal $target:ident,)*) => {
        /// What was done.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Action {
            $($(#[$doc])* $variant,)*
        }

        impl Action {
            /// Every action.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// As it is stored and shown.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What it is done to.
            pub const fn target(self) -> Target {
                match self { $(Self::$variant => Target::$target,)* }
            }
        }
    };
}

actions! {
    /// A role was made.
    RoleCreated = "role_created" Role,
    /// Its name, words, permissions or inheritance were changed.
    RoleChanged = "role_changed" Role,
    /// A role was deleted, and everybody lost it.
    RoleDeleted = "role_deleted" Role,
    /// A role was given to somebody, or its end was moved.
    RoleAssigned = "role_assigned" User,
    /// A role was taken from somebody.
    RoleTaken = "role_taken" User,
    /// The end of an assignment came.
    RoleEnded = "role_ended" User,
    /// An account was disabled.
    UserDisabled = "user_disabled" User,
    /// An account was enabled again.
    UserEnabled = "user_enabled" User,
    /// Every session of somebody was ended by another person.
    SessionsEnded = "sessions_ended" User,
    /// One session of somebody was ended by another person.
    SessionEnded = "session_ended" User,
    /// Somebody may do everything now.
    SuperuserGiven = "superuser_given" User,
    /// Somebody may do everything no longer.
    SuperuserTaken = "superuser_taken" User,
    /// The next signing key signs.
    KeysRotated = "keys_rotated" Key,
    /// A signing key was killed.
    KeyKilled = "key_killed" Key,
    /// Every session of everybody was ended.
    EverybodySignedOut = "everybody_signed_out" Deployment,
}

/// What something is done to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// A person, by identifier.
    User,
    /// A role, by identifier.
    Role,
    /// A signing key, by name.
    Key,
    /// All of it, by the issuer's name.
    Deployment,
}

/// Something that was done.
#[derive(Debug, Clone)]
pub struct Entry {
    action: Action,
    target: String,
    detail: Value,
}

impl Actor {
    /// The caller of `request`.
    pub(crate) fn of(request: &Request, caller: &Caller) -> Self {
        Self {
            kind: ActorKind::User,
            id: Some(caller.user),
            address: request.client.address,
            request_id: Some(request.id.as_str().to_owned()),
        }
    }

    /// Whoever typed a command of `admin`.
    pub const fn command() -> Self {
        Self { kind: ActorKind::Command, id: None, address: None, request_id: None }
    }

    /// This service, by itself.
    pub(crate) const fn service() -> Self {
        Self { kind: ActorKind::Service, id: None, address: None, request_id: None }
    }
}

impl ActorKind {
    const fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Command => "command",
            Self::Service => "service",
        }
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
    /// `action` was done to `target`. `detail` holds what else belongs to it, and no secret.
    pub fn new(action: Action, target: impl Into<String>, detail: Value) -> Self {
        Self { action, target: target.into(), detail }
    }

    fn row(self, seq: i64, occurred_at: Timestamp, actor: &Actor) -> seal::Row {
        seal::Row {
            seq,
            occurred_at,
            actor_kind: actor.kind.name().to_owned(),
            actor_id: actor.id,
            action: self.action.name().to_owned(),
            target_kind: self.action.target().name().to_owned(),
            target_id: self.target,
            detail: self.detail.to_string(),
            address: actor.address,
            request_id: actor.request_id.clone(),
        }
    }
}

/// Records `entry`, for good when `tx` commits. The last statement of the transaction: from here on every other
/// writer waits for its end.
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

/// As [`record`], for what the caller of `request` did.
pub(crate) async fn record_of(
    tx: &Transaction<'_>,
    request: &Request,
    caller: &Caller,
    entry: Entry,
) -> Result<(), DbError> {
    let context: &Context = &request.context;
    record(tx, &context.audit_keys, &Actor::of(request, caller), entry).await
}
