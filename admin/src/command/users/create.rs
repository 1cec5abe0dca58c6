//! `admin users create`: creates a user with a password.

use std::sync::Arc;

use secrecy::ExposeSecret as _;

use crate::actor::Actor;
use crate::context::Core;
use crate::operators::{NewAccount, create_account};
use crate::passwords::{HashConfig, Hasher, Password};
use crate::random::SystemRandom;
use crate::users::EmailAddress;

use crate::command::prompt;
use crate::command::terminal::{Failure, say};

/// The address of the new account.
#[derive(Clone, Copy)]
pub(super) struct NewAddress<'a> {
    pub(super) email: &'a EmailAddress,
    /// Whether the operator vouches for it.
    pub(super) is_verified: bool,
}

pub(super) async fn run(
    core: &Core,
    (hashing, password_min): (HashConfig, usize),
    address: NewAddress<'_>,
    reads_stdin: bool,
) -> Result<(), Failure> {
    let typed = if reads_stdin { prompt::password_from_stdin()? } else { prompt::new_password()? };
    let password = Password::new(typed.expose_secret());
    let hasher = Hasher::new(HashConfig { threads: 1, ..hashing }, Arc::new(SystemRandom));
    let new = NewAccount {
        email: address.email.as_str(),
        password: &password,
        is_email_verified: address.is_verified,
        is_superuser: false,
    };
    let id = create_account(core, &Actor::command(), &hasher, new, password_min).await?;
    say(format_args!("Created the user {id}."))
}
