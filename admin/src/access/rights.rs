//! The rights of a user: the roles, what they inherit, and the resulting permissions.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use jiff::Timestamp;
use shared::permission::{Pattern, Permission};
use shared::role::RoleName;
use shared::role_map::RoleMap;

use super::Right;
use crate::api::Problem;

/// A moment, or never. A later moment is greater, and never is the greatest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum End {
    At(Timestamp),
    Never,
}

/// A role that a user has, and when it expires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) role: RoleName,
    pub(crate) end: End,
}

/// The rights of a user at one moment.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rights {
    /// Whether the user is a superuser.
    pub(crate) is_superuser: bool,
    /// The user's roles by name, each with what it grants.
    held: Vec<Given>,
    /// The definitions of these roles and of all roles that they inherit.
    map: RoleMap,
}

/// The grants of one role of a user.
#[derive(Debug, Clone)]
struct Given {
    held: Held,
    roles: BTreeSet<RoleName>,
    patterns: BTreeSet<Pattern>,
}

/// One path from a user to a permission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Path {
    /// The assigned role.
    pub(crate) held: Held,
    /// The chain of inherited roles from the assigned role to the role with the pattern; empty when the
    /// assigned role has it directly.
    pub(crate) inherited: Vec<RoleName>,
    /// The pattern that grants the permission.
    pub(crate) pattern: Pattern,
}

impl End {
    /// Reads a stored moment; null is never.
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
    /// The rights of a user with the roles `held`. `map` defines these roles and all that they inherit.
    pub(super) fn new(is_superuser: bool, held: Vec<Held>, map: RoleMap) -> Self {
        let given = |held: Held| Given {
            roles: map.reach([&held.role]).into_iter().cloned().collect(),
            patterns: map.permissions([&held.role]).into_iter().cloned().collect(),
            held,
        };
        Self { is_superuser, held: held.into_iter().map(given).collect(), map }
    }

    /// The rights of a command and of the service itself, which may do everything.
    pub(super) fn of_an_operator() -> Self {
        Self { is_superuser: true, ..Self::default() }
    }

    /// Whether an endpoint that requires `right` accepts this user.
    pub(crate) fn has(&self, right: Right) -> bool {
        self.is_superuser || self.may(&right.pattern())
    }

    /// Requires `right`.
    ///
    /// # Errors
    ///
    /// 403 `forbidden` without it.
    pub(crate) fn require(&self, right: Right) -> Result<(), Problem> {
        if self.has(right) { Ok(()) } else { Err(right.missing()) }
    }

    /// Whether they grant all of `pattern`: one permission, or a whole area.
    pub(crate) fn may(&self, pattern: &Pattern) -> bool {
        self.may_until(pattern).is_some()
    }

    /// Until when they grant all of `pattern`; `None` when they do not.
    pub(crate) fn may_until(&self, pattern: &Pattern) -> Option<End> {
        if self.is_superuser {
            return Some(End::Never);
        }
        let forms = covering(pattern);
        let holds = |given: &&Given| forms.iter().any(|form| given.patterns.contains(form));
        self.held.iter().filter(holds).map(|given| given.held.end).max()
    }

    /// Until when they include `role`, assigned or inherited; `None` when they do not. A superuser may grant
    /// every role, although nginx does not accept a superuser in place of a role.
    pub(crate) fn has_role_until(&self, role: &RoleName) -> Option<End> {
        let has = |given: &&Given| given.roles.contains(role);
        let assigned = self.held.iter().filter(has).map(|given| given.held.end).max();
        assigned.max(self.may_until(&Pattern::everything()))
    }

    /// All granted patterns; one may appear more than once.
    pub(super) fn patterns(&self) -> impl Iterator<Item = &Pattern> {
        self.held.iter().flat_map(|given| &given.patterns)
    }

    /// All granted patterns, each with its latest expiry. A pattern covered by another one that lasts at
    /// least as long is left out.
    pub(crate) fn effective(&self) -> Vec<(Pattern, End)> {
        let mut ends: BTreeMap<Pattern, End> = BTreeMap::new();
        for given in &self.held {
            for pattern in &given.patterns {
                let end = ends.entry(pattern.clone()).or_insert(given.held.end);
                *end = given.held.end.max(*end);
            }
        }
        let lasts = |wider: &Pattern, end: End| ends.get(wider).is_some_and(|until| *until >= end);
        let is_part = |pattern: &Pattern, end: End| {
            covering(pattern).iter().any(|wider| wider != pattern && lasts(wider, end))
        };
        ends.iter().filter(|(pattern, end)| !is_part(pattern, **end)).map(|(p, e)| (p.clone(), *e)).collect()
    }

    /// All paths to `permission`: the shortest one for each assigned role and each pattern that grants it.
    pub(crate) fn paths(&self, permission: &Permission) -> Vec<Path> {
        self.held.iter().flat_map(|given| self.paths_of(&given.held, permission)).collect()
    }

    fn paths_of(&self, held: &Held, permission: &Permission) -> Vec<Path> {
        let mut paths: BTreeMap<Pattern, Path> = BTreeMap::new();
        let mut seen = vec![held.role.clone()];
        let mut next = VecDeque::from([(held.role.clone(), Vec::new())]);
        // Breadth first: the first path found to a pattern is a shortest one.
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

/// The patterns that cover `pattern`: everything, its area, and itself.
fn covering(pattern: &Pattern) -> Vec<Pattern> {
    let area = pattern.as_str().split_once(':').and_then(|(area, _)| format!("{area}:*").parse().ok());
    [Some(Pattern::everything()), area, Some(pattern.clone())].into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn patterns() -> impl Strategy<Value = Pattern> {
        prop_oneof!["[ab]:[ab]", "[ab]:\\*", "\\*"].prop_map(|text| text.parse().unwrap())
    }

    proptest! {
        #[test]
        fn the_forms_that_cover_a_pattern_are_those_that_say_so(one in patterns(), other in patterns()) {
            prop_assert_eq!(covering(&one).contains(&other), other.covers(&one));
        }
    }
}
