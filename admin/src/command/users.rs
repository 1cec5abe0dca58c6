//! `admin users`: lets a user try passwords again.

use clap::Subcommand;

use crate::actor::Actor;
use crate::context::Core;
use crate::operators::unlock;

use super::terminal::{Failure, say};

#[derive(Debug, Subcommand)]
pub(super) enum UsersCommand {
    /// Let a user try passwords again: all failed attempts of the account are void.
    Unlock {
        /// The user's identifier, e-mail address or login name.
        user: String,
    },
}

/// No account has this name.
#[derive(Debug, thiserror::Error)]
#[error("no user has this identifier, e-mail address or login name")]
struct NoUser;

pub(super) async fn run(action: UsersCommand, core: &Core) -> Result<(), Failure> {
    let UsersCommand::Unlock { user } = action;
    let id = unlock::find(core, &user).await?.ok_or(NoUser)?;
    unlock::unlock(core, &Actor::command(), id).await?;
    say(format_args!("Unlocked {id}: failed attempts until now do not count any more."))
}
