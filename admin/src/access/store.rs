//! All SQL about callers.

use deadpool_postgres::GenericClient;
use shared::revocation::Kind;
use tokio_postgres::Row;

use super::caller::{Caller, Facts};
use crate::db::DbError;

/// What the database says of an access token. `None` when its session or its user is not there.
pub(super) async fn caller_facts(
    client: &impl GenericClient,
    caller: Caller,
) -> Result<Option<Facts>, DbError> {
    // The kinds are written out: with parameters in their place the plan could not use the index of these two.
    const { assert!(Kind::Token as u8 == 1 && Kind::Key as u8 == 4) };
    let sql = "select u.token_generation, d.generation as deployment_generation,
                   to_timestamp($3::bigint) <= clock_timestamp() as is_expired,
                   s.revoked_at is null and s.expires_at > clock_timestamp() and u.status = 'active'
                       and not exists (select from auth.revocations r where r.kind = 1 and r.key = $4)
                       and not exists (select from auth.revocations r where r.kind = 4 and r.key = $5) as stands
               from auth.sessions s
               join auth.users u on u.id = s.user_id
               cross join auth.deployment d
               where s.id = $1 and s.user_id = $2";
    let statement = client.prepare_cached(sql).await?;
    let token = caller.token();
    let expires_at = i64::try_from(token.expires_at).unwrap_or(i64::MAX);
    let (key, signing_key) = (token.key.as_bytes().as_slice(), token.signing_key.as_bytes().as_slice());
    let row = client
        .query_opt(&statement, &[&caller.session, &caller.user, &expires_at, &key, &signing_key])
        .await?;
    row.as_ref().map(facts).transpose()
}

fn facts(row: &Row) -> Result<Facts, DbError> {
    Ok(Facts {
        is_expired: row.try_get("is_expired")?,
        stands: row.try_get("stands")?,
        generation: row.try_get::<_, i64>("token_generation")?.cast_unsigned(),
        deployment_generation: row.try_get::<_, i64>("deployment_generation")?.cast_unsigned(),
    })
}
