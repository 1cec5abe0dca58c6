//! `admin users import`: imports accounts of another program.

use std::io::{BufReader, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use crate::actor::Actor;
use crate::context::Core;
use crate::operators::import::{ImportCounts, RefusedLine, import};
use crate::passwords::{HashConfig, Hasher};
use crate::random::SystemRandom;

use crate::command::terminal::{Failure, open, say};

/// How long a line waits for its hash. `ADMIN_HASH_WAIT` is for sign-ins; an import waits only for its own lines, a few at
/// a time.
const HASH_WAIT: Duration = Duration::from_mins(10);

/// Some lines were refused; they have been printed.
#[derive(Debug, thiserror::Error)]
#[error("{0} line(s) were refused; correct them and repeat the import")]
struct LinesRefused(u64);

pub(super) async fn run(core: &Core, hashing: HashConfig, file: &Path, json: bool) -> Result<(), Failure> {
    let file = BufReader::new(open(file)?);
    let hasher = Hasher::new(HashConfig { wait: HASH_WAIT, ..hashing }, Arc::new(SystemRandom));
    let counts = import(core, &Actor::command(), &hasher, file, |refused| print(&refused, json)).await?;
    summarise(counts, json)?;
    if counts.refused > 0 { Err(LinesRefused(counts.refused).into()) } else { Ok(()) }
}

/// Prints a refused line: to standard output as JSON, or else to standard error. If that is closed, the import goes
/// on, and the exit code and the counts tell the rest.
fn print(refused: &RefusedLine, as_json: bool) {
    let _unheard = match as_json {
        true => writeln!(std::io::stdout(), "{}", json!(refused)),
        false => writeln!(std::io::stderr(), "line {}: {}", refused.line, refused.detail),
    };
}

fn summarise(counts: ImportCounts, as_json: bool) -> Result<(), Failure> {
    let ImportCounts { created, unchanged, refused } = counts;
    if as_json {
        return say(format_args!("{}", json!(counts)));
    }
    say(format_args!("Created {created} account(s); {unchanged} existed; {refused} line(s) were refused."))
}
