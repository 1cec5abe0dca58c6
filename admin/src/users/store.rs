//! The SQL of users.

use std::net::IpAddr;

use jiff::Timestamp;
use tokio_postgres::Row;
use uuid::Uuid;

use super::account::{Account, FormerAddress};
use super::locked::LockedAccount;
use super::skeleton::unicode_version;
use super::{EmailAddress, Identifier, LoginName};
use crate::db::{Connection, DbError, SqlClient, Transaction};
use crate::guessing::{AccountFacts, DeviceAccount};
use crate::limits::Network;
use crate::passwords::PasswordHash;

/// The constraint that two accounts with one e-mail address violate.
pub(crate) const EMAIL_IS_UNIQUE: &str = "users_email_is_unique";

/// What refuses an address that another user can still take back: a trigger, so a further attempt is refused, too.
pub(crate) const EMAIL_IS_NOT_RESERVED: &str = "users_email_is_not_reserved";
/// The constraint that two accounts with one login name violate.
pub(crate) const LOGIN_IS_UNIQUE: &str = "users_login_is_unique";

/// The index that two accounts with login names that look alike violate.
pub(crate) const LOGIN_LOOKS_UNIQUE: &str = "users_login_skeleton_is_unique";

/// The status of an active account.
pub(crate) const ACTIVE: &str = "active";

/// The status of an account that will be erased.
pub(crate) const ERASING: &str = "erasing";

macro_rules! select_account {
    ($condition:literal) => {
        select_account!(@ "false", $condition)
    };
    // With the parameter that is the client's network.
    ($condition:literal, network $network:literal) => {
        select_account!(
            @ concat!(
                "exists (select from auth.known_networks known
                         where known.user_id = users.id and known.prefix = ", $network, "::inet
                           and known.signed_in_at > clock_timestamp() - interval '30 days')"
            ),
            $condition
        )
    };
    (@ $is_known:expr, $condition:literal) => {
        concat!(
            "select id, password_hash, status, email_key, login_key, display_name, first_name, last_name,
                 device_epoch, attempt_epoch,
                 case when verified_email_key is distinct from email_key then email_key end as unverified_email, ",
            $is_known,
            " as is_known_network from auth.users where ",
            $condition
        )
    };
}

/// A new account. Purposefully without `Debug`, for the same reason.
pub(crate) struct NewUser<'n> {
    pub(crate) id: Uuid,
    pub(crate) email: Option<&'n EmailAddress>,
    /// Whether it is verified.
    pub(crate) is_email_verified: bool,
    pub(crate) login: Option<&'n LoginName>,
    pub(crate) password_hash: Option<&'n PasswordHash>,
    pub(crate) display_name: Option<&'n str>,
    pub(crate) locale: Option<&'n str>,
    pub(crate) is_superuser: bool,
}

/// A newly set credential.
#[derive(Debug, Clone)]
pub(crate) enum Credential {
    Password(PasswordHash),
    Email(EmailAddress),
    Login(LoginName),
}

/// Creates an account and returns the time of its creation.
///
/// # Errors
///
/// [`EMAIL_IS_UNIQUE`], [`LOGIN_IS_UNIQUE`] or [`LOGIN_LOOKS_UNIQUE`] violated, or PostgreSQL unavailable.
pub(crate) async fn insert(client: &impl SqlClient, new: &NewUser<'_>) -> Result<Timestamp, DbError> {
    let sql = "insert into auth.users (id, email, email_key, login, login_key, password_hash,
                   password_changed_at, display_name, locale, is_superuser, verified_email_key,
                   login_skeleton, login_skeleton_of, login_skeleton_unicode)
               values ($1, $2, $3, $4, $5, $6, case when $6::text is not null then clock_timestamp() end,
                   $7, $8, $9, case when $10 then $3 end, $11, $5, case when $5::text is not null then $12 end)
               returning created_at";
    let statement = client.prepare_cached(sql).await?;
    let (email, email_key) = new.email.map(|email| (email.as_str(), email.key())).unzip();
    let (login, login_key) = new.login.map(|login| (login.as_str(), login.key())).unzip();
    let row = client
        .query_one(
            &statement,
            &[
                &new.id,
                &email,
                &email_key,
                &login,
                &login_key,
                &new.password_hash.map(PasswordHash::as_stored),
                &new.display_name,
                &new.locale,
                &new.is_superuser,
                &new.is_email_verified,
                &new.login.map(LoginName::skeleton),
                &unicode_version(),
            ],
        )
        .await?;
    Ok(row.try_get("created_at")?)
}

/// The account for an identifier, as seen from a client's address: one query of one form for every kind of identifier.
pub(crate) async fn find(
    connection: &Connection,
    name: &Identifier,
    address: Option<IpAddr>,
) -> Result<Option<Account>, DbError> {
    let sql = select_account!("email_key = $1 or login_key = $2", network "$3");
    let (email, login) = match name {
        Identifier::Email(email) => (Some(email.key()), None),
        Identifier::Login(login) => (None, Some(login.key())),
        Identifier::Invalid => (None, None),
    };
    let network = address.map(|address| Network::site(address).address());
    let statement = connection.prepare_cached(sql).await?;
    connection.query_opt(&statement, &[&email, &login, &network]).await?.as_ref().map(account).transpose()
}

/// The account with this id, as seen from a client's address.
pub(crate) async fn find_by_id(
    connection: &Connection,
    id: Uuid,
    address: Option<IpAddr>,
) -> Result<Option<Account>, DbError> {
    let sql = select_account!("id = $1", network "$2");
    let network = address.map(|address| Network::site(address).address());
    let statement = connection.prepare_cached(sql).await?;
    connection.query_opt(&statement, &[&id, &network]).await?.as_ref().map(account).transpose()
}

/// The account, locked until the transaction ends, for transactions that create a session: so that they are counted one
/// after the other. It does not block rows that refer to the account.
pub(crate) async fn lock_for_sign_in<'t>(
    tx: &'t Transaction<'_>,
    id: Uuid,
) -> Result<Option<LockedAccount<'t>>, DbError> {
    let sql = select_account!("id = $1 for no key update");
    let statement = tx.prepare_cached(sql).await?;
    let account = tx.query_opt(&statement, &[&id]).await?.as_ref().map(account).transpose()?;
    Ok(account.and_then(LockedAccount::new))
}

/// The account, locked exclusively until the transaction ends, for transactions that revoke sessions: always
/// their first lock.
pub(crate) async fn lock_for_change<'t>(
    tx: &'t Transaction<'_>,
    id: Uuid,
) -> Result<Option<LockedAccount<'t>>, DbError> {
    let sql = select_account!("id = $1 for update");
    let statement = tx.prepare_cached(sql).await?;
    let account = tx.query_opt(&statement, &[&id]).await?.as_ref().map(account).transpose()?;
    Ok(account.and_then(LockedAccount::new))
}

/// The owner of an identity at a provider, and the owner's account, found and locked in one statement; the lock is
/// that of [`lock_for_change`]. `None` when the identity is linked to no user; no account when it is disabled. The link
/// may have been removed while the statement waited for the lock.
pub(crate) async fn lock_linked<'t>(
    tx: &'t Transaction<'_>,
    provider: &str,
    subject: &str,
) -> Result<Option<(Uuid, Option<LockedAccount<'t>>)>, DbError> {
    let sql = select_account!(
        "id = (select user_id from auth.oauth_accounts where provider = $1 and subject = $2) for update"
    );
    let statement = tx.prepare_cached(sql).await?;
    let account =
        tx.query_opt(&statement, &[&provider, &subject]).await?.as_ref().map(account).transpose()?;
    Ok(account.map(|account| (account.id, LockedAccount::new(account))))
}

/// The users of `ids` that exist, locked exclusively until the transaction ends: in the order of their identifiers,
/// whatever the order of `ids`.
pub(crate) async fn lock_all(tx: &Transaction<'_>, ids: &[Uuid]) -> Result<Vec<Uuid>, DbError> {
    let sql = "select id from auth.users where id = any($1) order by id for update";
    let statement = tx.prepare_cached(sql).await?;
    let rows = tx.query(&statement, &[&ids]).await?;
    rows.iter().map(|row| Ok(row.try_get("id")?)).collect()
}

/// Whether the user can sign in with a password: it needs a password and an identifier.
pub(crate) async fn has_password_and_name(tx: &Transaction<'_>, id: Uuid) -> Result<bool, DbError> {
    let sql = "select password_hash is not null and (email_key is not null or login_key is not null) as can
               from auth.users where id = $1";
    let statement = tx.prepare_cached(sql).await?;
    let row = tx.query_opt(&statement, &[&id]).await?;
    Ok(row.map(|row| row.try_get("can")).transpose()?.unwrap_or(false))
}

/// Replaces the hash `old` by one with today's parameters, if it is still the stored one.
///
/// The password is the same, so no session ends and the generation does not change.
pub(crate) async fn replace_hash(
    connection: &Connection,
    id: Uuid,
    old: &PasswordHash,
    new: &PasswordHash,
) -> Result<bool, DbError> {
    let sql = "update auth.users set password_hash = $3 where id = $1 and password_hash = $2";
    let statement = connection.prepare_cached(sql).await?;
    Ok(connection.execute(&statement, &[&id, &old.as_stored(), &new.as_stored()]).await? == 1)
}

/// The next schemes of the stored password hashes after `after`, in the order of their texts: algorithm, version and
/// parameters, without salt and result; of hashes that wrap an old one the method of that. At most 1000.
pub(super) async fn password_schemes(connection: &Connection, after: &str) -> Result<Vec<String>, DbError> {
    let sql = r"with recursive schemes (scheme) as (
                    select min(substring(password_hash from '^\$[^$]*\$[^$]*\$[^$]*|^[^$]+')) from auth.users
                    where substring(password_hash from '^\$[^$]*\$[^$]*\$[^$]*|^[^$]+') > $1
                    union all
                    select (select min(substring(password_hash from '^\$[^$]*\$[^$]*\$[^$]*|^[^$]+')) from auth.users
                            where substring(password_hash from '^\$[^$]*\$[^$]*\$[^$]*|^[^$]+') > schemes.scheme)
                    from schemes where schemes.scheme is not null
                )
                select scheme from schemes where scheme is not null limit 1000";
    let statement = connection.prepare_cached(sql).await?;
    let rows = connection.query(&statement, &[&after]).await?;
    rows.iter().map(|row| Ok(row.try_get("scheme")?)).collect()
}

/// Sets a credential, and returns the new generation of tokens. With a new password no device and no network of the user
/// is known.
///
/// # Errors
///
/// [`EMAIL_IS_UNIQUE`], [`LOGIN_IS_UNIQUE`] or [`LOGIN_LOOKS_UNIQUE`] violated, or PostgreSQL unavailable.
pub(crate) async fn set_credential(tx: &Transaction<'_>, id: Uuid, new: &Credential) -> Result<u64, DbError> {
    let row = match new {
        Credential::Password(hash) => {
            let sql = "with forgotten as (delete from auth.known_networks where user_id = $1)
                       update auth.users set password_hash = $2, password_changed_at = clock_timestamp(),
                           device_epoch = device_epoch + 1,
                           token_generation = token_generation + 1, row_version = row_version + 1,
                           updated_at = clock_timestamp()
                       where id = $1 returning token_generation";
            let statement = tx.prepare_cached(sql).await?;
            tx.query_one(&statement, &[&id, &hash.as_stored()]).await?
        }
        Credential::Email(email) => {
            // Verification is reset with the address: a later owner may set the same address again.
            let sql = "update auth.users set email = $2, email_key = $3,
                           verified_email_key = case when email_key = $3 then verified_email_key end,
                           token_generation = token_generation + 1, row_version = row_version + 1,
                           updated_at = clock_timestamp()
                       where id = $1 returning token_generation";
            let statement = tx.prepare_cached(sql).await?;
            tx.query_one(&statement, &[&id, &email.as_str(), &email.key()]).await?
        }
        Credential::Login(login) => {
            let sql = "update auth.users set login = $2, login_key = $3,
                           login_skeleton = $4, login_skeleton_of = $3, login_skeleton_unicode = $5,
                           token_generation = token_generation + 1, row_version = row_version + 1,
                           updated_at = clock_timestamp()
                       where id = $1 returning token_generation";
            let statement = tx.prepare_cached(sql).await?;
            let values = (login.skeleton(), unicode_version());
            tx.query_one(&statement, &[&id, &login.as_str(), &login.key(), &values.0, &values.1]).await?
        }
    };
    generation(&row)
}

/// Whether the user's address or login name is already `new`, in every character. A password is never known to be.
pub(crate) async fn has_credential(
    tx: &Transaction<'_>,
    id: Uuid,
    new: &Credential,
) -> Result<bool, DbError> {
    let (email, login) = match new {
        Credential::Password(_) => return Ok(false),
        Credential::Email(email) => (Some(email.as_str()), None),
        Credential::Login(login) => (None, Some(login.as_str())),
    };
    let sql = "select 1 from auth.users where id = $1 and (email = $2 or login = $3)";
    let statement = tx.prepare_cached(sql).await?;
    Ok(tx.query_opt(&statement, &[&id, &email, &login]).await?.is_some())
}

/// Sets another spelling of the address of a user.
pub(crate) async fn set_spelling(
    tx: &Transaction<'_>,
    id: Uuid,
    email: &EmailAddress,
) -> Result<(), DbError> {
    let sql =
        "update auth.users set email = $2, row_version = row_version + 1, updated_at = clock_timestamp()
               where id = $1 and email_key = $3 and email <> $2";
    let statement = tx.prepare_cached(sql).await?;
    tx.execute(&statement, &[&id, &email.as_str(), &email.key()]).await?;
    Ok(())
}

/// The address of a user.
pub(crate) async fn address(client: &impl SqlClient, id: Uuid) -> Result<Option<FormerAddress>, DbError> {
    let sql = "select email, email_key, verified_email_key is not distinct from email_key as is_verified
               from auth.users where id = $1 and email_key is not null";
    let statement = client.prepare_cached(sql).await?;
    let row = client.query_opt(&statement, &[&id]).await?;
    let address = |row: Row| {
        Ok(FormerAddress {
            email: row.try_get("email")?,
            key: row.try_get("email_key")?,
            is_verified: row.try_get("is_verified")?,
        })
    };
    row.map(address).transpose()
}

/// Makes the unused links void by which the user, who must be locked, could set a password. Their rows stay: a mail that is
/// sent again must not make its link valid again.
pub(crate) async fn void_links(tx: &Transaction<'_>, user: Uuid) -> Result<(), DbError> {
    let sql =
        "update auth.account_links set used_at = clock_timestamp() where user_id = $1 and used_at is null";
    let statement = tx.prepare_cached(sql).await?;
    tx.execute(&statement, &[&user]).await?;
    Ok(())
}

/// Begins and returns a new generation of tokens. `row_version` stays: the visible profile is unchanged.
pub(crate) async fn advance_generation(tx: &Transaction<'_>, id: Uuid) -> Result<u64, DbError> {
    let sql = "update auth.users set token_generation = token_generation + 1 where id = $1
               returning token_generation";
    let statement = tx.prepare_cached(sql).await?;
    generation(&tx.query_one(&statement, &[&id]).await?)
}

/// The same for several users, who must be locked, after a change that is visible in their profiles:
/// `row_version` is incremented too. Returns each user's new generation.
pub(crate) async fn advance_generations(
    tx: &Transaction<'_>,
    ids: &[Uuid],
) -> Result<Vec<(Uuid, u64)>, DbError> {
    let sql = "update auth.users set token_generation = token_generation + 1,
                   row_version = row_version + 1, updated_at = clock_timestamp()
               where id = any($1) returning id, token_generation";
    let rows = tx.query(sql, &[&ids]).await?;
    rows.iter().map(|row| Ok((row.try_get("id")?, generation(row)?))).collect()
}

/// Makes all devices and networks of the user unknown.
pub(crate) async fn forget_devices_and_networks(tx: &Transaction<'_>, id: Uuid) -> Result<(), DbError> {
    let sql = "with forgotten as (delete from auth.known_networks where user_id = $1)
               update auth.users set device_epoch = device_epoch + 1 where id = $1";
    tx.execute(sql, &[&id]).await?;
    Ok(())
}

/// From now on the failed attempts of the account no longer count.
pub(crate) async fn forget_attempts(tx: &Transaction<'_>, id: Uuid) -> Result<(), DbError> {
    let sql = "update auth.users set attempt_epoch = attempt_epoch + 1 where id = $1";
    tx.execute(sql, &[&id]).await?;
    Ok(())
}

pub(super) fn account(row: &Row) -> Result<Account, DbError> {
    let hash: Option<&str> = row.try_get("password_hash")?;
    let id = row.try_get("id")?;
    let epoch = |column| Ok::<u64, DbError>(row.try_get::<_, i64>(column)?.cast_unsigned());
    let facts = AccountFacts {
        devices: DeviceAccount { user: id, epoch: epoch("device_epoch")? },
        counters: epoch("attempt_epoch")?,
        is_known_network: row.try_get("is_known_network")?,
    };
    Ok(Account {
        id,
        facts,
        password_hash: hash.map(PasswordHash::from_stored),
        is_active: row.try_get::<_, &str>("status")? == ACTIVE,
        is_erasing: row.try_get::<_, &str>("status")? == ERASING,
        unverified_email: row.try_get("unverified_email")?,
        own_words: own_words(row)?,
    })
}

fn own_words(row: &Row) -> Result<Vec<String>, DbError> {
    let mut words = Vec::new();
    for column in ["email_key", "login_key", "display_name", "first_name", "last_name"] {
        words.extend(row.try_get::<_, Option<String>>(column)?);
    }
    let local_part = words.first().and_then(|word| word.split_once('@')).map(|(local, _)| local.to_owned());
    words.extend(local_part);
    Ok(words)
}

/// A `check` constraint keeps it positive.
fn generation(row: &Row) -> Result<u64, DbError> {
    Ok(row.try_get::<_, i64>("token_generation")?.cast_unsigned())
}
