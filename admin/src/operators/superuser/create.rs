//! Creates a superuser; used by the command line only.

use serde_json::json;
use uuid::Uuid;

use crate::actor::Actor;
use crate::audit::{self, AuditAction, AuditEntry};
use crate::context::Core;
use crate::db::{DbError, Transaction};
use crate::passwords::{HashError, Hasher, Party, Password, PasswordHash, Weakness};
use crate::users::store::{self, EMAIL_IS_UNIQUE, NewUser};
use crate::users::{EmailAddress, NotAnEmailAddress};

/// Why no superuser was created.
#[derive(Debug, thiserror::Error)]
pub enum SuperuserError {
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

/// Creates a superuser account and returns its id. The shortest password has `password_min` characters.
///
/// # Errors
///
/// When the address or the password is invalid, or the address is in use.
pub async fn create_superuser(
    core: &Core,
    actor: &Actor,
    hasher: &Hasher,
    email: &str,
    password: &Password,
    password_min: usize,
) -> Result<Uuid, SuperuserError> {
    let email: EmailAddress = email.parse()?;
    check(password.form_weaknesses(password_min))?;
    let hash = hash(hasher, &email, password).await?;
    let id = core.random.id();
    let mut connection = core.db.get().await?;
    let tx = connection.begin().await?;
    insert(&tx, id, &email, &hash).await?;
    let entry = AuditEntry::new(AuditAction::SuperuserGiven, id.to_string(), json!({ "created": true }));
    audit::record(&tx, &core.audit_keys, actor, entry).await?;
    tx.commit().await?;
    Ok(id)
}

/// The hash of a password that is strong enough.
async fn hash(
    hasher: &Hasher,
    email: &EmailAddress,
    password: &Password,
) -> Result<PasswordHash, SuperuserError> {
    let words = vec![email.key().to_owned(), email.local_part().to_owned()];
    check(hasher.judge(Party::Operator, password, words).await?)?;
    Ok(hasher.reserve(Party::Operator)?.hash(password).await?)
}

fn check(weaknesses: Vec<Weakness>) -> Result<(), SuperuserError> {
    if weaknesses.is_empty() {
        return Ok(());
    }
    let sentences: Vec<_> = weaknesses.into_iter().map(|weakness| weakness.sentence).collect();
    Err(SuperuserError::Weak(sentences.join(" ")))
}

async fn insert(
    tx: &Transaction<'_>,
    id: Uuid,
    email: &EmailAddress,
    hash: &PasswordHash,
) -> Result<(), SuperuserError> {
    let new = NewUser {
        id,
        email: Some(email),
        // The operator vouches for the address.
        is_email_verified: true,
        login: None,
        password_hash: Some(hash),
        display_name: None,
        locale: None,
        is_superuser: true,
    };
    match store::insert(&**tx, &new).await {
        Ok(_created_at) => Ok(()),
        Err(error) if error.constraint() == Some(EMAIL_IS_UNIQUE) => Err(SuperuserError::Taken),
        Err(error) => Err(error.into()),
    }
}
