//! `admin audit`: verifies and lists the audit log.

use clap::Subcommand;
use serde_json::json;

use crate::audit::list::AuditItem;
use crate::audit::{self, AuditAction, ChainPosition};
use crate::context::Core;

use super::terminal::{Failure, moment, say, table};
use super::users::find::find;

#[derive(Debug, Subcommand)]
pub(super) enum AuditCommand {
    /// Verify the audit log; report the first altered, removed, inserted or reordered row. Prints the end of
    /// the log. Example: admin audit verify
    Verify {
        /// An earlier end of the log, as printed by this command: the rows up to there must be unchanged.
        #[arg(long, value_name = "PLACE")]
        since: Option<ChainPosition>,
    },
    /// List the newest entries of the audit log. Example: admin audit list --user anna@example.org
    List {
        /// Only this action.
        #[arg(long, value_parser = action)]
        action: Option<AuditAction>,
        /// Only what was done to the user, role or key with this identifier.
        #[arg(long)]
        target: Option<String>,
        /// Only what was done to this user: the identifier, e-mail address or login name.
        #[arg(long, conflicts_with = "target")]
        user: Option<String>,
        /// The highest number of entries.
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1_000))]
        limit: u32,
        /// Print a JSON object for each entry.
        #[arg(long)]
        json: bool,
    },
}

fn action(text: &str) -> Result<AuditAction, String> {
    let known = AuditAction::ALL.iter().copied().find(|action| action.name() == text);
    known.ok_or_else(|| {
        let names: Vec<_> = AuditAction::ALL.iter().map(|action| action.name()).collect();
        format!("must be one of {}", names.join(", "))
    })
}

pub(super) async fn run(action: AuditCommand, core: &Core) -> Result<(), Failure> {
    let since = match action {
        AuditCommand::Verify { since } => since,
        AuditCommand::List { action, target, user, limit, json } => {
            let target = match user {
                Some(user) => Some(find(core, &user).await?.to_string()),
                None => target,
            };
            return list(&audit::list::newest(core, action, target, limit).await?, json);
        }
    };
    let chain = audit::verify(&core.db.get().await?, &core.audit_keys, since).await?;
    say(format_args!("The audit log is intact: {} rows.", chain.rows))?;
    if chain.dropped > 0 {
        say(format_args!("Rows up to {} were dropped, because their retention is over.", chain.dropped))?;
    }
    if chain.erased > 0 {
        say(format_args!("{} personal fields were erased.", chain.erased))?;
    }
    say(format_args!("It ends at {}", chain.end))?;
    say(format_args!(
        "Store this value elsewhere: `admin audit verify --since VALUE` proves later that no row up to \
        there is missing."
    ))
}

fn list(entries: &[AuditItem], json: bool) -> Result<(), Failure> {
    if json {
        return entries.iter().try_for_each(|entry| say(format_args!("{}", json!(entry))));
    }
    let rows = entries.iter().map(|entry| {
        let actor = entry.actor_id.map_or_else(|| entry.actor_kind.clone(), |id| id.to_string());
        [
            entry.seq.to_string(),
            moment(entry.occurred_at),
            actor,
            entry.action.clone(),
            entry.target_id.clone(),
        ]
    });
    table(["ENTRY", "TIME", "ACTOR", "ACTION", "TARGET"], rows)
}
