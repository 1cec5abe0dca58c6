//! The SQL of other users' accounts.

use jiff::Timestamp;
use serde::Serialize;
use tokio_postgres::Row;
use utoipa::ToSchema;
use utoipa::openapi::Object;
use uuid::Uuid;

use crate::api::schema::one_of;
use crate::db::{Conditions, Connection, DbError, SqlClient, Transaction};
use crate::users::recoveries::store::pending_recovery;

/// A user as operators see it. Purposefully without `Debug`: the content is personal.
#[derive(Clone, Serialize, ToSchema)]
pub(crate) struct Person {
    pub(crate) user_id: Uuid,
    #[schema(required)]
    pub(crate) email: Option<String>,
    #[schema(required)]
    pub(crate) login: Option<String>,
    #[schema(required)]
    pub(crate) display_name: Option<String>,
    #[schema(schema_with = status_schema)]
    pub(crate) status: String,
    pub(crate) is_superuser: bool,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

fn status_schema() -> Object {
    one_of(STATUSES, "Whether tokens are minted for the user.")
}

/// The statuses of an account.
pub(super) const STATUSES: [&str; 3] = ["active", "disabled", "erasing"];

/// The filters of a search, combined with AND.
#[derive(Default)]
pub(super) struct UserFilter {
    /// The beginning of an address, a login name or a display name, in any form.
    pub(super) query: Option<String>,
    pub(super) email_key: Option<String>,
    pub(super) login_key: Option<String>,
    /// The tags of an address that users lost to its owner.
    pub(super) former_email: Option<Vec<Vec<u8>>>,
    /// Users who have this role now.
    pub(super) role: Option<String>,
    pub(super) status: Option<String>,
    pub(super) superuser: Option<bool>,
}

const COLUMNS: &str =
    "u.id, u.email, u.login, u.display_name, u.status, u.is_superuser, u.created_at, u.updated_at";

/// One user.
pub(super) async fn find(client: &impl SqlClient, id: Uuid) -> Result<Option<Person>, DbError> {
    let sql = format!("select {COLUMNS} from auth.users u where u.id = $1");
    let statement = client.prepare_cached(&sql).await?;
    client.query_opt(&statement, &[&id]).await?.as_ref().map(person).transpose()
}

/// Up to `limit` users that match `filter`, newest first, before the position `before`.
pub(super) async fn page(
    connection: &Connection,
    filter: &UserFilter,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Person>, DbError> {
    let mut asked = Conditions::default();
    asked.add(
        "(auth.search_form_of_address(u.email) like auth.begins_with(auth.search_form_of_address($?::text))
          or u.email_key like auth.begins_with(lower($?::text))
          or auth.search_form(u.login) like auth.begins_with(auth.search_form($?::text))
          or auth.search_form(u.display_name) like auth.begins_with(auth.search_form($?::text)))",
        filter.query.as_ref(),
    );
    asked.add("u.email_key = $?", filter.email_key.as_ref());
    asked.add("u.login_key = $?", filter.login_key.as_ref());
    asked.add(
        "held.role_id = (select r.id from auth.roles r where r.name = $?)
         and (held.expires_at is null or held.expires_at > clock_timestamp())",
        filter.role.as_ref(),
    );
    asked.add("u.status = $?", filter.status.as_ref());
    asked.add("u.is_superuser = $?", filter.superuser.as_ref());
    asked.add(
        "u.id in (select f.user_id from auth.former_emails f where f.email_hmac = any($?))",
        filter.former_email.as_ref(),
    );
    // The holders of a role are read in the order of an index, so the position must be one in it.
    let (users, after, order) = match filter.role {
        Some(_) => (
            "auth.user_roles held join auth.users u on u.id = held.user_id",
            "held.user_id < $?",
            "order by held.user_id desc",
        ),
        None => ("auth.users u", "u.id < $?", "order by u.id desc"),
    };
    asked.add(after, before.as_ref());
    let limit = asked.place(&limit);
    let conditions = asked.text();
    let sql = format!("select {COLUMNS} from {users} where {conditions} {order} limit {limit}");
    let rows = connection.query(&sql, asked.values()).await?;
    rows.iter().map(person).collect()
}

/// Enables or disables an account. `false` when nothing changed. An account that will be erased stays so: what changes is
/// what it becomes if it is kept.
pub(super) async fn set_status(tx: &Transaction<'_>, id: Uuid, status: &str) -> Result<bool, DbError> {
    let sql =
        "update auth.users set status = $2, row_version = row_version + 1, updated_at = clock_timestamp()
               where id = $1 and status not in ($2, 'erasing')";
    let later = "update auth.pending_erasures set was_disabled = not was_disabled
                 where user_id = $1 and was_disabled <> ($2 = 'disabled')";
    Ok(tx.execute(sql, &[&id, &status]).await? == 1 || tx.execute(later, &[&id, &status]).await? == 1)
}

/// Grants or revokes superuser status. `false` when nothing changed.
pub(super) async fn set_superuser(
    tx: &Transaction<'_>,
    id: Uuid,
    is_superuser: bool,
) -> Result<bool, DbError> {
    let sql = "update auth.users set is_superuser = $2, row_version = row_version + 1,
                   updated_at = clock_timestamp()
               where id = $1 and is_superuser <> $2";
    Ok(tx.execute(sql, &[&id, &is_superuser]).await? == 1)
}

/// How a user signs in, and what is under way.
pub(super) struct SignInFacts {
    pub(super) is_email_verified: bool,
    pub(super) has_password: bool,
    /// When the pending recovery by the unproven address takes effect.
    pub(super) recovery_at: Option<Timestamp>,
}

/// How a user signs in; `None` if there is no such user.
pub(super) async fn sign_in_facts(client: &impl SqlClient, id: Uuid) -> Result<Option<SignInFacts>, DbError> {
    let sql = concat!(
        "select password_hash is not null as has_password,
             email_key is not null and verified_email_key is not distinct from email_key as is_email_verified, ",
        pending_recovery!(),
        " as recovery_at from auth.users u where u.id = $1"
    );
    let statement = client.prepare_cached(sql).await?;
    let Some(row) = client.query_opt(&statement, &[&id]).await? else { return Ok(None) };
    Ok(Some(SignInFacts {
        is_email_verified: row.try_get("is_email_verified")?,
        has_password: row.try_get("has_password")?,
        recovery_at: row.try_get("recovery_at")?,
    }))
}

fn person(row: &Row) -> Result<Person, DbError> {
    Ok(Person {
        user_id: row.try_get("id")?,
        email: row.try_get("email")?,
        login: row.try_get("login")?,
        display_name: row.try_get("display_name")?,
        status: row.try_get("status")?,
        is_superuser: row.try_get("is_superuser")?,
        created_at: row.try_get("created_at")?,
        updated_at: row.try_get("updated_at")?,
    })
}
