//! `admin superuser`: creates, lists, makes and unmakes superusers.

use std::sync::Arc;

use clap::Subcommand;
use secrecy::ExposeSecret as _;

use crate::actor::Actor;
use crate::context::Core;
use crate::operators::{Searched, create_superuser, note_search, search, superuser};
use crate::passwords::{HashConfig, Hasher, Password};
use crate::random::SystemRandom;
use crate::users::EmailAddress;

use super::prompt;
use super::terminal::{Failure, say};
use super::users::find::find;
use super::users::inspect::list;

#[derive(Debug, Subcommand)]
pub(super) enum SuperuserCommand {
    /// Create a superuser. The password is read from a prompt, or from standard input. Example:
    /// admin superuser create root@example.org
    Create {
        /// The e-mail address for signing in.
        email: EmailAddress,
    },
    /// List the superusers. Example: admin superuser list --json
    List {
        /// Print a JSON object for each user.
        #[arg(long)]
        json: bool,
    },
    /// Make a user a superuser. Example: admin superuser grant anna@example.org
    Grant {
        /// The user's identifier, e-mail address or login name.
        user: String,
    },
    /// Make a superuser an ordinary user again. The last one stays. Example: admin superuser revoke anna@example.org
    Revoke {
        /// The user's identifier, e-mail address or login name.
        user: String,
    },
}

/// The highest number of superusers that are listed.
const MOST: u32 = 1_000;

impl SuperuserCommand {
    /// Whether it writes nothing.
    pub(super) fn only_reads(&self) -> bool {
        matches!(self, Self::List { .. })
    }
}

pub(super) async fn run(
    action: SuperuserCommand,
    core: &Core,
    hashing: HashConfig,
    password_min: usize,
) -> Result<(), Failure> {
    match action {
        SuperuserCommand::Create { email } => create(core, hashing, password_min, &email).await,
        SuperuserCommand::List { json } => {
            let searched = Searched { superuser: Some(true), ..Searched::default() };
            let found = search(core, &searched, MOST).await?;
            note_search(core, "admin superuser list").await?;
            list(&found, json)
        }
        SuperuserCommand::Grant { user } => {
            let id = find(core, &user).await?;
            superuser::set(core, &Actor::command(), id, true).await?;
            say(format_args!("{id} is a superuser."))
        }
        SuperuserCommand::Revoke { user } => {
            let id = find(core, &user).await?;
            superuser::set(core, &Actor::command(), id, false).await?;
            say(format_args!("{id} is an ordinary user."))
        }
    }
}

async fn create(
    core: &Core,
    hashing: HashConfig,
    password_min: usize,
    email: &EmailAddress,
) -> Result<(), Failure> {
    let password = Password::new(prompt::new_password()?.expose_secret());
    let hasher = Hasher::new(HashConfig { threads: 1, ..hashing }, Arc::new(SystemRandom));
    let id =
        create_superuser(core, &Actor::command(), &hasher, email.as_str(), &password, password_min).await?;
    say(format_args!("Created the superuser {id}."))
}
