//! `admin roles`: create roles and assign them.

use clap::Subcommand;

use crate::config::Config;

use super::Failure;

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

pub(super) async fn run(action: Action, _config: Config) -> Result<(), Failure> {
    match action {
        Action::Create { name: _ } => Ok(()),
        Action::Assign { email: _, name: _ } => Ok(()),
    }
}
