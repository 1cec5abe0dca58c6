//! Role assignments and their expiry.
//!
//! A changed assignment begins a new generation of the user's tokens, with the reason "refresh needed": their
//! tokens carry the previous roles.

pub mod assign;
mod assignment;
pub mod list;
pub mod show;
mod store;
pub mod take;

use serde_json::{Value, json};
use shared::revocation::Reason;
use shared::role::RoleName;
use uuid::Uuid;

use super::role::{RoleRef, RoleView};
use super::{MAX_NAMES_BYTES, definition, store as roles};
use crate::access::{self, End, Right, lock_upon, of_user as of_user_in_path};
use crate::actor::Actor;
use crate::api::{Code, Operation, Problem};
use crate::audit::{self, AuditAction, AuditEntry};
use crate::context::Core;
use crate::db::{Connection, DbError, Transaction};
use crate::notices::{self, NoticeTarget};
use crate::revocations::{self, NewRevocation};
use crate::users::{self, EmailAddress, Identifier};

pub(crate) use assignment::Assignment;
pub use assignment::NewAssignment;
pub(super) use store::{EndedAssignment, delete_ended};

/// Why nothing was assigned.
#[derive(Debug, thiserror::Error)]
pub enum AssignError {
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
    /// The actor may not assign it.
    #[error(transparent)]
    Denied(#[from] Problem),
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

/// Assigns the role to the user with this e-mail address; see [`assign()`].
///
/// # Errors
///
/// As [`assign()`], and when no account has the address.
pub async fn assign_by_email(
    core: &Core,
    actor: &Actor,
    email: EmailAddress,
    role: RoleName,
    new: NewAssignment,
) -> Result<Assigned, AssignError> {
    let found = users::store::find(&core.db.get().await?, &Identifier::Email(email), None).await?;
    let user = found.ok_or(AssignError::NoUser)?.id;
    assign_to(core, actor, user, role, new).await
}

/// Assigns the role to the user with this identifier, or changes the assignment.
///
/// # Errors
///
/// When the user or the role does not exist, the expiry is past, or the user has too many roles.
pub async fn assign_to(
    core: &Core,
    actor: &Actor,
    user: Uuid,
    role: RoleName,
    new: NewAssignment,
) -> Result<Assigned, AssignError> {
    let (assigned, _) = assign(core, actor, user, &RoleRef::Name(role), new).await?;
    Ok(assigned)
}

/// Assigns the role to the user, or changes the assignment; for an actor who has the role for at least as
/// long.
///
/// In one transaction it increments the user's token generation and records the revocation of older tokens,
/// with the reason "refresh needed".
///
/// # Errors
///
/// When the actor may not, the user or the role does not exist, the expiry is past, or the user has too many roles.
async fn assign(
    core: &Core,
    actor: &Actor,
    user: Uuid,
    role: &RoleRef,
    new: NewAssignment,
) -> Result<(Assigned, Assignment), AssignError> {
    let new = NewAssignment { granted_by: actor.user(), ..new };
    let mut connection = core.db.get().await?;
    let tx = connection.begin().await?;
    let rights = lock_upon(&tx, core, actor, Right::RolesAssign, user).await?;
    let role = roles::find(&*tx, role).await?.ok_or(AssignError::NoRole)?;
    definition::check_role(&rights, &role.name, End::of(new.expires_at))?;
    let before = access::own_rights(&tx, user).await?;
    let assigned = assign_within(&tx, &core.issuer, user, &role, &new).await?;
    if !access::own_rights(&tx, user).await?.is_subset(&before) {
        users::store::void_links(&tx, user).await?;
        notices::rights_granted(NoticeTarget { core, tx: &tx, user }).await?;
    }
    // The current assignment, which the locks preserve until the transaction ends.
    let found = store::find(&tx, user, role.role_id).await?.assignment;
    let assignment = found.ok_or(AssignError::NoRole)?;
    if assigned != Assigned::Already {
        audit::record(&tx, &core.audit_keys, actor, entry(user, &role, &new)).await?;
        tx.commit().await?;
    }
    Ok((assigned, assignment))
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

/// Moves all roles of one user to another one, who has each for the longer time afterwards. Both, and the definitions, must be
/// locked. Returns the roles that the other one got, or got for longer.
///
/// # Errors
///
/// When PostgreSQL is unavailable, or the user has too many roles.
pub(crate) async fn take_over(
    tx: &Transaction<'_>,
    issuer: &str,
    actor: &Actor,
    (from, into): (Uuid, Uuid),
    reason: &str,
) -> Result<Vec<String>, AssignError> {
    let names = store::take_over(tx, (from, into), actor.user(), reason).await?;
    if store::names_length(tx, into).await? > MAX_NAMES_BYTES {
        return Err(AssignError::TooMany);
    }
    if !names.is_empty() {
        make_tokens_old(tx, issuer, &[into]).await?;
    }
    Ok(names)
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

fn entry(user: Uuid, role: &RoleView, new: &NewAssignment) -> AuditEntry {
    let detail: Value = json!({
        "role_id": role.role_id, "role": role.name, "expires_at": new.expires_at,
    });
    AuditEntry::new(AuditAction::RoleAssigned, user.to_string(), detail).reason(new.reason.as_deref())
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
            AssignError::Denied(problem) => problem,
            // The role in the path has been checked before.
            AssignError::NoUser | AssignError::NoRole => Self::new(Code::NotFound),
        }
    }
}
