//! `admin erasures`: the records of erasures, for the day on which the database is restored from a dump.

use std::io::BufReader;
use std::path::PathBuf;

use clap::Subcommand;
use uuid::Uuid;

use crate::actor::Actor;
use crate::context::Core;
use crate::erasure::{all_records, replay};

use super::terminal::{Failure, open, say};

#[derive(Debug, Subcommand)]
pub(super) enum ErasuresCommand {
    /// Print the records of all erasures within the last 37 months, one JSON object in each line. Store them apart from the
    /// dumps of the database. Example: admin erasures export >erasures.jsonl
    Export,
    /// Erase again who had been erased: after the database was restored from an older dump, and before it is served.
    /// Example: admin erasures replay erasures.jsonl
    Replay {
        /// The file that `admin erasures export` printed; - for standard input.
        file: PathBuf,
    },
}

/// How many records are read at once.
const PAGE: i64 = 1000;

pub(super) async fn run(action: ErasuresCommand, core: &Core, keeps_history: bool) -> Result<(), Failure> {
    match action {
        ErasuresCommand::Export => export(core).await,
        ErasuresCommand::Replay { file } => {
            let lines = BufReader::new(open(&file)?);
            let replayed = replay(core, &Actor::command(), lines, keeps_history).await?;
            say(format_args!("Erased {} user(s) again; {} did not exist.", replayed.erased, replayed.absent))
        }
    }
}

async fn export(core: &Core) -> Result<(), Failure> {
    let connection = core.db.get().await?;
    let mut after = Uuid::nil();
    loop {
        let records = all_records(&*connection, after, PAGE).await?;
        let Some(last) = records.last() else { return Ok(()) };
        after = last.user_id;
        for record in &records {
            say(format_args!("{}", serde_json::to_string(record)?))?;
        }
    }
}
