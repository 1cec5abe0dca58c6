//! `admin roles`: creates, protects and assigns roles.

use std::collections::BTreeSet;
use std::str::FromStr;

use clap::Subcommand;
use jiff::Timestamp;

use crate::actor::Actor;
use crate::context::Core;
use crate::roles::{self, Assigned, NewAssignment, NewRole};

use super::terminal::{Failure, say};

#[derive(Debug, Subcommand)]
pub(super) enum Action {
    /// Create a role.
    Create {
        /// The role name: 1 to 32 of a-z, 0-9, _ and -, beginning with a letter.
        name: String,
        /// A permission of the role, such as films:watch, films:* or *; may be repeated.
        #[arg(long = "permission", value_name = "PERMISSION")]
        permissions: Vec<String>,
        /// A role that it inherits; may be repeated.
        #[arg(long, value_name = "ROLE")]
        inherits: Vec<String>,
        /// Protect the role: the API can neither change nor delete it.
        #[arg(long)]
        system: bool,
    },
    /// Protect a role: the API can no longer change or delete it.
    Protect {
        /// The role.
        name: String,
    },
    /// Release a role: the API can change and delete it again.
    Release {
        /// The role.
        name: String,
    },
    /// Assign a role to a user. The user's tokens carry it after the next refresh.
    Assign {
        /// The user's e-mail address.
        email: String,
        /// The role.
        name: String,
        /// When it expires, such as 2027-01-31T00:00:00Z; if omitted, never.
        #[arg(long, value_name = "MOMENT")]
        until: Option<String>,
    },
}

pub(super) async fn run(action: Action, core: &Core) -> Result<(), Failure> {
    let actor = Actor::command();
    match action {
        Action::Create { name, permissions, inherits, system } => {
            let new = NewRole {
                permissions: read_all(&permissions)?,
                inherits: read_all(&inherits)?,
                is_system: system,
                ..NewRole::named(name.parse()?)
            };
            roles::create(core, &actor, &new).await?;
            say(format_args!("Created the role {}.", new.name))
        }
        Action::Protect { name } => {
            roles::protect(core, &actor, &name.parse()?, true).await?;
            say(format_args!("Protected {name}: only the command line can change it now."))
        }
        Action::Release { name } => {
            roles::protect(core, &actor, &name.parse()?, false).await?;
            say(format_args!("Released {name}: the API can change it again."))
        }
        Action::Assign { email, name, until } => {
            let until = until.as_deref().map(moment).transpose()?;
            let new = NewAssignment::new(until, None);
            match roles::assign_by_email(core, &actor, &email, &name, new).await? {
                Assigned::Now => say(format_args!(
                    "Assigned. The user's tokens carry it after the next \
                    refresh."
                )),
                Assigned::Moved => {
                    say(format_args!("The user already had the role; its expiry was changed."))
                }
                Assigned::Noted | Assigned::Already => say(format_args!("The user already has this role.")),
            }
        }
    }
}

/// The parsed texts, or the error of the first one that is invalid.
fn read_all<T: FromStr<Err: Into<Failure>> + Ord>(texts: &[String]) -> Result<BTreeSet<T>, Failure> {
    texts.iter().map(|text| text.parse().map_err(Into::into)).collect()
}

fn moment(text: &str) -> Result<Timestamp, Failure> {
    text.parse()
        .map_err(|_| format!("{text:?} is not a valid time; write it like 2027-01-31T00:00:00Z").into())
}
