//! The login history: sign-ins, failed attempts, and ended sessions.
//!
//! Writing history must never fail the operation that it records: an entry is written after the operation, on
//! a connection of its own, and a failure is logged and counted.

pub mod list;
pub mod partitions;
mod store;

use std::time::Duration;

use tokio::task::JoinError;
use tokio::time::error::Elapsed;
use tokio::time::timeout;
use uuid::Uuid;

use crate::actor::Actor;
use crate::context::Context;
use crate::db::DbError;

/// How long an operation waits for its entry to be written: for a connection, and for PostgreSQL.
const PATIENCE: Duration = Duration::from_secs(1);

/// An event for the history.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    pub(crate) event: Event,
    /// The user concerned, if known.
    pub(crate) user: Option<Uuid>,
    pub(crate) session: Option<Uuid>,
}

/// The kind of event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    Login,
    LoginFailed(Failure),
    /// The current password was requested again, and was wrong.
    ProofFailed,
    Logout,
    LogoutAll,
    SessionEnded,
    RefreshReused,
    RefreshElsewhere,
    RefreshRecovered,
    PasswordChanged,
    EmailChanged,
    LoginChanged,
    /// Sign-in through an identity provider.
    ProviderLogin,
    AccountLinked,
    AccountUnlinked,
    /// Another user proved ownership of this account's e-mail address and now has it.
    EmailClaimed,
}

/// Why a sign-in failed; visible to operators only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    NobodyHasThatName,
    WrongPassword,
    NoPassword,
    Inactive,
}

impl Event {
    fn name(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::LoginFailed(_) => "login_failed",
            Self::ProofFailed => "proof_failed",
            Self::Logout => "logout",
            Self::LogoutAll => "logout_all",
            Self::SessionEnded => "session_ended",
            Self::RefreshReused => "refresh_reused",
            Self::RefreshElsewhere => "refresh_elsewhere",
            Self::RefreshRecovered => "refresh_recovered",
            Self::PasswordChanged => "password_changed",
            Self::EmailChanged => "email_changed",
            Self::LoginChanged => "login_changed",
            Self::ProviderLogin => "oauth_login",
            Self::AccountLinked => "account_linked",
            Self::AccountUnlinked => "account_unlinked",
            Self::EmailClaimed => "email_claimed",
        }
    }

    /// Whether another user did it, whose address and user agent must not be shown to this user.
    fn is_of_another(self) -> bool {
        self == Self::EmailClaimed
    }

    fn reason(self) -> Option<&'static str> {
        let Self::LoginFailed(failure) = self else { return None };
        Some(match failure {
            Failure::NobodyHasThatName => "nobody_has_that_name",
            Failure::WrongPassword => "wrong_password",
            Failure::NoPassword => "no_password",
            Failure::Inactive => "inactive",
        })
    }
}

/// Why an entry was not written in time.
#[derive(Debug, thiserror::Error)]
enum NotWritten {
    #[error(transparent)]
    Database(#[from] DbError),
    #[error("PostgreSQL took longer than {PATIENCE:?}; the entry may still be written")]
    Late(#[from] Elapsed),
    #[error("the task that writes it ended early")]
    Ended(#[from] JoinError),
}

/// Writes `entry` of `request`, if that can be done soon.
pub(crate) async fn record(context: &Context, actor: &Actor, entry: Entry) {
    if let Err(error) = write(context, actor, entry).await {
        context.metrics.history_failures.inc();
        tracing::warn!(
            %error,
            event = entry.event.name(),
            "Failed to write a login-history entry; the operation itself succeeded."
        );
    }
}

/// In a task of its own, which runs to its end: if it was dropped during a statement, its connection would
/// return to the pool with a response outstanding, and its next user would wait for it.
async fn write(context: &Context, actor: &Actor, entry: Entry) -> Result<(), NotWritten> {
    let new = store::NewEntry::new(context.random.id(), actor, entry);
    let writing = tokio::spawn(store::insert(context.db.clone(), new));
    Ok(timeout(PATIENCE, writing).await???)
}
