//! `admin sessions`: signs all users out, or ends one session.

use clap::Subcommand;
use uuid::Uuid;

use crate::actor::Actor;
use crate::context::Core;
use crate::operators::end_session;
use crate::sessions;

use super::terminal::{Failure, UsageError, say};
use super::users::find::find;

#[derive(Debug, Subcommand)]
pub(super) enum SessionsCommand {
    /// Sign all users out, everywhere, at once: all sessions are revoked, and all access tokens are refused.
    EndAll {
        /// Confirm: all users will have to sign in again.
        #[arg(long)]
        yes: bool,
    },
    /// Revoke one session of a user. Example: admin sessions end anna@example.org 0193a1af-e27c-7d7e-8f9a-0b1c2d3e4f5a
    End {
        /// The user's identifier, e-mail address or login name.
        user: String,
        /// The session, as `admin users show USER --json` prints it.
        session: Uuid,
    },
}

impl SessionsCommand {
    /// Checks what the argument parser cannot.
    ///
    /// # Errors
    ///
    /// Without the confirmation.
    pub(super) fn check(&self) -> Result<(), UsageError> {
        let why =
            "this signs all users out, and all of them will have to sign in again; add --yes to confirm";
        match self {
            Self::EndAll { yes: false } => Err(UsageError(why)),
            Self::EndAll { yes: true } | Self::End { .. } => Ok(()),
        }
    }
}

pub(super) async fn run(action: SessionsCommand, core: &Core) -> Result<(), Failure> {
    if let SessionsCommand::End { user, session } = action {
        let id = find(core, &user).await?;
        end_session::end_session(core, &Actor::command(), id, session).await?;
        return say(format_args!("Revoked the session {session} of {id}."));
    }
    let generation = sessions::revoke_all(core, &Actor::command()).await?;
    say(format_args!(
        "All users are signed out: all sessions are revoked, and access tokens below generation \
        {generation} are refused."
    ))
}
