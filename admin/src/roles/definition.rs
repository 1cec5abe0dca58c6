//! The parts that all changes of a role's definition share: the lock, the limits, and the rule that a caller
//! cannot grant what the caller does not hold.

use std::collections::BTreeSet;

use deserr::Deserr;
use jiff::Timestamp;
use shared::permission::Pattern;
use shared::role::{NotARoleName, RoleName};
use shared::role_map::{Role, RoleMap};
use uuid::Uuid;

use super::store;
use crate::access::{End, Rights, includes_rank};
use crate::api::text::text_type;
use crate::api::{Code, Findings, Problem, Request, sentence};
use crate::config::RankedAreas;
use crate::db::{DbError, Transaction};
use crate::visible_text::{is_visible_line, is_visible_text};

/// The most roles: all of them are sent to every sidecar with each change.
pub(super) const MAX_ROLES: usize = 500;
/// The most permissions of one role, without inherited ones.
pub(super) const MAX_PERMISSIONS: usize = 200;
/// The most roles that one role may inherit directly.
pub(super) const MAX_PARENTS: usize = 32;
/// Why a definition is refused.
#[derive(Debug, thiserror::Error)]
pub enum DefinitionError {
    /// The role name is invalid.
    #[error(transparent)]
    Name(#[from] NotARoleName),
    /// A role of this name exists.
    #[error("a role with this name already exists")]
    Exists,
    /// A role of this name existed until recently.
    #[error(
        "live tokens may still carry this name from a deleted or renamed role; it is available again \
        after {0}"
    )]
    Retired(Timestamp),
    /// The role would inherit itself.
    #[error("a role cannot inherit itself, directly or indirectly: {0} leads back to it")]
    Cycle(RoleName),
    /// Inherited roles do not exist.
    #[error("these roles do not exist: {}", names(.0))]
    NoParents(Vec<RoleName>),
    /// A limit is exceeded.
    #[error("{0}")]
    TooMany(String),
    /// No PostgreSQL connection.
    #[error(transparent)]
    Database(#[from] DbError),
    /// The actor may not define it.
    #[error(transparent)]
    Denied(#[from] Problem),
}

/// The definitions of all roles, locked until the transaction ends.
pub(super) struct Definitions {
    map: RoleMap,
}

impl Definitions {
    /// Locks all definitions, as the first lock of a transaction, and reads them.
    pub(super) async fn lock(tx: &Transaction<'_>) -> Result<Self, DbError> {
        store::lock_definitions(tx).await?;
        Ok(Self { map: store::map(&**tx).await? })
    }

    /// Checks that `name` may be defined as `role`.
    ///
    /// # Errors
    ///
    /// When that exceeds a limit, inherits a role that does not exist, or forms a cycle.
    pub(super) fn check(&self, name: &RoleName, role: &Role) -> Result<(), DefinitionError> {
        check_bounds(role)?;
        let unknown = role.inherits.iter().filter(|parent| self.map.get(parent).is_none());
        let unknown: Vec<RoleName> = unknown.cloned().collect();
        if !unknown.is_empty() {
            return Err(DefinitionError::NoParents(unknown));
        }
        let back = role.inherits.iter().find(|parent| self.map.reach([*parent]).contains(name));
        if let Some(parent) = back {
            return Err(DefinitionError::Cycle(parent.clone()));
        }
        if self.map.get(name).is_none() && self.map.len() >= MAX_ROLES {
            return Err(DefinitionError::TooMany(format!("at most {MAX_ROLES} roles may exist")));
        }
        Ok(())
    }

    /// Checks that no role has `name`, and that no live token carries it from another role than this one.
    ///
    /// # Errors
    ///
    /// [`DefinitionError::Exists`], [`DefinitionError::Retired`].
    pub(super) async fn check_name(
        &self,
        tx: &Transaction<'_>,
        name: &RoleName,
        role: Option<Uuid>,
    ) -> Result<(), DefinitionError> {
        if self.map.get(name).is_some() {
            return Err(DefinitionError::Exists);
        }
        match store::retired_until(tx, name, role).await? {
            Some(until) => Err(DefinitionError::Retired(until)),
            None => Ok(()),
        }
    }

    /// Checks that a caller with `rights` may change the role `name` at all: it must not grant a permission that ranks and
    /// that the caller does not hold.
    ///
    /// # Errors
    ///
    /// 403 `forbidden`.
    pub(super) fn check_rank(
        &self,
        rights: &Rights,
        name: &RoleName,
        areas: &RankedAreas,
    ) -> Result<(), Problem> {
        match includes_rank(rights, self.map.permissions([name]), areas) {
            true => Ok(()),
            false => Err(Problem::new(Code::Forbidden)
                .detail("The role has a permission of this service that you do not hold.")
                .denied()),
        }
    }

    /// Checks that a caller with `rights` may define `name` as `role`. The caller must hold, without expiry,
    /// each own permission and each inherited role that the role did not have before. What it had only by
    /// inheritance counts as new, because the other role may lose it.
    ///
    /// # Errors
    ///
    /// 403 `privilege_escalation`.
    pub(super) fn check_gain(&self, rights: &Rights, name: &RoleName, role: &Role) -> Result<(), Problem> {
        let before = self.map.get(name).cloned().unwrap_or_default();
        let is_new = |pattern: &&Pattern| !before.permissions.iter().any(|had| had.covers(pattern));
        let gained = role.permissions.iter().filter(is_new);
        gained.into_iter().try_for_each(|pattern| check_permission(rights, pattern))?;
        role.inherits
            .difference(&before.inherits)
            .try_for_each(|parent| check_role(rights, parent, End::Never))
    }
}

/// Checks that the caller holds all of `pattern`, without expiry.
///
/// # Errors
///
/// 403 `privilege_escalation`.
fn check_permission(rights: &Rights, pattern: &Pattern) -> Result<(), Problem> {
    match rights.may_until(pattern) {
        Some(End::Never) => Ok(()),
        until => Err(escalation(&format!("the permission {pattern}"), until)),
    }
}

/// Checks that the caller has `role`, assigned or inherited, at least until `end`. A role grants more than
/// its permissions, because a location may require it by name.
///
/// # Errors
///
/// 403 `privilege_escalation`.
pub(super) fn check_role(rights: &Rights, role: &RoleName, end: End) -> Result<(), Problem> {
    match rights.has_role_until(role) {
        Some(until) if until >= end => Ok(()),
        until => Err(escalation(&format!("the role {role}"), until)),
    }
}

fn escalation(what: &str, until: Option<End>) -> Problem {
    let detail = match until.and_then(End::moment) {
        None => format!("You do not hold {what}."),
        Some(moment) => format!("You hold {what} only until {moment} and cannot grant it for longer."),
    };
    Problem::new(Code::PrivilegeEscalation).detail(detail).denied()
}

fn names(roles: &[RoleName]) -> String {
    roles.iter().map(RoleName::as_str).collect::<Vec<_>>().join(", ")
}

fn check_bounds(role: &Role) -> Result<(), DefinitionError> {
    if role.permissions.len() > MAX_PERMISSIONS {
        return Err(DefinitionError::TooMany(format!(
            "a role may have at most {MAX_PERMISSIONS} permissions"
        )));
    }
    if role.inherits.len() > MAX_PARENTS {
        return Err(DefinitionError::TooMany(format!(
            "a role may inherit at most {MAX_PARENTS} roles directly"
        )));
    }
    Ok(())
}

/// The name was inserted by a transaction that did not take the lock of the definitions.
pub(super) fn taken(error: DbError) -> DefinitionError {
    match error.constraint() {
        Some(store::NAME_IS_UNIQUE) => DefinitionError::Exists,
        _ => DefinitionError::Database(error),
    }
}

text_type!(
    /// The display name of a role.
    pub(super) Title, title
);
text_type!(
    /// The purpose of a role; may have several lines.
    pub(super) Description, description
);
text_type!(
    /// The reason of an assignment; may have several lines.
    pub(super) AssignmentReason, reason
);

fn title(text: &str) -> Result<String, &'static str> {
    Some(text.to_owned()).filter(|text| is_visible_line(text)).ok_or(
        "A title must be 1 to 64 characters, with at least one visible character and no control characters.",
    )
}

fn description(text: &str) -> Result<String, &'static str> {
    Some(text.to_owned()).filter(|text| is_visible_text(text)).ok_or(
        "A description must be 1 to 500 characters, with at least one visible character and no control characters except line breaks.",
    )
}

fn reason(text: &str) -> Result<String, &'static str> {
    Some(text.to_owned()).filter(|text| is_visible_text(text)).ok_or(
        "A reason must be 1 to 500 characters, with at least one visible character and no control characters except line breaks.",
    )
}

/// Reads a form with the member `inherits`. If it is invalid, the roles in this member that do not exist are reported
/// with the other errors. Those of a valid form are found later, while all definitions are locked.
///
/// # Errors
///
/// 422 with every invalid field; 503.
pub(super) async fn read<T: Deserr<Findings>>(request: &Request) -> Result<T, Problem> {
    let form = request.form()?;
    let parents: BTreeSet<RoleName> =
        form.texts("inherits", MAX_PARENTS).filter_map(|name| name.parse().ok()).collect();
    let (body, mut found) = form.read::<T>();
    if body.is_none() && !parents.is_empty() {
        let connection = request.context.db.get().await?;
        for parent in store::unknown(&connection, &parents).await? {
            found.add("inherits", "role_unknown", unknown(&parent));
        }
    }
    found.finish(body)
}

fn unknown(parent: &RoleName) -> String {
    format!("The role {parent} does not exist.")
}

impl From<DefinitionError> for Problem {
    fn from(error: DefinitionError) -> Self {
        let sentence = sentence(&error);
        match error {
            DefinitionError::Name(_) => {
                Self::new(Code::ValidationFailed).field("name", "role_name_invalid", sentence)
            }
            DefinitionError::Exists => Self::new(Code::RoleExists),
            DefinitionError::Retired(_) => Self::new(Code::RoleNameRetired).detail(sentence),
            DefinitionError::Cycle(_) => Self::new(Code::RoleCycle).detail(sentence),
            DefinitionError::NoParents(parents) => {
                parents.iter().fold(Self::new(Code::ValidationFailed), |problem, parent| {
                    problem.field("inherits", "role_unknown", unknown(parent))
                })
            }
            DefinitionError::TooMany(_) => Self::new(Code::LimitReached).detail(sentence),
            DefinitionError::Database(error) => error.into(),
            DefinitionError::Denied(problem) => problem,
        }
    }
}
