//! `admin roles`: lists, changes, protects and assigns roles.

use clap::Subcommand;
use jiff::Timestamp;
use serde_json::json;
use shared::permission::Pattern;
use shared::role::RoleName;

use crate::actor::Actor;
use crate::api::text::FromText as _;
use crate::context::Core;
use crate::roles::{self, Assigned, NewAssignment, NewRole, RoleRef, RoleView};

use super::terminal::{Failure, UsageError, say, table};
use super::users::find::find;

#[derive(Debug, Subcommand)]
pub(super) enum RolesCommand {
    /// Create a role. Example: admin roles create subscriber --permission films:watch --inherits viewer
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
    /// List the roles with their permissions. Example: admin roles list --json
    List {
        /// Print a JSON object for each role.
        #[arg(long)]
        json: bool,
    },
    /// Show a role. Example: admin roles show subscriber --json
    Show {
        /// The role.
        name: RoleName,
        /// Print a JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Add a permission to a role. Example: admin roles permit subscriber films:watch
    Permit {
        /// The role.
        name: RoleName,
        /// The permission, such as films:watch, films:* or *.
        permission: Pattern,
    },
    /// Remove a permission from a role. Example: admin roles forbid subscriber films:watch
    Forbid {
        /// The role.
        name: RoleName,
        /// The permission.
        permission: Pattern,
    },
    /// Take a role from a user. Example: admin roles unassign anna@example.org subscriber
    Unassign {
        /// The user's identifier, e-mail address or login name.
        user: String,
        /// The role.
        name: RoleName,
    },
    /// Delete a role, which all its holders lose. Example: admin roles delete subscriber --yes
    Delete {
        /// The role.
        name: RoleName,
        /// Confirm: all holders lose the role.
        #[arg(long)]
        yes: bool,
    },
    /// Protect a role: the API can no longer change or delete it. Example: admin roles protect subscriber
    Protect {
        /// The role.
        name: RoleName,
    },
    /// Release a role: the API can change and delete it again. Example: admin roles release subscriber
    Release {
        /// The role.
        name: RoleName,
    },
    /// Assign a role to a user. The user's tokens carry it after the next refresh. Example: admin roles assign anna@example.org
    /// subscriber --until 2027-01-31T00:00:00Z
    Assign {
        /// The user's identifier, e-mail address or login name.
        user: String,
        /// The role.
        name: RoleName,
        /// When it expires, such as 2027-01-31T00:00:00Z; if omitted, never.
        #[arg(long, value_name = "MOMENT", value_parser = moment)]
        until: Option<Timestamp>,
    },
}

impl RolesCommand {
    /// Whether it writes nothing.
    pub(super) fn only_reads(&self) -> bool {
        matches!(self, Self::List { .. } | Self::Show { .. })
    }

    /// Checks what the argument parser cannot.
    ///
    /// # Errors
    ///
    /// Without the confirmation of a deletion.
    pub(super) fn check(&self) -> Result<(), UsageError> {
        match self {
            Self::Delete { yes: false, .. } => {
                Err(UsageError("all holders lose the role; add --yes to confirm"))
            }
            _ => Ok(()),
        }
    }
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
        RolesCommand::List { json } => list(&roles::list::all(core).await?, json),
        RolesCommand::Show { name, json } => {
            let role = roles::show::named(core, name).await?;
            list(std::slice::from_ref(&role), json)
        }
        RolesCommand::Permit { name, permission } => {
            match roles::permissions::add::permit(core, name.clone(), &permission).await? {
                true => say(format_args!("{name} has the permission {permission}.")),
                false => say(format_args!("{name} already had the permission {permission}.")),
            }
        }
        RolesCommand::Forbid { name, permission } => {
            match roles::permissions::remove::forbid(core, name.clone(), &permission).await? {
                true => say(format_args!("{name} no longer has the permission {permission}.")),
                false => say(format_args!("{name} did not have the permission {permission} itself.")),
            }
        }
        RolesCommand::Unassign { user, name } => {
            let id = find(core, &user).await?;
            roles::assignments::take::take(core, &actor, id, &RoleRef::Name(name.clone())).await?;
            say(format_args!("{id} does not have the role {name}."))
        }
        RolesCommand::Delete { name, yes: _ } => {
            roles::delete::delete(core, &actor, &RoleRef::Name(name.clone()), None).await?;
            say(format_args!("Deleted the role {name}."))
        }
        RolesCommand::Protect { name } => {
            roles::protect(core, &actor, &name, true).await?;
            say(format_args!(
                "Protected {name}: it can be changed or deleted only after `admin roles release`."
            ))
        }
        RolesCommand::Release { name } => {
            roles::protect(core, &actor, &name, false).await?;
            say(format_args!("Released {name}: the API can change it again."))
        }
        RolesCommand::Assign { user, name, until } => assign(core, &user, name, until).await,
    }
}

async fn assign(core: &Core, user: &str, name: RoleName, until: Option<Timestamp>) -> Result<(), Failure> {
    let (user, new) = (find(core, user).await?, NewAssignment::new(until, None));
    match roles::assign_to(core, &Actor::command(), user, name, new).await? {
        Assigned::Now => say(format_args!("Assigned. The user's tokens carry it after the next refresh.")),
        Assigned::Moved => say(format_args!("The user already had the role; its expiry was changed.")),
        Assigned::Noted | Assigned::Already => say(format_args!("The user already has this role.")),
    }
}

fn list(roles: &[RoleView], json: bool) -> Result<(), Failure> {
    if json {
        return roles.iter().try_for_each(|role| say(format_args!("{}", json!(role))));
    }
    let joined = |words: Vec<String>| words.join(" ");
    let rows = roles.iter().map(|role| {
        let permissions = role.permissions.iter().map(ToString::to_string).collect();
        let inherits = role.inherits.iter().map(ToString::to_string).collect();
        let protected = if role.is_system { "yes" } else { "" };
        [role.name.to_string(), joined(permissions), joined(inherits), protected.to_owned()]
    });
    table(["ROLE", "PERMISSIONS", "INHERITS", "PROTECTED"], rows)
}

fn moment(text: &str) -> Result<Timestamp, String> {
    Timestamp::from_text(text).map_err(|invalid| invalid.sentence)
}
