//! `admin superuser`: the first person who may do everything.

use clap::Subcommand;

use crate::config::Config;

use super::Failure;

#[derive(Debug, Subcommand)]
pub(super) enum Action {
    /// Create a superuser. The password is asked for, or read from standard input.
    Create {
        /// The e-mail address to sign in with.
        email: String,
    },
}

pub(super) async fn run(action: Action, _config: Config) -> Result<(), Failure> {
    let Action::Create { email: _ } = action;
    let _password = super::prompt::new_password()?;
    Ok(())
}
