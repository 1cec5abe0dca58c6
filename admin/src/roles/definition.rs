//! What every change of a role's definition has in common: the lock, the bounds, and that nobody gives what they do
//! not have.

use std::collections::BTreeSet;

use jiff::Timestamp;
use shared::permission::Pattern;
use shared::role::{NotARoleName, RoleName};
use shared::role_map::{Role, RoleMap};

use super::store;
use crate::access::{End, Rights};
use crate::api::{Code, Findings, Problem};
use crate::db::{DbError, Transaction};

/// The most roles that there can be: all of them go to every sidecar with each change.
pub(super) const MAX_ROLES: usize = 500;
/// The most permissions of one role, inherited ones apart.
pub(super) const MAX_PERMISSIONS: usize = 200;
/// The most roles that one role inherits directly.
pub(super) const MAX_PARENTS: usize = 32;
/// The longest title, in characters.
const MAX_TITLE: usize = 64;
/// The longest description, in characters.
const MAX_DESCRIPTION: usize = 500;

/// Why a role cannot be defined so.
#[derive(Debug, thiserror::Error)]
pub enum DefinitionError {
    /// The name.
    #[error(transparent)]
    Name(#[from] NotARoleName),
    /// There is such a role.
    #[error("a role of this name exists already")]
    Exists,
    /// There was such a role a moment ago.
    #[error("tokens may still carry this name of a role that is gone; it can be used again after {0}")]
    Retired(Timestamp),
    /// It would inherit itself.
    #[error("a role cannot inherit itself, not even by way of others: {0} leads back to it")]
    Cycle(RoleName),
    /// It would inherit nothing that there is.
    #[error("there is no role {0}")]
    NoParent(RoleName),
    /// Too much of something.
    #[error("{0}")]
    TooMany(String),
    /// No PostgreSQL connection.
    #[error(transparent)]
    Database(#[from] DbError),
}

/// The definitions of all roles, which nobody else changes until the transaction ends.
pub(super) struct Definitions {
    map: RoleMap,
}

impl Definitions {
    /// Takes the lock of all definitions, the first one of a transaction, and reads them.
    pub(super) async fn lock(tx: &Transaction<'_>) -> Result<Self, DbError> {
        store::lock_definitions(tx).await?;
        Ok(Self { map: store::map(&**tx).await? })
    }

    /// Asks that `name` can be defined as `role`.
    ///
    /// # Errors
    ///
    /// When that goes beyond a bound, inherits what is not there, or goes round in a circle.
    pub(super) fn check(&self, name: &RoleName, role: &Role) -> Result<(), DefinitionError> {
        check_bounds(role)?;
        if let Some(parent) = role.inherits.iter().find(|parent| self.map.get(parent).is_none()) {
            return Err(DefinitionError::NoParent(parent.clone()));
        }
        let back = role.inherits.iter().find(|parent| self.map.reach([*parent]).contains(name));
        if let Some(parent) = back {
            return Err(DefinitionError::Cycle(parent.clone()));
        }
        if self.map.get(name).is_none() && self.map.len() >= MAX_ROLES {
            return Err(DefinitionError::TooMany(format!("there can be at most {MAX_ROLES} roles")));
        }
        Ok(())
    }

    /// Asks that nobody has `name`, and that no token carries it from a role that is gone.
    ///
    /// # Errors
    ///
    /// [`DefinitionError::Exists`], [`DefinitionError::Retired`].
    pub(super) async fn check_name(
        &self,
        tx: &Transaction<'_>,
        name: &RoleName,
    ) -> Result<(), DefinitionError> {
        if self.map.get(name).is_some() {
            return Err(DefinitionError::Exists);
        }
        match store::retired_until(tx, name).await? {
            Some(until) => Err(DefinitionError::Retired(until)),
            None => Ok(()),
        }
    }

    /// Asks that whoever has `rights` may define `name` as `role`: each permission of its own and each role that it
    /// inherits, which it did not have so before, must be theirs without an end, a definition having none. What it
    /// had by inheritance alone counts as new, because that may be taken from it elsewhere.
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

/// Asks that somebody holds all of `pattern`, without an end.
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

/// Asks that somebody has `role` themselves, assigned or inherited, at least until `end`: what a role gives is more
/// than its permissions, since a location can ask for it by name.
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
        None => format!("You do not have {what}."),
        Some(moment) => format!("You have {what} only until {moment}, and cannot give it for longer."),
    };
    Problem::new(Code::PrivilegeEscalation).detail(detail)
}

fn check_bounds(role: &Role) -> Result<(), DefinitionError> {
    if role.permissions.len() > MAX_PERMISSIONS {
        return Err(DefinitionError::TooMany(format!("a role has at most {MAX_PERMISSIONS} permissions")));
    }
    if role.inherits.len() > MAX_PARENTS {
        return Err(DefinitionError::TooMany(format!(
            "a role inherits at most {MAX_PARENTS} others directly"
        )));
    }
    Ok(())
}

/// A name that somebody took who does not know the lock of definitions.
pub(super) fn taken(error: DbError) -> DefinitionError {
    match error.constraint() {
        Some(store::NAME_IS_UNIQUE) => DefinitionError::Exists,
        _ => DefinitionError::Database(error),
    }
}

/// Reads permission patterns, each named by its place when it is none.
pub(super) fn read_permissions(found: &mut Findings, texts: &[String]) -> BTreeSet<Pattern> {
    read_all(found, "permissions", "permission_invalid", texts)
}

/// Reads role names, each named by its place when it is none.
pub(super) fn read_inherits(found: &mut Findings, texts: &[String]) -> BTreeSet<RoleName> {
    read_all(found, "inherits", "role_name_invalid", texts)
}

fn read_all<T: std::str::FromStr<Err: std::fmt::Display> + Ord>(
    found: &mut Findings,
    field: &str,
    code: &'static str,
    texts: &[String],
) -> BTreeSet<T> {
    let mut read = BTreeSet::new();
    for (place, text) in texts.iter().enumerate() {
        match text.parse::<T>() {
            Ok(one) => drop(read.insert(one)),
            Err(why) => found.add(&format!("{field}[{place}]"), code, format!("{why}.")),
        }
    }
    read
}

/// Reads a name for a role.
pub(super) fn read_name(found: &mut Findings, text: &str) -> Option<RoleName> {
    let name = text.parse::<RoleName>();
    name.inspect_err(|why| found.add("name", "role_name_invalid", format!("{why}."))).ok()
}

/// A name for people.
pub(super) fn title(text: &str) -> Result<String, &'static str> {
    words(text, MAX_TITLE, |_| false)
        .ok_or("A title has 1 to 64 characters, none of them a control character.")
}

/// What a role is for; it may have several lines.
pub(super) fn description(text: &str) -> Result<String, &'static str> {
    words(text, MAX_DESCRIPTION, |c| c == '\n')
        .ok_or("A description has 1 to 500 characters, none of them a control character but line ends.")
}

/// Why somebody was given a role.
pub(super) fn reason(text: &str) -> Result<String, &'static str> {
    words(text, MAX_DESCRIPTION, |c| c == '\n')
        .ok_or("A reason has 1 to 500 characters, none of them a control character but line ends.")
}

fn words(text: &str, most: usize, allows: impl Fn(char) -> bool) -> Option<String> {
    let length = text.chars().count();
    let fits = (1..=most).contains(&length) && !text.chars().any(|c| c.is_control() && !allows(c));
    (fits && !text.trim().is_empty()).then(|| text.to_owned())
}

impl From<DefinitionError> for Problem {
    fn from(error: DefinitionError) -> Self {
        let sentence = format!("{error}.");
        match error {
            DefinitionError::Name(_) => {
                Self::new(Code::ValidationFailed).field("name", "role_name_invalid", sentence)
            }
            DefinitionError::Exists => Self::new(Code::RoleExists),
            DefinitionError::Retired(_) => Self::new(Code::RoleNameRetired).detail(sentence),
            DefinitionError::Cycle(_) => Self::new(Code::RoleCycle).detail(sentence),
            DefinitionError::NoParent(_) => {
                Self::new(Code::ValidationFailed).field("inherits", "role_unknown", sentence)
            }
            DefinitionError::TooMany(_) => Self::new(Code::LimitReached).detail(sentence),
            DefinitionError::Database(error) => error.into(),
        }
    }
}
