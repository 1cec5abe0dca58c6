//! `admin users`: lets a user try passwords again, gives a user a way back, and imports accounts.

mod find;
mod import;
mod recover;

use std::path::PathBuf;

use clap::Subcommand;
use runtime::env::Vars;

use crate::actor::Actor;
use crate::context::Core;
use crate::operators::reason::reason;
use crate::operators::unlock;
use crate::passwords::HashConfig;
use crate::users::EmailAddress;

use recover::LinkWay;

use super::terminal::{Failure, say};

#[derive(Debug, Subcommand)]
pub(super) enum UsersCommand {
    /// Let a user try passwords again: failed attempts of the account no longer count.
    Unlock {
        /// The user's identifier, e-mail address or login name.
        user: String,
    },
    /// Send a user a link to set a new password, valid for one hour. Example: admin users send-reset anna@example.org
    /// --reason "Asked by telephone"
    SendReset {
        /// The user's identifier, e-mail address or login name.
        user: String,
        /// Why, for the audit log.
        #[arg(long, value_parser = reason)]
        reason: String,
        /// Print the link on this terminal instead of mailing it. Its use proves no address.
        #[arg(long)]
        print: bool,
    },
    /// Create an account without a password, and send its user a link to set one, valid for seven days. Example: admin
    /// users invite boris@example.org --reason "New colleague"
    Invite {
        /// The e-mail address.
        email: EmailAddress,
        /// Why, for the audit log.
        #[arg(long, value_parser = reason)]
        reason: String,
        /// Print the link on this terminal instead of mailing it. Its use proves no address.
        #[arg(long)]
        print: bool,
    },
    /// Set a user's e-mail address, which counts as unproven; all sessions are revoked, and the address before gets a mail.
    /// Example: admin users set-email anna anna.k@example.org --reason "Lost the mailbox"
    SetEmail {
        /// The user's identifier, e-mail address or login name.
        user: String,
        /// The new address.
        email: EmailAddress,
        /// Why, for the audit log.
        #[arg(long, value_parser = reason)]
        reason: String,
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

pub(super) async fn run(
    action: UsersCommand,
    core: &Core,
    hashing: HashConfig,
    vars: &dyn Vars,
) -> Result<(), Failure> {
    match action {
        UsersCommand::Unlock { user } => unlock_user(core, &user).await,
        UsersCommand::SendReset { user, reason, print } => {
            recover::send_reset(core, vars, &user, &reason, LinkWay::of(print)).await
        }
        UsersCommand::Invite { email, reason, print } => {
            recover::invite(core, vars, &email, &reason, LinkWay::of(print)).await
        }
        UsersCommand::SetEmail { user, email, reason } => {
            recover::set_email(core, &user, email, &reason).await
        }
        UsersCommand::Import { file, json } => import::run(core, hashing, &file, json).await,
    }
}

async fn unlock_user(core: &Core, user: &str) -> Result<(), Failure> {
    let id = find::find(core, user).await?;
    unlock::unlock(core, &Actor::command(), id).await?;
    say(format_args!("Unlocked {id}: failed attempts until now no longer count."))
}
