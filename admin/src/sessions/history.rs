//! Who signed in, from where, who tried, and what ended sessions.
//!
//! Writing it must never fail what it tells of: it is written after the fact, on a connection of its own,
//! and what cannot be written is logged and counted.

mod calendar;
pub mod list;
pub mod partitions;
mod store;

use std::time::Duration;

use tokio::task::JoinError;
use tokio::time::error::Elapsed;
use tokio::time::timeout;
use uuid::Uuid;

use crate::api::Request;
use crate::db::DbError;

/// How long what happened waits for being remembered: for a connection, and for PostgreSQL.
const PATIENCE: Duration = Duration::from_secs(1);

/// Something worth remembering.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    pub(crate) event: Event,
    /// Whom it concerns, where that is known.
    pub(crate) user: Option<Uuid>,
    pub(crate) session: Option<Uuid>,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    Login,
    LoginFailed(Failure),
    /// The current password was asked for again, and was wrong.
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
    /// Somebody signed in through an identity provider.
    ProviderLogin,
    AccountLinked,
    AccountUnlinked,
    /// Somebody else proved that the address of this account is theirs, and has it now.
    EmailClaimed,
}

/// Why a sign-in failed; for operators alone.
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

    /// Whether somebody else did it, whose address and program are not for this user to see.
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
    #[error("PostgreSQL took longer than {PATIENCE:?}; it may still be written")]
    Late(#[from] Elapsed),
    #[error("writing it ended early")]
    Ended(#[from] JoinError),
}

/// Remembers `entry` of `request`, if that can be done soon.
pub(crate) async fn record(request: &Request, entry: Entry) {
    if let Err(error) = write(request, entry).await {
        request.context.metrics.history_failures.inc();
        tracing::warn!(
            %error,
            event = entry.event.name(),
            "An entry of the login history could not be written; what it tells of went on."
        );
    }
}

/// In a task of its own, which is left to its end: dropped amid a statement, its connection would go back to
/// the pool with an answer still to come, and whoever took it next would wait for that.
async fn write(request: &Request, entry: Entry) -> Result<(), NotWritten> {
    let new = store::NewEntry::new(request, entry);
    let writing = tokio::spawn(store::insert(request.context.db.clone(), new));
    Ok(timeout(PATIENCE, writing).await???)
}
