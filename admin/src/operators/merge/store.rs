//! The SQL of linked accounts that a merge moves.

use uuid::Uuid;

use crate::db::{DbError, Transaction};

/// Links the accounts at providers of one user to another one, who has none there; both are locked. Returns the providers.
/// They count as linked by the user (rule 4), whatever they were before: an eviction unlinks them.
pub(super) async fn move_accounts(
    tx: &Transaction<'_>,
    from: Uuid,
    into: Uuid,
) -> Result<Vec<String>, DbError> {
    let sql = "update auth.oauth_accounts set user_id = $2, linked_at = clock_timestamp(), linked_rule = 4
               where user_id = $1
                 and provider not in (select provider from auth.oauth_accounts where user_id = $2)
               returning provider";
    let rows = tx.query(sql, &[&from, &into]).await?;
    let mut providers: Vec<String> =
        rows.iter().map(|row| Ok(row.try_get("provider")?)).collect::<Result<_, DbError>>()?;
    providers.sort_unstable();
    Ok(providers)
}

/// The providers at which the user has a linked account.
pub(super) async fn providers(tx: &Transaction<'_>, user: Uuid) -> Result<Vec<String>, DbError> {
    let sql = "select provider from auth.oauth_accounts where user_id = $1 order by provider collate \"C\"";
    tx.query(sql, &[&user]).await?.iter().map(|row| Ok(row.try_get("provider")?)).collect()
}
