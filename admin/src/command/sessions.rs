//! `admin sessions`: signs all users out.

use clap::Subcommand;

use crate::actor::Actor;
use crate::context::Core;
use crate::sessions;

use super::terminal::{Failure, UsageError, say};

#[derive(Debug, Subcommand)]
pub(super) enum SessionsCommand {
    /// Sign all users out, everywhere, at once: all sessions are revoked, and all access tokens are refused.
    EndAll {
        /// Confirm: all users will have to sign in again.
        #[arg(long)]
        yes: bool,
    },
}

impl SessionsCommand {
    /// Checks what the argument parser cannot.
    ///
    /// # Errors
    ///
    /// Without the confirmation.
    pub(super) fn check(&self) -> Result<(), UsageError> {
        let Self::EndAll { yes } = self;
        let why =
            "this signs all users out, and all of them will have to sign in again; add --yes to confirm";
        if *yes { Ok(()) } else { Err(UsageError(why)) }
    }
}

pub(super) async fn run(action: SessionsCommand, core: &Core) -> Result<(), Failure> {
    let SessionsCommand::EndAll { yes: _ } = action;
    let generation = sessions::revoke_all(core, &Actor::command()).await?;
    say(format_args!(
        "All users are signed out: all sessions are revoked, and access tokens below generation \
        {generation} are refused."
    ))
}
