//! `admin audit`: verifies the audit log.

use clap::Subcommand;

use crate::audit::{self, ChainPosition};
use crate::context::Core;

use super::terminal::{Failure, say};

#[derive(Debug, Subcommand)]
pub(super) enum AuditCommand {
    /// Verify the audit log; report the first altered, removed, inserted or reordered row. Prints the end of
    /// the log.
    Verify {
        /// An earlier end of the log, as printed by this command: the rows up to there must be unchanged.
        #[arg(long, value_name = "PLACE")]
        since: Option<ChainPosition>,
    },
}

pub(super) async fn run(action: AuditCommand, core: &Core) -> Result<(), Failure> {
    let AuditCommand::Verify { since } = action;
    let chain = audit::verify(&core.db.get().await?, &core.audit_keys, since).await?;
    say(format_args!("The audit log is intact: {} rows.", chain.rows))?;
    say(format_args!("It ends at {}", chain.end))?;
    say(format_args!(
        "Store this value elsewhere: `admin audit verify --since VALUE` proves later that no row up to \
        there is missing."
    ))
}
