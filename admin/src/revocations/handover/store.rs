//! The SQL of the handover, on the connection that holds the lock of the leading relay.

use shared::revocation::{HistoryId, LogChain, LogPosition, Record};
use tokio_postgres::{Client, Row};
use uuid::Uuid;

use crate::db::DbError;
use crate::revocations::needed::{ChainedPosition, Needed};
use crate::revocations::store::{from_sql, to_sql};

/// An epoch in which everything is published and no heartbeat is open.
pub(in crate::revocations) struct Handover {
    /// The end of the log.
    pub(in crate::revocations) at: LogPosition,
    /// The identity of the epoch, beyond its number.
    pub(in crate::revocations) history: HistoryId,
    /// The position up to which the log was trimmed.
    pub(in crate::revocations) floor: ChainedPosition,
    /// The replication id of the master.
    pub(in crate::revocations) replication: String,
    /// The version of the role map in Redis.
    pub(in crate::revocations) roles: u64,
    /// The part of the log that is still needed.
    pub(in crate::revocations) needed: Needed,
}

const LEAVE: &str = "
    insert into auth.revocation_handover (epoch, history, seq, floor, replication, role_map_version,
                                          ends, first_seqs, endless, endless_seqs, chain, floor_chain,
                                          first_chains)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
    on conflict on constraint revocation_handover_pkey do update
    set epoch = excluded.epoch, history = excluded.history, seq = excluded.seq, floor = excluded.floor,
        replication = excluded.replication, role_map_version = excluded.role_map_version,
        ends = excluded.ends, first_seqs = excluded.first_seqs,
        endless = excluded.endless, endless_seqs = excluded.endless_seqs, left_at = excluded.left_at,
        chain = excluded.chain, floor_chain = excluded.floor_chain, first_chains = excluded.first_chains";

/// Deleted before it is used: whatever happens to this leader, no other one continues the same state.
const TAKE: &str = "
    delete from auth.revocation_handover
    returning epoch, history, seq, floor, replication, role_map_version, ends, first_seqs, endless, endless_seqs,
              chain, floor_chain, first_chains, nextval('auth.revocation_heartbeats') as beat";

/// Leaves an epoch. The session that does it holds the lock.
pub(in crate::revocations) async fn leave(client: &Client, left: &Handover) -> Result<(), DbError> {
    let history = Uuid::from_bytes(left.history.to_bytes());
    let needed = &left.needed;
    let ends: Vec<i64> = needed.first_by_end.keys().map(|end| i64::from(*end)).collect();
    let (first_seqs, first_chains): (Vec<i64>, Vec<&[u8]>) =
        needed.first_by_end.values().map(|first| (to_sql(first.seq), &first.chain.as_bytes()[..])).unzip();
    let (endless, endless_seqs): (Vec<Vec<u8>>, Vec<i64>) =
        needed.endless.iter().map(|(record, seq)| (record.encode().to_vec(), to_sql(*seq))).unzip();
    let values: crate::db::Values<'_> = &[
        &to_sql(left.at.epoch),
        &history,
        &to_sql(left.at.seq),
        &to_sql(left.floor.seq),
        &left.replication,
        &to_sql(left.roles),
        &ends,
        &first_seqs,
        &endless,
        &endless_seqs,
        &needed.chain.as_bytes().as_slice(),
        &left.floor.chain.as_bytes().as_slice(),
        &first_chains,
    ];
    client.execute(LEAVE, values).await?;
    Ok(())
}

/// Takes the epoch that was left, and the number of its next heartbeat. One that cannot be read counts as none.
pub(in crate::revocations) async fn take(client: &Client) -> Result<Option<(Handover, u64)>, DbError> {
    let row = client.query_opt(TAKE, &[]).await?;
    Ok(row.and_then(|row| Some((handover(&row)?, from_sql(row.get("beat"))))))
}

fn handover(row: &Row) -> Option<Handover> {
    let numbers = |column: &str| row.get::<_, Vec<i64>>(column).into_iter().map(from_sql);
    let ends = numbers("ends").map(u32::try_from).collect::<Result<Vec<u32>, _>>().ok()?;
    let endless = row.get::<_, Vec<&[u8]>>("endless").into_iter().map(Record::decode);
    let endless = endless.collect::<Result<Vec<Record>, _>>().ok()?;
    let chain = |bytes: &[u8]| bytes.try_into().ok().map(LogChain::from_bytes);
    let chains = row.get::<_, Vec<&[u8]>>("first_chains").into_iter().map(chain);
    let first =
        numbers("first_seqs").zip(chains).map(|(seq, chain)| Some(ChainedPosition { seq, chain: chain? }));
    let first = first.collect::<Option<Vec<_>>>().filter(|first| first.len() == ends.len())?;
    Some(Handover {
        at: LogPosition { epoch: from_sql(row.get("epoch")), seq: from_sql(row.get("seq")) },
        history: HistoryId::from_bytes(row.get::<_, Uuid>("history").into_bytes()),
        floor: ChainedPosition { seq: from_sql(row.get("floor")), chain: chain(row.get("floor_chain"))? },
        replication: row.get("replication"),
        roles: from_sql(row.get("role_map_version")),
        needed: Needed {
            chain: chain(row.get("chain"))?,
            first_by_end: ends.into_iter().zip(first).collect(),
            endless: endless.into_iter().zip(numbers("endless_seqs")).collect(),
        },
    })
}
