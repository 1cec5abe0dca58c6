//! `admin audit`: verifies the audit log.

use clap::Subcommand;

use crate::audit::{self, Place};
use crate::config::CommandConfig;
use crate::db::Db;
use crate::keys::{DerivedKeys, Purpose};

use super::{Failure, say};

#[derive(Debug, Subcommand)]
pub(super) enum Action {
    /// Verify the audit log; report the first altered, removed, inserted or reordered row. Prints the end of
    /// the log.
    Verify {
        /// An earlier end of the log, as printed by this command: the rows up to there must be unchanged.
        #[arg(long, value_name = "PLACE")]
        since: Option<Place>,
    },
}

pub(super) async fn run(action: Action, config: CommandConfig) -> Result<(), Failure> {
    let Action::Verify { since } = action;
    let keys = DerivedKeys::derive(&config.master_keys, Purpose::Audit);
    let connection = Db::new(&config.database).get().await?;
    let chain = audit::verify(&connection, &keys, since).await?;
    say(format_args!("The audit log is intact: {} rows.", chain.rows))?;
    say(format_args!("It ends at {}", chain.end))?;
    say(format_args!(
        "Store this value elsewhere: `admin audit verify --since VALUE` proves later that no row up to \
        there is missing."
    ))
}
