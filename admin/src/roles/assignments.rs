//! Role assignments and their expiry.
//!
//! A changed assignment begins a new generation of the user's tokens, with the reason "refresh needed": their
//! tokens carry the previous roles.

pub mod assign;
pub mod list;
pub mod show;
mod store;
pub mod take;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use shared::revocation::Reason;
use shared::role::{NotARoleName, RoleName};
use utoipa::ToSchema;
use uuid::Uuid;

use super::role::{RoleRef, RoleView};
use super::{MAX_NAMES_BYTES, store as roles};
use crate::access::{hold_definitions, of_user as of_user_in_path};
use crate::actor::Actor;
use crate::api::{Code, Operation, Problem};
use crate::audit::{self, Action, Entry};
use crate::db::{Connection, DbError, Transaction};
use crate::keys::DerivedKeys;
use crate::revocations::{self, NewRevocation};
use crate::users::{self, EmailAddress, NotAnEmailAddress};

pub(super) use store::{Ended, delete_ended};

/// An assignment, as returned to clients.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Assignment {
    /// The role.
    #[schema(value_type = String)]
    pub(crate) role: RoleName,
    pub(crate) granted_at: Timestamp,
    /// Who assigned it; null for the command line.
    #[schema(required)]
    pub(crate) granted_by: Option<Uuid>,
    /// When it expires; null for never.
    #[schema(required)]
    pub(crate) expires_at: Option<Timestamp>,
    /// Why it was assigned.
    #[schema(required)]
    pub(crate) reason: Option<String>,
}

/// The assignment to create, or to change an existing one into.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct NewAssignment {
    pub(super) expires_at: Option<Timestamp>,
    pub(super) granted_by: Option<Uuid>,
    pub(super) reason: Option<String>,
}

/// Why nothing was assigned.
#[derive(Debug, thiserror::Error)]
pub enum AssignError {
    /// The address is invalid.
    #[error(transparent)]
    Email(#[from] NotAnEmailAddress),
    /// The role name is invalid.
    #[error(transparent)]
    Name(#[from] NotARoleName),
    /// No account has this address.
    #[error("no account has this e-mail address; the user must register first")]
    NoUser,
    /// The role does not exist.
    #[error("the role does not exist; create it with `admin roles create`")]
    NoRole,
    /// The assignment would expire before it begins.
    #[error("the expiry of the assignment must be in the future")]
    Past,
    /// Tokens and headers would become too long.
    #[error("the user has too many roles: their names would exceed {MAX_NAMES_BYTES} bytes")]
    TooMany,
    /// No PostgreSQL connection.
    #[error(transparent)]
    Database(#[from] DbError),
}

/// The outcome of an assignment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Assigned {
    /// The role was assigned; the user's tokens must be refreshed.
    Now,
    /// The expiry was changed; the user's tokens must be refreshed.
    Moved,
    /// Only the reason was changed; the user's tokens stay valid.
    Noted,
    /// Nothing was changed.
    Already,
}

/// Assigns the role until `expires_at` to the user with this e-mail address, on behalf of an operator.
///
/// In one transaction it increments the user's token generation and records the revocation of older tokens,
/// with the reason "refresh needed". `issuer` is the issuer of those tokens.
///
/// # Errors
///
/// When the user or the role does not exist, the expiry is past, or the user has too many roles.
pub async fn assign_by_email(
    connection: &mut Connection,
    audit_keys: &DerivedKeys,
    issuer: &str,
    email: &str,
    role: &str,
    expires_at: Option<Timestamp>,
) -> Result<Assigned, AssignError> {
    let (email, role): (EmailAddress, RoleName) = (email.parse()?, role.parse()?);
    let tx = connection.begin().await?;
    hold_definitions(&tx).await?;
    let user = users::store::lock_by_email(&tx, &email).await?.ok_or(AssignError::NoUser)?;
    let role = roles::find(&*tx, &RoleRef::Name(role)).await?.ok_or(AssignError::NoRole)?;
    let new = NewAssignment::new(expires_at, None, None);
    let assigned = assign_within(&tx, issuer, user, &role, &new).await?;
    if assigned != Assigned::Already {
        audit::record(&tx, audit_keys, &Actor::command(), entry(user, &role, &new)).await?;
    }
    tx.commit().await?;
    Ok(assigned)
}

/// The definitions and the user must be locked.
async fn assign_within(
    tx: &Transaction<'_>,
    issuer: &str,
    user: Uuid,
    role: &RoleView,
    new: &NewAssignment,
) -> Result<Assigned, AssignError> {
    let found = store::find(tx, user, role.role_id).await?;
    if new.expires_at.is_some_and(|end| end <= found.now) {
        return Err(AssignError::Past);
    }
    let assigned = match &found.assignment {
        None => Assigned::Now,
        Some(known) if known.expires_at != new.expires_at => Assigned::Moved,
        Some(known) if new.reason.is_some() && known.reason != new.reason => Assigned::Noted,
        Some(_) => Assigned::Already,
    };
    if assigned != Assigned::Already {
        store::put(tx, user, role.role_id, new).await?;
    }
    if matches!(assigned, Assigned::Noted | Assigned::Already) {
        return Ok(assigned);
    }
    // Counted after the insertion, with the user locked, so that two concurrent assignments cannot both fit.
    if store::names_length(tx, user).await? > MAX_NAMES_BYTES {
        return Err(AssignError::TooMany);
    }
    make_tokens_old(tx, issuer, &[user]).await?;
    Ok(assigned)
}

/// Begins a new generation of each user's tokens, for the reason "refresh needed". The users must be locked.
pub(super) async fn make_tokens_old(
    tx: &Transaction<'_>,
    issuer: &str,
    users: &[Uuid],
) -> Result<(), DbError> {
    let generations = users::store::advance_generations(tx, users).await?;
    let revocation = |(user, generation)| NewRevocation::user(user, generation, Reason::RefreshNeeded);
    let revocations: Vec<_> = generations.into_iter().map(revocation).collect();
    revocations::record(tx, issuer, &revocations).await
}

/// All current assignments of a user, by role name.
///
/// # Errors
///
/// When PostgreSQL is unavailable.
pub(crate) async fn of_user(connection: &Connection, user: Uuid) -> Result<Vec<Assignment>, DbError> {
    store::list(connection, user).await
}

impl NewAssignment {
    /// Truncated to the microsecond, as stored: otherwise an equal time would look different.
    fn new(expires_at: Option<Timestamp>, granted_by: Option<Uuid>, reason: Option<String>) -> Self {
        let to_stored = |end: Timestamp| Timestamp::from_microsecond(end.as_microsecond()).unwrap_or(end);
        Self { expires_at: expires_at.map(to_stored), granted_by, reason }
    }
}

fn entry(user: Uuid, role: &RoleView, new: &NewAssignment) -> Entry {
    let detail: Value = json!({
        "role_id": role.role_id, "role": role.name, "expires_at": new.expires_at, "reason": new.reason,
    });
    Entry::new(Action::RoleAssigned, user.to_string(), detail)
}

/// Documents `{id}` and `{role}`.
fn of_path(operation: Operation) -> Operation {
    of_user_in_path(operation).path("role", super::role::NAMED, super::role::shape())
}

pub(crate) fn example() -> Value {
    json!({
        "role": "subscriber",
        "granted_at": "2026-11-25T20:15:30.123456Z",
        "granted_by": "0193a1af-e27c-7d7e-8f9a-0b1c2d3e4f5a",
        "expires_at": "2099-12-31T00:00:00Z",
        "reason": "Paid for a year."
    })
}

impl From<AssignError> for Problem {
    fn from(error: AssignError) -> Self {
        match error {
            AssignError::Past => Self::new(Code::ValidationFailed).field(
                "expires_at",
                "field_invalid",
                "Must be in the future.",
            ),
            AssignError::TooMany => Self::new(Code::LimitReached).detail(format!(
                "The role names of one user may have at most {MAX_NAMES_BYTES} bytes in \
                    total."
            )),
            AssignError::Database(error) => error.into(),
            // The role in the path has been checked before.
            AssignError::Email(_) | AssignError::Name(_) | AssignError::NoUser | AssignError::NoRole => {
                Self::new(Code::NotFound)
            }
        }
    }
}
