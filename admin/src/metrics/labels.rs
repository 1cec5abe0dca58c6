//! The values of labels: one enum per label, so that a typing error cannot create a new time series.

use std::fmt;

use prometheus_client::encoding::{EncodeLabelValue, LabelValueEncoder};

macro_rules! labels {
    ($($(#[$doc:meta])* $name:ident { $($(#[$about:meta])* $variant:ident = $label:literal,)* })*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
            pub enum $name {
                $($(#[$about])* $variant,)*
            }

            impl $name {
                /// All of them.
                pub const ALL: &[Self] = &[$(Self::$variant),*];

                /// The value in metrics.
                pub const fn label(self) -> &'static str {
                    match self { $(Self::$variant => $label,)* }
                }
            }

            impl EncodeLabelValue for $name {
                fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), fmt::Error> {
                    self.label().encode(encoder)
                }
            }
        )*
    };
}

labels! {
    /// The outcome of a sign-in.
    SignInOutcome {
        /// A session was created.
        SignedIn = "signed_in",
        /// Unknown name, wrong password, disabled account.
        Refused = "refused",
        /// The password-hashing queue was full.
        Overloaded = "overloaded",
        /// Too many attempts before it.
        Throttled = "throttled",
    }

    /// The outcome of an attempt that a bucket counts.
    AttemptOutcome {
        /// The password was right, or the work was done.
        Succeeded = "succeeded",
        /// The password was wrong.
        Failed = "failed",
        /// It ended without being judged, and was not counted.
        NotJudged = "not_judged",
        /// There was no room in the bucket.
        Refused = "refused",
    }

    /// The outcome of a refresh.
    RefreshCause {
        /// The newest token was presented: the next pair.
        Current = "current",
        /// Concurrent requests: the same pair.
        Concurrent = "concurrent",
        /// The response was lost: the same pair.
        Retry = "retry",
        /// The same from another address or user agent.
        RetryElsewhere = "retry_elsewhere",
        /// The client was ahead of a database that lost its last commits.
        Recovered = "recovered",
        /// A used token: the session was revoked.
        Reused = "reused",
        /// Not a refresh token of this service.
        Invalid = "invalid",
        /// No such session.
        Unknown = "unknown",
        /// The session or the token was revoked, or the account disabled.
        Revoked = "revoked",
        /// The session has expired.
        Expired = "expired",
        /// The client was too far ahead of the database.
        Ahead = "ahead",
    }

    /// Why a mail was not sent.
    MailFailure {
        /// The server could not be reached, or its certificate is not trusted; retried.
        Connection = "connection",
        /// The server took too long; retried.
        Timeout = "timeout",
        /// The server refused this client or its sender; retried.
        Server = "server",
        /// The server refused the mail for now; retried.
        Temporary = "temporary",
        /// The server refused the recipient or the content for good; given up.
        Recipient = "recipient",
        /// It could not be sent while it was of use; given up.
        Expired = "expired",
        /// The outbox had no room; given up.
        Full = "full",
        /// This program cannot read it; left for another version, or until its master key is configured.
        Unreadable = "unreadable",
    }

    /// The states of the connection pool.
    PoolState {
        /// Connections in use.
        InUse = "in_use",
        /// The highest number of connections.
        Limit = "limit",
        /// Requests that wait for a connection.
        Waiting = "waiting",
    }

    /// The states of the password-hashing threads.
    ThreadState {
        /// Threads that hash.
        InUse = "in_use",
        /// All threads.
        Limit = "limit",
    }
}

/// The outcome of a user's return from a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CallbackOutcome {
    /// The user may sign in.
    Accepted,
    /// The account at the provider was linked.
    Linked,
    /// A request was repeated, and answered as before.
    Repeated,
    /// It failed with the problem of this code.
    Failed(&'static str),
}

impl EncodeLabelValue for CallbackOutcome {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), fmt::Error> {
        let label = match self {
            Self::Accepted => "accepted",
            Self::Linked => "linked",
            Self::Repeated => "repeated",
            Self::Failed(code) => code,
        };
        label.encode(encoder)
    }
}
