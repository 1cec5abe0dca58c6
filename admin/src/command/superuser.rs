//! `admin superuser`: creates superusers.

use std::sync::Arc;

use clap::Subcommand;
use secrecy::ExposeSecret as _;

use crate::actor::Actor;
use crate::context::Core;
use crate::operators::create_superuser;
use crate::passwords::{HashConfig, Hasher, Password};
use crate::random::SystemRandom;
use crate::users::EmailAddress;

use super::prompt;
use super::terminal::{Failure, say};

#[derive(Debug, Subcommand)]
pub(super) enum SuperuserCommand {
    /// Create a superuser. The password is read from a prompt, or from standard input.
    Create {
        /// The e-mail address for signing in.
        email: EmailAddress,
    },
}

pub(super) async fn run(
    action: SuperuserCommand,
    core: &Core,
    hashing: HashConfig,
    password_min: usize,
) -> Result<(), Failure> {
    let SuperuserCommand::Create { email } = action;
    let password = Password::new(prompt::new_password()?.expose_secret());
    let hasher = Hasher::new(HashConfig { threads: 1, ..hashing }, Arc::new(SystemRandom));
    let id =
        create_superuser(core, &Actor::command(), &hasher, email.as_str(), &password, password_min).await?;
    say(format_args!("Created the superuser {id}."))
}
