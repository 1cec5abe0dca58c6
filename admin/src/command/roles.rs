//! `admin roles`: creates, protects and assigns roles.

use clap::Subcommand;
use jiff::Timestamp;
use shared::permission::Pattern;
use shared::role::RoleName;

use crate::actor::Actor;
use crate::api::text::FromText as _;
use crate::context::Core;
use crate::roles::{self, Assigned, NewAssignment, NewRole};
use crate::users::EmailAddress;

use super::terminal::{Failure, say};

#[derive(Debug, Subcommand)]
pub(super) enum RolesCommand {
    /// Create a role.
    Create {
        /// The role name: 1 to 32 of a-z, 0-9, _ and -, beginning with a letter.
        name: RoleName,
        /// A permission of the role, such as films:watch, films:* or *; may be repeated.
        #[arg(long = "permission", value_name = "PERMISSION")]
        permissions: Vec<Pattern>,
        /// A role that it inherits; may be repeated.
        #[arg(long, value_name = "ROLE")]
        inherits: Vec<RoleName>,
        /// Protect the role: the API can neither change nor delete it.
        #[arg(long)]
        system: bool,
    },
    /// Protect a role: the API can no longer change or delete it.
    Protect {
        /// The role.
        name: RoleName,
    },
    /// Release a role: the API can change and delete it again.
    Release {
        /// The role.
        name: RoleName,
    },
    /// Assign a role to a user. The user's tokens carry it after the next refresh.
    Assign {
        /// The user's e-mail address.
        email: EmailAddress,
        /// The role.
        name: RoleName,
        /// When it expires, such as 2027-01-31T00:00:00Z; if omitted, never.
        #[arg(long, value_name = "MOMENT", value_parser = moment)]
        until: Option<Timestamp>,
    },
}

pub(super) async fn run(action: RolesCommand, core: &Core) -> Result<(), Failure> {
    let actor = Actor::command();
    match action {
        RolesCommand::Create { name, permissions, inherits, system } => {
            let new = NewRole {
                permissions: permissions.into_iter().collect(),
                inherits: inherits.into_iter().collect(),
                is_system: system,
                ..NewRole::named(name)
            };
            roles::create(core, &actor, &new).await?;
            say(format_args!("Created the role {}.", new.name))
        }
        RolesCommand::Protect { name } => {
            roles::protect(core, &actor, &name, true).await?;
            say(format_args!("Protected {name}: only the command line can change it now."))
        }
        RolesCommand::Release { name } => {
            roles::protect(core, &actor, &name, false).await?;
            say(format_args!("Released {name}: the API can change it again."))
        }
        RolesCommand::Assign { email, name, until } => {
            let new = NewAssignment::new(until, None);
            match roles::assign_by_email(core, &actor, email, name, new).await? {
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

fn moment(text: &str) -> Result<Timestamp, String> {
    Timestamp::from_text(text).map_err(|invalid| invalid.sentence)
}
