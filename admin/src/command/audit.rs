//! `admin audit`: whether the audit log is as it was written.

use clap::Subcommand;

use crate::audit::{self, Place};
use crate::config::CommandConfig;
use crate::db::Db;
use crate::keys::{DerivedKeys, Purpose};

use super::{Failure, say};

#[derive(Debug, Subcommand)]
pub(super) enum Action {
    /// Find a row that was changed, removed, put there or moved. Prints where the log ends.
    Verify {
        /// Where the log ended before, as this command printed it: its rows up to there must still be the same.
        #[arg(long, value_name = "PLACE")]
        since: Option<Place>,
    },
}

pub(super) async fn run(action: Action, config: CommandConfig) -> Result<(), Failure> {
    let Action::Verify { since } = action;
    let keys = DerivedKeys::derive(&config.master_keys, Purpose::Audit);
    let connection = Db::new(&config.database).get().await?;
    let chain = audit::verify(&connection, &keys, since).await?;
    say(format_args!("The audit log holds together: {} rows.", chain.rows))?;
    say(format_args!("It ends at {}", chain.end))?;
    say(format_args!(
        "Keep that elsewhere; `admin audit verify --since PLACE` later shows that nothing before it is gone."
    ))
}
