//! An entry of the audit log before it is sealed: the action and its target.

use jiff::Timestamp;
use serde_json::Value;

use super::personal::Commitment;
use super::seal::{AuditRow, SealFormat};
use crate::actor::{Actor, ActorKind};

macro_rules! actions {
    ($($(#[$doc:meta])* $variant:ident = $name:literal $target:ident,)*) => {
        /// The action.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum AuditAction {
            $($(#[$doc])* $variant,)*
        }

        impl AuditAction {
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
    /// Accounts were created from a file.
    UsersImported = "users_imported" Deployment,
    /// An account was disabled.
    UserDisabled = "user_disabled" User,
    /// An account was enabled again.
    UserEnabled = "user_enabled" User,
    /// The failed attempts of an account no longer count.
    UserUnlocked = "user_unlocked" User,
    /// The freeze of an account whose address was changed was ended.
    UserUnfrozen = "user_unfrozen" User,
    /// Another account of the same person was merged into the user's.
    UsersMerged = "users_merged" User,
    /// All sessions of a user were revoked by another user.
    SessionsEnded = "sessions_ended" User,
    /// One session of a user was revoked by another user.
    SessionEnded = "session_ended" User,
    /// All sessions of a user were revoked, and what was linked recently was unlinked.
    UserEvicted = "user_evicted" User,
    /// A link to set a new password was ordered for a user.
    ResetOrdered = "reset_ordered" User,
    /// What is stored about a user was exported.
    UserExported = "user_exported" User,
    /// The erasure of a user was requested.
    ErasureBegun = "erasure_begun" User,
    /// A user kept the account, which would have been erased.
    ErasureKept = "erasure_kept" User,
    /// A user was erased.
    UserErased = "user_erased" User,
    /// A user's e-mail address was set by an operator.
    EmailSet = "email_set" User,
    /// An account was created with a password, on the command line.
    UserCreated = "user_created" User,
    /// An account was created, and its user invited.
    UserInvited = "user_invited" User,
    /// Superuser status was granted.
    SuperuserGiven = "superuser_given" User,
    /// Superuser status was revoked.
    SuperuserTaken = "superuser_taken" User,
    /// A user tried something without the right to it; once an hour for each route.
    CallDenied = "call_denied" Route,
    /// Another user's data were read; once an hour for each reader.
    UserViewed = "user_viewed" User,
    /// Users were searched for; once an hour for each reader.
    UsersSearched = "users_searched" Deployment,
    /// The next signing key became active.
    KeysRotated = "keys_rotated" Key,
    /// A signing key was killed.
    KeyKilled = "key_killed" Key,
    /// One access token was revoked.
    TokenRevoked = "token_revoked" Token,
    /// The access tokens of a user must be refreshed.
    RefreshForced = "refresh_forced" User,
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
    /// An access token, by its `jti`.
    Token,
    /// The deployment, by the issuer's name.
    Deployment,
    /// A route of the API, by method and path.
    Route,
}

/// An action to record.
#[derive(Debug, Clone)]
pub struct AuditEntry {
    action: AuditAction,
    target: String,
    detail: Value,
    texts: Option<Value>,
}

impl AuditEntry {
    /// `action` was applied to `target`. `detail` holds further facts: no secret, and no text that a person wrote about
    /// another one.
    pub fn new(action: AuditAction, target: impl Into<String>, detail: Value) -> Self {
        Self { action, target: target.into(), detail, texts: None }
    }

    /// Adds the reason that a person wrote, which an erasure of the target erases.
    #[must_use]
    pub fn reason(self, reason: Option<&str>) -> Self {
        let texts = reason.map(|reason| serde_json::json!({ "reason": reason }));
        Self { texts, ..self }
    }

    pub(super) fn action(&self) -> AuditAction {
        self.action
    }

    pub(super) fn target(&self) -> &str {
        &self.target
    }

    pub(super) fn row(self, seq: i64, occurred_at: Timestamp, actor: &Actor) -> AuditRow {
        AuditRow {
            seq,
            occurred_at,
            actor_kind: kind_of(actor).to_owned(),
            actor_id: actor.user(),
            action: self.action.name().to_owned(),
            target_kind: self.action.target().name().to_owned(),
            target_id: self.target,
            format: SealFormat::Plain,
            detail: self.detail.to_string(),
            address: actor.address(),
            address_commitment: Commitment::default(),
            texts: self.texts.map(|texts| texts.to_string()),
            texts_commitment: Commitment::default(),
            request_id: actor.request_id().map(str::to_owned),
        }
    }
}

impl Target {
    /// All kinds.
    pub(super) const ALL: [Self; 6] =
        [Self::User, Self::Role, Self::Key, Self::Token, Self::Deployment, Self::Route];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Role => "role",
            Self::Key => "key",
            Self::Token => "token",
            Self::Deployment => "deployment",
            Self::Route => "route",
        }
    }
}

/// The kind of actor, as stored and returned.
pub(super) fn kind_of(actor: &Actor) -> &'static str {
    match actor.kind() {
        ActorKind::Caller(_) => "user",
        ActorKind::Command => "command",
        // Visitors can do nothing that is audited; if they could, the row would name no user.
        ActorKind::Service | ActorKind::Visitor => "service",
    }
}
