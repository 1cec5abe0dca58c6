//! `admin users`: creates, finds, changes and imports accounts, and gives a user a way back.

mod change;
mod create;
pub(super) mod find;
mod import;
pub(super) mod inspect;
mod recover;

use std::path::PathBuf;

use clap::Subcommand;
use runtime::env::Vars;

use crate::actor::Actor;
use crate::config::RetentionConfig;
use crate::context::Core;
use crate::operators::reason::reason;
use crate::operators::{Searched, erase, export, merge, unlock};
use crate::passwords::HashConfig;
use crate::users::EmailAddress;

use recover::LinkWay;

use super::terminal::{Failure, say};

#[derive(Debug, Subcommand)]
pub(super) enum UsersCommand {
    /// Find users, newest first. Example: admin users find anna
    Find {
        /// The beginning of an e-mail address, login name or display name.
        #[arg(required_unless_present = "former_email")]
        query: Option<String>,
        /// An address that the user had within the last twelve months, until its owner claimed it.
        #[arg(long, value_name = "EMAIL")]
        former_email: Option<EmailAddress>,
        /// The highest number of users.
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1_000))]
        limit: u32,
        /// Print a JSON object for each user.
        #[arg(long)]
        json: bool,
    },
    /// Show a user and how the user signs in, as JSON with roles, sessions and login history, too. Example: admin users show anna@example.org --json
    Show {
        /// The user's identifier, e-mail address or login name.
        user: String,
        /// Print a JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Disable an account: all sessions are revoked at once. Example: admin users disable anna@example.org
    Disable {
        /// The user's identifier, e-mail address or login name.
        user: String,
    },
    /// Enable a disabled account. Example: admin users enable anna@example.org
    Enable {
        /// The user's identifier, e-mail address or login name.
        user: String,
    },
    /// Revoke all sessions of a user, who can sign in again. Example: admin users sign-out anna@example.org
    SignOut {
        /// The user's identifier, e-mail address or login name.
        user: String,
    },
    /// Create a user with a password, which is read from a prompt or from standard input. Example: admin users create
    /// --email anna@example.org
    Create {
        /// The e-mail address for signing in.
        #[arg(long)]
        email: EmailAddress,
        /// The address is known to be the user's: it counts as proven.
        #[arg(long)]
        verified: bool,
        /// Read the password from the first line of standard input, and show no prompt.
        #[arg(long)]
        password_stdin: bool,
    },
    /// Let a user try passwords again: failed attempts of the account no longer count. Example: admin users unlock
    /// anna@example.org
    Unlock {
        /// The user's identifier, e-mail address or login name.
        user: String,
    },
    /// Evict intruders from an account: all sessions are revoked, sign-ins in progress end, and accounts at providers that
    /// were linked within 30 days are unlinked. Example: admin users evict anna --reason "A stranger was signed in"
    Evict {
        /// The user's identifier, e-mail address or login name.
        user: String,
        /// Why, for the audit log.
        #[arg(long, value_parser = reason)]
        reason: String,
    },
    /// End the freeze of an account whose address was changed. Example: admin users unfreeze anna --reason "Confirmed by
    /// telephone"
    Unfreeze {
        /// The user's identifier, e-mail address or login name.
        user: String,
        /// Why, for the audit log.
        #[arg(long, value_parser = reason)]
        reason: String,
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
        /// Print a JSON object with the identifier of the new user, never the link.
        #[arg(long, conflicts_with = "print")]
        json: bool,
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
    /// Print everything that is stored about a user, as JSON. Example: admin users export anna --reason "Asked by letter"
    Export {
        /// The user's identifier, e-mail address or login name.
        user: String,
        /// Why, for the audit log.
        #[arg(long, value_parser = reason)]
        reason: String,
    },
    /// Order the erasure of a user; until it is due the user can keep the account, by signing in. Example: admin users erase
    /// anna --reason "Asked by letter"
    Erase {
        /// The user's identifier, e-mail address or login name.
        user: String,
        /// Why, for the audit log, until the user is erased.
        #[arg(long, value_parser = reason)]
        reason: String,
    },
    /// Merge an account into another one of the same person, which gets its roles and linked accounts; the emptied account
    /// will be erased. Example: admin users merge anna2@example.org anna@example.org --reason "Registered twice"
    Merge {
        /// The identifier, e-mail address or login name of the user whose account is emptied.
        from: String,
        /// The same of the user whose account stays.
        into: String,
        /// Why, for the audit log and the roles.
        #[arg(long, value_parser = reason)]
        reason: String,
    },
    /// Import accounts with password hashes of Werkzeug: one JSON object in each line, with `email` or `login` or both,
    /// `hash`, and optionally `name`, `id` and `created_at`. Accounts that exist are left as they are.
    /// Example: admin users import users.jsonl
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
    (hashing, password_min, retention): (HashConfig, usize, RetentionConfig),
    vars: &dyn Vars,
) -> Result<(), Failure> {
    match action {
        UsersCommand::Find { query, former_email, limit, json } => {
            let searched = Searched { query, former_email, superuser: None };
            inspect::find_all(core, &searched, limit, json).await
        }
        UsersCommand::Show { user, json } => inspect::show(core, &user, json).await,
        UsersCommand::Disable { user } => change::disable(core, &user).await,
        UsersCommand::Enable { user } => change::enable(core, &user).await,
        UsersCommand::SignOut { user } => change::sign_out(core, &user).await,
        UsersCommand::Create { email, verified, password_stdin } => {
            let address = create::NewAddress { email: &email, is_verified: verified };
            create::run(core, (hashing, password_min), address, password_stdin).await
        }
        UsersCommand::Unlock { user } => unlock_user(core, &user).await,
        UsersCommand::Evict { user, reason } => change::evict(core, &user, &reason).await,
        UsersCommand::Unfreeze { user, reason } => change::unfreeze(core, &user, &reason).await,
        UsersCommand::SendReset { user, reason, print } => {
            recover::send_reset(core, vars, &user, &reason, LinkWay::of(print)).await
        }
        UsersCommand::Invite { email, reason, print, json } => {
            recover::invite(core, vars, (&email, &reason), LinkWay::of(print), json).await
        }
        UsersCommand::SetEmail { user, email, reason } => {
            recover::set_email(core, &user, email, &reason).await
        }
        UsersCommand::Export { user, reason } => export_user(core, &user, &reason).await,
        UsersCommand::Erase { user, reason } => erase_user(core, retention, &user, &reason).await,
        UsersCommand::Merge { from, into, reason } => {
            merge_users(core, retention, (&from, &into), &reason).await
        }
        UsersCommand::Import { file, json } => import::run(core, hashing, &file, json).await,
    }
}

async fn unlock_user(core: &Core, user: &str) -> Result<(), Failure> {
    let id = find::find(core, user).await?;
    unlock::unlock(core, &Actor::command(), id).await?;
    say(format_args!("Unlocked {id}: failed attempts until now no longer count."))
}

async fn erase_user(
    core: &Core,
    retention: RetentionConfig,
    user: &str,
    reason: &str,
) -> Result<(), Failure> {
    let id = find::find(core, user).await?;
    let erase_at = erase::order(core, &Actor::command(), id, retention.erasure_grace, reason).await?;
    say(format_args!("The user {id} will be erased at {erase_at}. All sessions are revoked."))
}

async fn merge_users(
    core: &Core,
    retention: RetentionConfig,
    (from, into): (&str, &str),
    reason: &str,
) -> Result<(), Failure> {
    let (from, into) = (find::find(core, from).await?, find::find(core, into).await?);
    let grace = retention.erasure_grace;
    let merged = merge::merge(core, &Actor::command(), (from, into), grace, reason).await?;
    let names = |names: &[String]| if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    say(format_args!(
        "Merged {from} into {into}. Roles: {}. Linked: {}. Not linked, because both have one: {}. {from} will be erased at {}.",
        names(&merged.roles),
        names(&merged.providers),
        names(&merged.left),
        merged.erase_at
    ))
}

async fn export_user(core: &Core, user: &str, reason: &str) -> Result<(), Failure> {
    let id = find::find(core, user).await?;
    let export = export::export(core, &Actor::command(), id, reason).await?;
    say(format_args!("{}", serde_json::to_string_pretty(&export)?))
}
