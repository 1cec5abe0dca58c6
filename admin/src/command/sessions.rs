//! `admin sessions`: signs all users out.

use clap::Subcommand;

use crate::config::CommandConfig;
use crate::db::Db;
use crate::keys::{DerivedKeys, Purpose};
use crate::sessions;

use super::{Failure, say};

#[derive(Debug, Subcommand)]
pub(super) enum Action {
    /// Sign all users out, everywhere, at once: all sessions are revoked, and all access tokens are refused.
    EndAll {
        /// Confirm: all users will have to sign in again.
        #[arg(long)]
        yes: bool,
    },
}

pub(super) async fn run(action: Action, config: CommandConfig) -> Result<(), Failure> {
    let Action::EndAll { yes } = action;
    if !yes {
        return Err("this signs all users out, and all of them will have to sign in again; add --yes to \
            confirm"
            .into());
    }
    let keys = DerivedKeys::derive(&config.master_keys, Purpose::Audit);
    let mut connection = Db::new(&config.database).get().await?;
    let generation = sessions::end_everybody(&mut connection, &keys, &config.issuer).await?;
    say(format_args!(
        "All users are signed out: all sessions are revoked, and access tokens below generation \
        {generation} are refused."
    ))
}
