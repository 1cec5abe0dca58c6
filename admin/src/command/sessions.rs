//! `admin sessions`: lists the sessions of a user, ends one, or signs all users out.

use clap::Subcommand;
use serde_json::json;
use uuid::Uuid;

use crate::actor::Actor;
use crate::context::Core;
use crate::operators::{end_session, note_view};
use crate::sessions;
use crate::sessions::list::Sessions;

use super::terminal::{Failure, UsageError, moment, say, table};
use super::users::find::find;

#[derive(Debug, Subcommand)]
pub(super) enum SessionsCommand {
    /// List the sessions of a user, the most recently used first. Example: admin sessions list anna@example.org
    List {
        /// The user's identifier, e-mail address or login name.
        user: String,
        /// Print a JSON object for each session.
        #[arg(long)]
        json: bool,
    },
    /// Sign all users out, everywhere, at once: all sessions are revoked, and all access tokens are refused. Example: admin
    /// sessions end-all --yes
    EndAll {
        /// Confirm: all users will have to sign in again.
        #[arg(long)]
        yes: bool,
    },
    /// Revoke one session of a user. Example: admin sessions end anna@example.org 0193a1af-e27c-7d7e-8f9a-0b1c2d3e4f5a
    End {
        /// The user's identifier, e-mail address or login name.
        user: String,
        /// The session, as `admin sessions list USER` prints it.
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
            Self::EndAll { yes: true } | Self::End { .. } | Self::List { .. } => Ok(()),
        }
    }
}

pub(super) async fn run(action: SessionsCommand, core: &Core) -> Result<(), Failure> {
    match action {
        SessionsCommand::List { user, json } => list(core, &user, json).await,
        SessionsCommand::End { user, session } => {
            let id = find(core, &user).await?;
            end_session::end_session(core, &Actor::command(), id, session).await?;
            say(format_args!("Revoked the session {session} of {id}."))
        }
        SessionsCommand::EndAll { yes: _ } => end_all(core).await,
    }
}

async fn list(core: &Core, user: &str, json: bool) -> Result<(), Failure> {
    let id = find(core, user).await?;
    let sessions = Sessions::of(&core.db.get().await?, id, Uuid::nil()).await?;
    note_view(core, id, "admin sessions list").await?;
    if json {
        return sessions.items.iter().try_for_each(|session| say(format_args!("{}", json!(session))));
    }
    let rows = sessions.items.into_iter().map(|session| {
        let address = session.address.map(|address| address.to_string()).unwrap_or_default();
        [
            session.session_id.to_string(),
            moment(session.created_at),
            moment(session.last_used_at),
            session.amr.join(" "),
            address,
            session.device_name.unwrap_or_default(),
        ]
    });
    table(["SESSION", "CREATED", "LAST USED", "BY", "ADDRESS", "DEVICE"], rows)
}

async fn end_all(core: &Core) -> Result<(), Failure> {
    let generation = sessions::revoke_all(core, &Actor::command()).await?;
    say(format_args!(
        "All users are signed out: all sessions are revoked, and access tokens below generation \
        {generation} are refused."
    ))
}
