//! Repeats erasures after the database was restored from a dump that is older than they are.

use std::io::BufRead;
use std::time::Duration;

use uuid::Uuid;

use super::begin::{Origin, begin};
use super::complete::erase_at_once;
use super::record::ErasureRecord;
use crate::access;
use crate::actor::Actor;
use crate::api::Problem;
use crate::context::Core;
use crate::users;

/// The longest line, in bytes.
const LONGEST_LINE: u64 = 4096;

/// How many users were erased again, and how many were not there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Replayed {
    pub(crate) erased: u64,
    pub(crate) absent: u64,
}

/// Why a replay stopped. What was erased until then stays erased; the replay can be repeated.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReplayError {
    #[error("line {0} is no record of an erasure as `admin erasures export` prints it")]
    Line(u64),
    #[error("cannot read: {0}")]
    Read(#[from] std::io::Error),
    #[error("{0}")]
    Problem(#[from] Problem),
}

/// Erases every user of `lines`, one record in each, that exists.
///
/// # Errors
///
/// At the first line that is not a record, and when PostgreSQL is unavailable.
pub(crate) async fn replay(
    core: &Core,
    actor: &Actor,
    mut lines: impl BufRead,
    keeps_history: bool,
) -> Result<Replayed, ReplayError> {
    let (mut replayed, mut number) = (Replayed::default(), 0_u64);
    loop {
        let mut line = Vec::new();
        let read = std::io::Read::take(&mut lines, LONGEST_LINE).read_until(b'\n', &mut line)?;
        if read == 0 {
            return Ok(replayed);
        }
        number = number.saturating_add(1);
        if line.trim_ascii().is_empty() {
            continue;
        }
        let record = parse(&line).ok_or(ReplayError::Line(number))?;
        match erase(core, actor, record.user_id, keeps_history).await? {
            true => replayed.erased = replayed.erased.saturating_add(1),
            false => replayed.absent = replayed.absent.saturating_add(1),
        }
    }
}

fn parse(line: &[u8]) -> Option<ErasureRecord> {
    shared::json::from_slice(line.trim_ascii()).ok()
}

/// `false` if there is no such user.
async fn erase(core: &Core, actor: &Actor, user: Uuid, keeps_history: bool) -> Result<bool, Problem> {
    let mut connection = core.db.get().await?;
    let tx = connection.begin().await?;
    let concerned = [access::superusers(&tx).await?.as_slice(), &[user]].concat();
    if !users::store::lock_all(&tx, &concerned).await?.contains(&user) {
        return Ok(false);
    }
    begin(&tx, core, actor, user, Duration::ZERO, (Origin::Replay, None)).await?;
    erase_at_once(&tx, core, actor, user, keeps_history).await?;
    tx.commit().await?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_line_is_a_record_or_refused_without_panic(line: Vec<u8>) {
            if let Some(record) = parse(&line) {
                prop_assert_eq!(parse(&serde_json::to_vec(&record).unwrap()), Some(record));
            }
        }

        #[test]
        fn a_record_survives_its_line(user: u128, at in 0..4_000_000_000_i64, categories: Vec<String>) {
            let moment = jiff::Timestamp::from_second(at).unwrap();
            let record = ErasureRecord {
                user_id: Uuid::from_u128(user),
                requested_at: moment,
                erased_at: moment,
                origin: "user".to_owned(),
                categories,
            };
            prop_assert_eq!(parse(&serde_json::to_vec(&record).unwrap()), Some(record));
        }
    }
}
