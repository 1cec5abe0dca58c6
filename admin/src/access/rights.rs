//! What somebody may do: their roles, what these inherit, and the permissions that follow.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;
use shared::permission::{Pattern, Permission};
use shared::role::RoleName;
use shared::role_map::RoleMap;

use super::Right;
use crate::api::{Code, Problem};

/// A moment, or never. The later is the greater, and never is the greatest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum End {
    At(Timestamp),
    Never,
}

/// A role that somebody has, and until when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) role: RoleName,
    pub(crate) end: End,
}

/// What somebody may do at one moment.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rights {
    /// Whether they may do everything.
    pub(crate) is_superuser: bool,
    /// By name.
    pub(crate) held: Vec<Held>,
    /// The definitions of these roles, and of all that they inherit.
    pub(crate) map: RoleMap,
}

/// One way in which somebody comes to a permission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Path {
    /// The role that was assigned.
    pub(crate) held: Held,
    /// From what that role inherits to the role that has the pattern; empty when it has it itself.
    pub(crate) inherited: Vec<RoleName>,
    /// What grants the permission.
    pub(crate) pattern: Pattern,
}

impl End {
    /// The end that a stored moment is; none is never.
    pub(crate) fn of(moment: Option<Timestamp>) -> Self {
        moment.map_or(Self::Never, Self::At)
    }

    /// The moment; `None` for never.
    pub(crate) fn moment(self) -> Option<Timestamp> {
        match self {
            Self::At(moment) => Some(moment),
            Self::Never => None,
        }
    }
}

impl Rights {
    /// Whether an endpoint that asks for `right` lets them in.
    pub(crate) fn has(&self, right: Right) -> bool {
        self.is_superuser || self.may(&right.pattern())
    }

    /// Asks for `right`.
    ///
    /// # Errors
    ///
    /// 403 `forbidden` without it.
    pub(crate) fn require(&self, right: Right) -> Result<(), Problem> {
        if self.has(right) { Ok(()) } else { Err(Problem::new(Code::Forbidden)) }
    }

    /// Whether they hold all of `pattern`: a permission, or a whole area.
    pub(crate) fn may(&self, pattern: &Pattern) -> bool {
        self.may_until(pattern).is_some()
    }

    /// Until when they hold all of `pattern`; `None` when they do not.
    pub(crate) fn may_until(&self, pattern: &Pattern) -> Option<End> {
        if self.is_superuser {
            return Some(End::Never);
        }
        let holds =
            |held: &&Held| self.map.permissions([&held.role]).iter().any(|granted| granted.covers(pattern));
        self.held.iter().filter(holds).map(|held| held.end).max()
    }

    /// Until when they have `role`, assigned or inherited; `None` when they do not. Whoever holds everything has
    /// every role to give, though no location lets them in for it.
    pub(crate) fn has_role_until(&self, role: &RoleName) -> Option<End> {
        let has = |held: &&Held| self.map.reach([&held.role]).contains(role);
        let assigned = self.held.iter().filter(has).map(|held| held.end).max();
        assigned.max(self.may_until(&Pattern::everything()))
    }

    /// Everything that they hold, and until when: by pattern, each with its latest end. What is part of another
    /// that lasts as long is left out.
    pub(crate) fn effective(&self) -> Vec<(Pattern, End)> {
        let mut ends: BTreeMap<Pattern, End> = BTreeMap::new();
        for held in &self.held {
            for pattern in self.map.permissions([&held.role]) {
                let end = ends.entry(pattern.clone()).or_insert(held.end);
                *end = held.end.max(*end);
            }
        }
        let is_part = |pattern: &Pattern, end: End| {
            ends.iter().any(|(other, until)| other != pattern && *until >= end && other.covers(pattern))
        };
        ends.iter().filter(|(pattern, end)| !is_part(pattern, **end)).map(|(p, e)| (p.clone(), *e)).collect()
    }

    /// Every way to `permission`: for each assigned role and each pattern that grants it, the shortest.
    pub(crate) fn paths(&self, permission: &Permission) -> Vec<Path> {
        self.held.iter().flat_map(|held| self.paths_of(held, permission)).collect()
    }

    fn paths_of(&self, held: &Held, permission: &Permission) -> Vec<Path> {
        let mut paths: BTreeMap<Pattern, Path> = BTreeMap::new();
        let mut seen = vec![held.role.clone()];
        let mut next = VecDeque::from([(held.role.clone(), Vec::new())]);
        // Breadth first: the first way to a pattern is a shortest one.
        while let Some((name, inherited)) = next.pop_front() {
            let Some(role) = self.map.get(&name) else { continue };
            for pattern in role.permissions.iter().filter(|pattern| pattern.grants(permission)) {
                let path =
                    || Path { held: held.clone(), inherited: inherited.clone(), pattern: pattern.clone() };
                paths.entry(pattern.clone()).or_insert_with(path);
            }
            for parent in &role.inherits {
                if !seen.contains(parent) {
                    seen.push(parent.clone());
                    next.push_back((
                        parent.clone(),
                        [inherited.as_slice(), std::slice::from_ref(parent)].concat(),
                    ));
                }
            }
        }
        paths.into_values().collect()
    }
}
