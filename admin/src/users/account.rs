//! An account, with what signing in and changing credentials need.

use uuid::Uuid;

use crate::guessing::AccountFacts;
use crate::passwords::PasswordHash;

/// The data that a sign-in is checked against. Purposefully without `Debug`: it contains an address.
#[derive(Clone)]
pub(crate) struct Account {
    /// The user.
    pub(crate) id: Uuid,
    /// The hash of the password; `None` for a user who signs in only through providers.
    pub(crate) password_hash: Option<PasswordHash>,
    /// Whether tokens may be minted.
    pub(crate) is_active: bool,
    /// Whether it will be erased, and its user may keep it.
    pub(crate) is_erasing: bool,
    /// The key of its address while that is not verified.
    pub(crate) unverified_email: Option<String>,
    /// Words that the user's passwords must not be based on.
    pub(crate) own_words: Vec<String>,
    /// What the limiter of attempts needs to know.
    pub(crate) facts: AccountFacts,
}

/// The address that an account had. Purposefully without `Debug`.
#[derive(Clone)]
pub(crate) struct FormerAddress {
    /// As it was typed.
    pub(crate) email: String,
    /// In lower case.
    pub(crate) key: String,
    /// Whether it was verified.
    pub(crate) is_verified: bool,
}
