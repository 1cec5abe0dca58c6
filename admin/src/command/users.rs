//! `admin users`: lets a user try passwords again, and imports accounts.

mod import;

use std::path::PathBuf;

use clap::Subcommand;

use crate::actor::Actor;
use crate::context::Core;
use crate::operators::unlock;
use crate::passwords::HashConfig;

use super::terminal::{Failure, say};

#[derive(Debug, Subcommand)]
pub(super) enum UsersCommand {
    /// Let a user try passwords again: failed attempts of the account no longer count.
    Unlock {
        /// The user's identifier, e-mail address or login name.
        user: String,
    },
    /// Import accounts with password hashes of Werkzeug: one JSON object in each line, with `email` or `login` or both,
    /// `hash`, and optionally `name`, `id` and `created_at`. Accounts that exist are left as they are.
    Import {
        /// The file; - for standard input.
        file: PathBuf,
        /// Print a JSON object for each refused line, and the counts as the last one.
        #[arg(long)]
        json: bool,
    },
}

/// No account has this name.
#[derive(Debug, thiserror::Error)]
#[error("no user has this identifier, e-mail address or login name")]
struct NoUser;

pub(super) async fn run(action: UsersCommand, core: &Core, hashing: HashConfig) -> Result<(), Failure> {
    match action {
        UsersCommand::Unlock { user } => unlock_user(core, &user).await,
        UsersCommand::Import { file, json } => import::run(core, hashing, &file, json).await,
    }
}

async fn unlock_user(core: &Core, user: &str) -> Result<(), Failure> {
    let id = unlock::find(core, user).await?.ok_or(NoUser)?;
    unlock::unlock(core, &Actor::command(), id).await?;
    say(format_args!("Unlocked {id}: failed attempts until now no longer count."))
}
