//! `admin roles`: create roles and assign them.

use clap::Subcommand;

use crate::config::Config;
use crate::db::Db;
use crate::roles::{self, Assigned};

use super::{Failure, say};

#[derive(Debug, Subcommand)]
pub(super) enum Action {
    /// Create a role.
    Create {
        /// 1 to 32 of a-z, 0-9, _ and -, beginning with a letter.
        name: String,
    },
    /// Assign a role to a user. Their tokens carry it after the next refresh.
    Assign {
        /// The user's e-mail address.
        email: String,
        /// The role.
        name: String,
    },
}

pub(super) async fn run(action: Action, config: Config) -> Result<(), Failure> {
    let mut connection = Db::new(&config.database).get().await?;
    match action {
        Action::Create { name } => {
            let name = roles::create(&connection, &name).await?;
            say(format_args!("Created the role {name}."))
        }
        Action::Assign { email, name } => {
            match roles::assign(&mut connection, &config.tokens.issuer, &email, &name).await? {
                Assigned::Now => say(format_args!("Assigned. Their tokens carry it after the next refresh.")),
                Assigned::Already => say(format_args!("They have this role already.")),
            }
        }
    }
}
