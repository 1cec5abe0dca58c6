//! Makes a superuser, from the command line alone.

use uuid::Uuid;

use super::hash::{HashError, Hasher};
use super::store::{self, NewUser};
use super::{EmailAddress, NotAnEmailAddress, Password};
use crate::db::{Client, DbError};

/// Why there is no new superuser.
#[derive(Debug, thiserror::Error)]
pub enum SuperuserError {
    /// The address.
    #[error(transparent)]
    Email(#[from] NotAnEmailAddress),
    /// The password.
    #[error("the password is not good enough: {0}")]
    Weak(String),
    /// There is such an account.
    #[error("an account with this e-mail address exists already; choose another address")]
    Taken,
    /// The hash.
    #[error(transparent)]
    Hash(#[from] HashError),
    /// The PostgreSQL pool.
    #[error(transparent)]
    Database(#[from] DbError),
}

/// Makes an account that may do everything, and returns its identifier.
///
/// # Errors
///
/// When the address or the password is not good, or the address is taken.
pub async fn create_superuser(
    client: &impl Client,
    hasher: &Hasher,
    email: &str,
    password: &Password,
) -> Result<Uuid, SuperuserError> {
    let email: EmailAddress = email.parse()?;
    let mut place = hasher.reserve()?;
    let words = vec![email.key().to_owned(), email.local_part().to_owned()];
    let weaknesses = place.judge(password, words).await?;
    if !weaknesses.is_empty() {
        let sentences: Vec<_> = weaknesses.into_iter().map(|weakness| weakness.sentence).collect();
        return Err(SuperuserError::Weak(sentences.join(" ")));
    }
    let password_hash = place.hash(password).await?;
    let id = Uuid::now_v7();
    let new = NewUser {
        id,
        email: Some(&email),
        // Whoever runs the service says so.
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
