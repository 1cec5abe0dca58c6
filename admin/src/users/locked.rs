//! An active account whose row is locked: a type that proves to callees that the lock is held.

use std::marker::PhantomData;

use uuid::Uuid;

use super::account::Account;
use crate::passwords::PasswordHash;

/// An active account, locked until the transaction `'t` ends. Created only by `users::store`.
pub(crate) struct LockedAccount<'t> {
    account: Account,
    transaction: PhantomData<&'t ()>,
}

impl LockedAccount<'_> {
    /// `account`, which was just locked; `None` when it is disabled.
    pub(super) fn new(account: Account) -> Option<Self> {
        account.is_active.then_some(Self { account, transaction: PhantomData })
    }

    /// The user.
    pub(crate) fn id(&self) -> Uuid {
        self.account.id
    }

    /// Whether it has a password.
    pub(crate) fn has_password(&self) -> bool {
        self.account.password_hash.is_some()
    }

    /// The key of its address while that is not verified.
    pub(crate) fn unverified_email(&self) -> Option<&str> {
        self.account.unverified_email.as_deref()
    }

    /// Whether `verified` is the hash of its password: `None` for an account without one.
    pub(crate) fn has_hash(&self, verified: Option<&PasswordHash>) -> bool {
        self.account.password_hash.as_ref() == verified
    }
}
