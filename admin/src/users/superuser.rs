//! Creates a superuser; used by the command line only.

use uuid::Uuid;

use super::store::{self, NewUser};
use super::{EmailAddress, NotAnEmailAddress};
use crate::db::{Client, DbError};
use crate::passwords::{HashError, Hasher, Password};

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

/// Creates a superuser account and returns its id.
///
/// # Errors
///
/// When the address or the password is invalid, or the address is in use.
pub async fn create_superuser(
    client: &impl Client,
    hasher: &Hasher,
    email: &str,
    password: &Password,
) -> Result<Uuid, SuperuserError> {
    let email: EmailAddress = email.parse()?;
    let mut slot = hasher.reserve()?;
    let words = vec![email.key().to_owned(), email.local_part().to_owned()];
    let weaknesses = slot.judge(password, words).await?;
    if !weaknesses.is_empty() {
        let sentences: Vec<_> = weaknesses.into_iter().map(|weakness| weakness.sentence).collect();
        return Err(SuperuserError::Weak(sentences.join(" ")));
    }
    let password_hash = slot.hash(password).await?;
    let id = Uuid::now_v7();
    let new = NewUser {
        id,
        email: Some(&email),
        // The operator vouches for the address.
        is_email_verified: true,
        login: None,
        password_hash: Some(&password_hash),
        display_name: None,
        locale: None,
        is_superuser: true,
    };
    match store::insert(client, &new).await {
        Ok(_created_at) => Ok(id),
        Err(error) if error.constraint() == Some(store::EMAIL_IS_UNIQUE) => Err(SuperuserError::Taken),
        Err(error) => Err(error.into()),
    }
}
