//! Makes a role.

use shared::role::{NotARoleName, RoleName};
use uuid::Uuid;

use super::store;
use crate::db::{Connection, DbError};

/// Why there is no new role.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// The name.
    #[error(transparent)]
    Name(#[from] NotARoleName),
    /// There is such a role.
    #[error("a role of this name exists already")]
    Exists,
    /// PostgreSQL.
    #[error(transparent)]
    Database(#[from] DbError),
}

/// Makes the role `name`.
///
/// # Errors
///
/// When the text is no role name, or there is such a role.
pub async fn create(connection: &Connection, name: &str) -> Result<RoleName, CreateError> {
    let name: RoleName = name.parse()?;
    match store::insert(connection, Uuid::now_v7(), &name).await {
        Ok(()) => Ok(name),
        Err(error) if error.constraint() == Some(store::NAME_IS_UNIQUE) => Err(CreateError::Exists),
        Err(error) => Err(error.into()),
    }
}
