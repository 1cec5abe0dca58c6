//! An entry of the login history: what happened to which account.

use uuid::Uuid;

use crate::limits::Bucket;
use crate::metrics::SignInOutcome;

/// An event for the history.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HistoryEntry {
    pub(crate) event: Event,
    /// The user concerned, if known.
    pub(crate) user: Option<Uuid>,
    pub(crate) session: Option<Uuid>,
}

/// The kind of event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    Login,
    LoginFailed(LoginFailure),
    /// The current password was requested again, and was wrong.
    ProofFailed,
    Logout,
    LogoutAll,
    SessionEnded,
    /// The session ended because the user had too many.
    SessionEvicted,
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
    /// The address was verified for the first time: sessions, and linked accounts that were there before, are gone.
    EmailVerified,
    /// Attempts were refused by this bucket, before any password was checked.
    AttemptsRefused(Bucket),
    /// An operator ended all sessions, and unlinked what was linked recently.
    Evicted,
    /// The holder of the address before a change froze the account.
    AccountFrozen,
    /// A session objected to a recovery.
    RecoveryObjected,
    /// An operator merged this account and another one.
    Merged,
    /// This account at a provider was unlinked with it.
    UnlinkedByEviction(UnlinkedProvider),
}

/// The name of a provider, of at most 32 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct UnlinkedProvider {
    bytes: [u8; 32],
    length: usize,
}

/// Why a sign-in failed; visible to operators only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LoginFailure {
    UnknownName,
    WrongPassword,
    NoPassword,
    /// A code from a mail was wrong, expired or used.
    WrongCode,
    Inactive,
    /// The password or the provider was right.
    TooManySessions,
    /// The account will be erased.
    Erasing,
}

impl Event {
    /// One of each name.
    pub(super) const ALL: [Self; 23] = [
        Self::Login,
        Self::LoginFailed(LoginFailure::WrongPassword),
        Self::ProofFailed,
        Self::Logout,
        Self::LogoutAll,
        Self::SessionEnded,
        Self::SessionEvicted,
        Self::RefreshReused,
        Self::RefreshElsewhere,
        Self::RefreshRecovered,
        Self::PasswordChanged,
        Self::EmailChanged,
        Self::LoginChanged,
        Self::ProviderLogin,
        Self::AccountLinked,
        Self::AccountUnlinked,
        Self::EmailClaimed,
        Self::EmailVerified,
        Self::AttemptsRefused(Bucket::Identifier),
        Self::Evicted,
        Self::AccountFrozen,
        Self::RecoveryObjected,
        Self::Merged,
    ];

    /// The account at this provider was unlinked by an eviction. The database bounds such a name to 32 bytes of ASCII.
    pub(crate) fn unlinked_by_eviction(provider: &str) -> Self {
        let mut bytes = [0; 32];
        let length = provider.len().min(bytes.len());
        for (to, from) in bytes.iter_mut().zip(provider.bytes()) {
            *to = from;
        }
        Self::UnlinkedByEviction(UnlinkedProvider { bytes, length })
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::LoginFailed(_) => "login_failed",
            Self::ProofFailed => "proof_failed",
            Self::Logout => "logout",
            Self::LogoutAll => "logout_all",
            Self::SessionEnded => "session_ended",
            Self::SessionEvicted => "session_evicted",
            Self::RefreshReused => "refresh_reused",
            Self::RefreshElsewhere => "refresh_elsewhere",
            Self::RefreshRecovered => "refresh_recovered",
            Self::PasswordChanged => "password_changed",
            Self::EmailChanged => "email_changed",
            Self::LoginChanged => "login_changed",
            Self::ProviderLogin => "oauth_login",
            Self::AccountLinked => "account_linked",
            Self::AccountUnlinked | Self::UnlinkedByEviction(_) => "account_unlinked",
            Self::EmailClaimed => "email_claimed",
            Self::EmailVerified => "email_verified",
            Self::AttemptsRefused(_) => "attempts_refused",
            Self::Evicted => "evicted",
            Self::AccountFrozen => "account_frozen",
            Self::RecoveryObjected => "recovery_objected",
            Self::Merged => "merged",
        }
    }

    /// The sign-in that it is, as it is counted.
    pub(super) fn sign_in(self) -> Option<SignInOutcome> {
        match self {
            Self::Login | Self::ProviderLogin => Some(SignInOutcome::SignedIn),
            Self::LoginFailed(_) => Some(SignInOutcome::Refused),
            Self::ProofFailed
            | Self::Logout
            | Self::LogoutAll
            | Self::SessionEnded
            | Self::SessionEvicted
            | Self::RefreshReused
            | Self::RefreshElsewhere
            | Self::RefreshRecovered
            | Self::PasswordChanged
            | Self::EmailChanged
            | Self::LoginChanged
            | Self::AccountLinked
            | Self::AccountUnlinked
            | Self::EmailClaimed
            | Self::EmailVerified
            | Self::Evicted
            | Self::AccountFrozen
            | Self::RecoveryObjected
            | Self::Merged
            | Self::UnlinkedByEviction(_)
            | Self::AttemptsRefused(_) => None,
        }
    }

    /// Whether it is an attempt that failed, whose response must take the same time for every account, and for none.
    pub(super) fn is_failed_attempt(self) -> bool {
        matches!(self, Self::LoginFailed(_) | Self::ProofFailed)
    }

    /// Whether another user did it, whose address and user agent must not be shown to this user.
    pub(super) fn is_of_another(self) -> bool {
        matches!(
            self,
            Self::EmailClaimed
                | Self::Evicted
                | Self::AccountFrozen
                | Self::Merged
                | Self::UnlinkedByEviction(_)
        )
    }

    /// The provider that it is about.
    pub(super) fn provider(&self) -> Option<&str> {
        if let Self::UnlinkedByEviction(provider) = self { Some(provider.as_str()) } else { None }
    }

    pub(super) fn reason(self) -> Option<&'static str> {
        let failure = match self {
            Self::LoginFailed(failure) => failure,
            Self::AttemptsRefused(bucket) => return Some(bucket.name()),
            _ => return None,
        };
        Some(match failure {
            LoginFailure::UnknownName => "nobody_has_that_name",
            LoginFailure::WrongPassword => "wrong_password",
            LoginFailure::NoPassword => "no_password",
            LoginFailure::WrongCode => "wrong_code",
            LoginFailure::Inactive => "inactive",
            LoginFailure::TooManySessions => "too_many_sessions",
            LoginFailure::Erasing => "erasing",
        })
    }
}

impl UnlinkedProvider {
    fn as_str(&self) -> &str {
        self.bytes.get(..self.length).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default()
    }
}
