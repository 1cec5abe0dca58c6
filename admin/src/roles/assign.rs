//! Gives a role to somebody, and makes their tokens old.

use shared::revocation::Reason;
use shared::role::{NotARoleName, RoleName};
use uuid::Uuid;

use super::{MAX_NAMES_BYTES, store};
use crate::db::{Connection, DbError, Transaction};
use crate::revocations::{self, NewRevocation};
use crate::users::{self, EmailAddress, NotAnEmailAddress};

/// Why nothing was assigned.
#[derive(Debug, thiserror::Error)]
pub enum AssignError {
    /// The address.
    #[error(transparent)]
    Email(#[from] NotAnEmailAddress),
    /// The name.
    #[error(transparent)]
    Name(#[from] NotARoleName),
    /// Nobody has this address.
    #[error("nobody has this e-mail address; they must register first")]
    NoUser,
    /// There is no such role.
    #[error("there is no such role; make it with `admin roles create`")]
    NoRole,
    /// Tokens and headers would grow too long.
    #[error("the person has too many roles already: their names take more than {MAX_NAMES_BYTES} bytes")]
    TooMany,
    /// PostgreSQL.
    #[error(transparent)]
    Database(#[from] DbError),
}

/// What came of an assignment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Assigned {
    /// The person has the role now; their tokens must be refreshed.
    Now,
    /// They had it already, and without an end; nothing changed.
    Already,
}

/// Gives the role to the person with this e-mail address, without an end.
///
/// In one transaction the person's generation of tokens is incremented and the revocation of the older ones
/// recorded, with the reason that a refresh helps. `issuer` is whose tokens those are.
///
/// # Errors
///
/// When there is no such person or role, or the person has too many.
pub async fn assign(
    connection: &mut Connection,
    issuer: &str,
    email: &str,
    role: &str,
) -> Result<Assigned, AssignError> {
    let (email, role): (EmailAddress, RoleName) = (email.parse()?, role.parse()?);
    let tx = connection.begin().await?;
    let assigned = assign_within(&tx, issuer, &email, &role).await?;
    tx.commit().await?;
    Ok(assigned)
}

async fn assign_within(
    tx: &Transaction<'_>,
    issuer: &str,
    email: &EmailAddress,
    role: &RoleName,
) -> Result<Assigned, AssignError> {
    let user = users::store::lock_by_email(tx, email).await?.ok_or(AssignError::NoUser)?;
    let id = store::find(tx, role).await?.ok_or(AssignError::NoRole)?;
    if !store::give(tx, user, id).await? {
        return Ok(Assigned::Already);
    }
    check_length(tx, user).await?;
    let generation = users::store::advance_generation_and_version(tx, user).await?;
    let revocation = NewRevocation::user(user, generation, Reason::RefreshNeeded);
    revocations::record(tx, issuer, &[revocation]).await?;
    Ok(Assigned::Now)
}

/// Counts after the insertion, under the lock of the user, so that two assignments cannot both just fit.
async fn check_length(tx: &Transaction<'_>, user: Uuid) -> Result<(), AssignError> {
    let length = store::names_length(tx, user).await?;
    if length > MAX_NAMES_BYTES { Err(AssignError::TooMany) } else { Ok(()) }
}
