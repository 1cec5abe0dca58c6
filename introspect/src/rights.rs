//! What the roles of a token give by the role map of now.
//!
//! The map changes seldom and a token comes often, so what follows from the two is computed once and remembered
//! with the token, until the map is another. Never a decision: a policy is judged on every request.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwapOption;
use http::HeaderValue;
use shared::permission::{Permission, Permitted};
use shared::role::RoleName;
use shared::role_map::RoleMap;

/// The generation of no map.
const UNKNOWN: u64 = 0;

/// The role map of now, read without a lock; none before the first was read, or while it is not known.
#[derive(Default)]
pub struct Roles {
    edition: ArcSwapOption<Edition>,
    /// Of `edition`, so that comparing it costs one load.
    generation: AtomicU64,
    latest: AtomicU64,
}

/// One map, and which one it is.
struct Edition {
    generation: u64,
    map: RoleMap,
}

/// What the roles of one token give by one map, or by none.
#[derive(Debug)]
pub struct Rights {
    generation: u64,
    /// The token's roles that the map knows and all that they inherit, in order.
    reached: Box<[RoleName]>,
    permitted: Permitted,
    /// `X-User-Roles`: the token's own roles that the map knows, in the order of the token.
    pub header: HeaderValue,
}

impl Roles {
    /// Replaces the map. Only one task may.
    pub fn install(&self, map: RoleMap) {
        let generation = self.latest.fetch_add(1, Ordering::Relaxed) + 1;
        self.edition.store(Some(Arc::new(Edition { generation, map })));
        self.generation.store(generation, Ordering::Release);
    }

    /// From now on nothing is known of any role. Only the same task may.
    pub fn forget(&self) {
        self.generation.store(UNKNOWN, Ordering::Release);
        self.edition.store(None);
    }

    /// What `roles`, those of one token, give by the map of now.
    pub fn rights(&self, roles: &[RoleName]) -> Rights {
        self.edition.load().as_ref().map_or_else(Rights::unknown, |edition| Rights::new(roles, edition))
    }

    /// Whether `rights` were computed by the map of now.
    pub fn are_of_now(&self, rights: &Rights) -> bool {
        rights.generation == self.generation.load(Ordering::Acquire)
    }
}

impl Rights {
    fn new(roles: &[RoleName], edition: &Edition) -> Self {
        let map = &edition.map;
        let own: Vec<_> = roles.iter().filter(|role| map.get(role).is_some()).map(RoleName::as_str).collect();
        Self {
            generation: edition.generation,
            reached: map.reach(roles).into_iter().cloned().collect(),
            permitted: map.permissions(roles).into_iter().collect(),
            header: HeaderValue::try_from(own.join(","))
                .expect("names of roles and commas are visible ASCII"),
        }
    }

    fn unknown() -> Self {
        let header = HeaderValue::from_static("");
        Self { generation: UNKNOWN, reached: Box::default(), permitted: Permitted::default(), header }
    }

    /// Whether there was no map to compute them by.
    pub fn are_unknown(&self) -> bool {
        self.generation == UNKNOWN
    }

    /// Whether one of `roles` is there, assigned or inherited.
    pub fn have_one_of(&self, roles: &[RoleName]) -> bool {
        roles.iter().any(|role| self.reached.binary_search(role).is_ok())
    }

    /// Whether `permission` is there.
    pub fn permit(&self, permission: &Permission) -> bool {
        self.permitted.grants(permission)
    }
}

#[cfg(test)]
mod tests {
    use shared::role_map::Role;

    use super::*;

    fn names(text: &str) -> Vec<RoleName> {
        text.split_whitespace().map(|name| name.parse().unwrap()).collect()
    }

    /// Of names, permissions and parents, with spaces between.
    fn map(roles: &[(&str, &str, &str)]) -> RoleMap {
        let role = |(name, permissions, inherits): &(&str, &str, &str)| {
            let permissions = permissions.split_whitespace().map(|text| text.parse().unwrap()).collect();
            (name.parse().unwrap(), Role { permissions, inherits: names(inherits).into_iter().collect() })
        };
        roles.iter().map(role).collect()
    }

    fn permission(text: &str) -> Permission {
        text.parse().unwrap()
    }

    #[test]
    fn without_a_map_nothing_is_known_and_with_one_what_it_says() {
        let roles = Roles::default();
        let rights = roles.rights(&names("a"));
        assert!(rights.are_unknown() && !rights.have_one_of(&names("a")));
        roles.install(map(&[("a", "films:*", "")]));
        let rights = roles.rights(&names("a b"));
        assert!(
            !rights.are_unknown() && rights.have_one_of(&names("b a")) && !rights.have_one_of(&names("b"))
        );
        assert!(rights.permit(&permission("films:watch")) && !rights.permit(&permission("users:read")));
        assert_eq!(rights.header, "a");
    }

    #[test]
    fn what_is_inherited_counts_and_stays_out_of_the_header() {
        let roles = Roles::default();
        roles.install(map(&[("c", "", "b"), ("b", "", "a"), ("a", "films:watch", "c")]));
        let rights = roles.rights(&names("c"));
        assert!(rights.have_one_of(&names("a")) && rights.permit(&permission("films:watch")));
        assert_eq!(rights.header, "c");
    }

    #[test]
    fn rights_are_of_now_until_the_map_is_another() {
        let roles = Roles::default();
        let none = roles.rights(&names("a"));
        assert!(roles.are_of_now(&none));
        roles.install(map(&[("a", "films:watch", "")]));
        let first = roles.rights(&names("a"));
        assert!(roles.are_of_now(&first) && !roles.are_of_now(&none));
        roles.forget();
        assert!(roles.are_of_now(&none) && !roles.are_of_now(&first));
        roles.install(map(&[("a", "films:watch", "")]));
        assert!(!roles.are_of_now(&none) && !roles.are_of_now(&first));
    }
}
