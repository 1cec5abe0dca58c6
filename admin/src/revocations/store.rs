//! All SQL of the outbox.

use shared::revocation::Kind;

use crate::db::{DbError, Transaction};

use super::NewRevocation;

pub(super) async fn insert(
    transaction: &Transaction<'_>,
    issuer: &str,
    revocations: &[NewRevocation],
) -> Result<(), DbError> {
    let kinds: Vec<i16> = revocations.iter().map(|new| i16::from(new.kind as u8)).collect();
    let reasons: Vec<i16> = revocations.iter().map(|new| i16::from(new.reason as u8)).collect();
    let keys: Vec<Vec<u8>> = revocations.iter().map(|new| new.key_under(issuer).as_bytes().to_vec()).collect();
    let arguments: Vec<i64> =
        revocations.iter().map(|new| i64::try_from(new.argument).unwrap_or(i64::MAX)).collect();
    let forever: Vec<bool> = revocations.iter().map(|new| new.kind == Kind::Key).collect();
    let statement = transaction.prepare_cached(INSERT).await?;
    transaction.execute(&statement, &[&kinds, &reasons, &keys, &arguments, &forever]).await?;
    Ok(())
}

/// `clock_timestamp()`, never `now()`: the latter is the transaction's beginning, and a transaction that
/// waited for a lock would write a record that ends before the token it kills.
const INSERT: &str = "
    with recorded as (
        insert into auth.revocations (kind, reason, key, arg, until)
        select kind, reason, key, arg,
               case when forever then null
                    else clock_timestamp() + auth.longest_access_token_life() + interval '5 minutes' end
        from unnest($1::smallint[], $2::smallint[], $3::bytea[], $4::bigint[], $5::boolean[])
             as new (kind, reason, key, arg, forever)
    )
    select pg_notify('usher_revocations', '')";
