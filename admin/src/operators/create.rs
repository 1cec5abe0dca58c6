//! Creates a user or a superuser with a password; used by the command line only.

use serde_json::json;
use uuid::Uuid;

use crate::actor::Actor;
use crate::audit::{self, AuditAction, AuditEntry};
use crate::context::Core;
use crate::db::{DbError, Transaction};
use crate::passwords::{HashError, Hasher, Party, Password, PasswordHash, Weakness};
use crate::users::store::{self, EMAIL_IS_NOT_RESERVED, EMAIL_IS_UNIQUE, NewUser};
use crate::users::{EmailAddress, NotAnEmailAddress};

/// Why no account was created.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// The address is invalid.
    #[error(transparent)]
    Email(#[from] NotAnEmailAddress),
    /// The password is weak.
    #[error("the password is too weak: {0}")]
    Weak(String),
    /// The account exists.
    #[error("an account with this e-mail address already exists; choose another address")]
    Taken,
    /// Hashing failed.
    #[error(transparent)]
    Hash(#[from] HashError),
    /// No PostgreSQL connection.
    #[error(transparent)]
    Database(#[from] DbError),
}

/// A new account, as an operator describes it.
#[derive(Debug, Clone, Copy)]
pub struct NewAccount<'a> {
    /// The e-mail address for signing in.
    pub email: &'a str,
    /// The password.
    pub password: &'a Password,
    /// Whether the operator vouches for the address.
    pub is_email_verified: bool,
    /// Whether it is a superuser.
    pub is_superuser: bool,
}

/// Creates a superuser account and returns its id. The operator vouches for the address. The shortest password has
/// `password_min` characters.
///
/// # Errors
///
/// As [`create_account`].
pub async fn create_superuser(
    core: &Core,
    actor: &Actor,
    hasher: &Hasher,
    email: &str,
    password: &Password,
    password_min: usize,
) -> Result<Uuid, CreateError> {
    let new = NewAccount { email, password, is_email_verified: true, is_superuser: true };
    create_account(core, actor, hasher, new, password_min).await
}

/// Creates an account and returns its id. The shortest password has `password_min` characters.
///
/// # Errors
///
/// When the address or the password is invalid, or the address is in use.
pub async fn create_account(
    core: &Core,
    actor: &Actor,
    hasher: &Hasher,
    new: NewAccount<'_>,
    password_min: usize,
) -> Result<Uuid, CreateError> {
    let email: EmailAddress = new.email.parse()?;
    check(new.password.form_weaknesses(password_min))?;
    let hash = hash(hasher, &email, new.password).await?;
    let id = core.random.id();
    let mut connection = core.db.get().await?;
    let tx = connection.begin().await?;
    insert(&tx, id, (&email, &hash), new).await?;
    let entry = if new.is_superuser {
        AuditEntry::new(AuditAction::SuperuserGiven, id.to_string(), json!({ "created": true }))
    } else {
        let detail = json!({ "email_verified": new.is_email_verified });
        AuditEntry::new(AuditAction::UserCreated, id.to_string(), detail)
    };
    audit::record(&tx, &core.audit_keys, actor, entry).await?;
    tx.commit().await?;
    Ok(id)
}

/// The hash of a password that is strong enough.
async fn hash(
    hasher: &Hasher,
    email: &EmailAddress,
    password: &Password,
) -> Result<PasswordHash, CreateError> {
    let words = vec![email.key().to_owned(), email.local_part().to_owned()];
    check(hasher.judge(Party::Operator, password, words).await?)?;
    Ok(hasher.reserve(Party::Operator)?.hash(password).await?)
}

fn check(weaknesses: Vec<Weakness>) -> Result<(), CreateError> {
    if weaknesses.is_empty() {
        return Ok(());
    }
    let sentences: Vec<_> = weaknesses.into_iter().map(|weakness| weakness.sentence).collect();
    Err(CreateError::Weak(sentences.join(" ")))
}

async fn insert(
    tx: &Transaction<'_>,
    id: Uuid,
    (email, hash): (&EmailAddress, &PasswordHash),
    NewAccount { is_email_verified, is_superuser, .. }: NewAccount<'_>,
) -> Result<(), CreateError> {
    let new = NewUser {
        id,
        email: Some(email),
        is_email_verified,
        login: None,
        password_hash: Some(hash),
        display_name: None,
        locale: None,
        is_superuser,
    };
    match store::insert(&**tx, &new).await {
        Ok(_created_at) => Ok(()),
        Err(error) if matches!(error.constraint(), Some(EMAIL_IS_UNIQUE | EMAIL_IS_NOT_RESERVED)) => {
            Err(CreateError::Taken)
        }
        Err(error) => Err(error.into()),
    }
}
