//! `admin sessions`: signing everybody out.

use clap::Subcommand;

use crate::config::CommandConfig;
use crate::db::Db;
use crate::keys::{DerivedKeys, Purpose};
use crate::sessions;

use super::{Failure, say};

#[derive(Debug, Subcommand)]
pub(super) enum Action {
    /// Sign everybody out, everywhere, at once: every session ends, and every access token is refused.
    EndAll {
        /// Yes, everybody. They sign in again, all of them.
        #[arg(long)]
        yes: bool,
    },
}

pub(super) async fn run(action: Action, config: CommandConfig) -> Result<(), Failure> {
    let Action::EndAll { yes } = action;
    if !yes {
        return Err("this signs everybody out, and all of them will sign in again at once; add --yes".into());
    }
    let keys = DerivedKeys::derive(&config.master_keys, Purpose::Audit);
    let mut connection = Db::new(&config.database).get().await?;
    let generation = sessions::end_everybody(&mut connection, &keys, &config.issuer).await?;
    say(format_args!(
        "Everybody is signed out: every session is over, and access tokens below generation {generation} are refused."
    ))
}
