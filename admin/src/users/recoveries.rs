//! Recoveries of accounts that take effect later.

pub(crate) mod store;

use jiff::Timestamp;

/// What becomes of a proof of the address of an account that is in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Recovery {
    /// It was announced 72 hours ago, and no session objected.
    Due,
    /// It takes effect at this time.
    Delayed(Timestamp),
    /// A session of the account objected within the last 30 days.
    Objected,
}
