//! What the roles of a token give by the role map of now.
//!
//! The map changes seldom and a token comes often, so what follows from the two is computed once and remembered
//! with the token, until the map is another. Many tokens have the same roles, so they share it. Never a decision: a
//! policy is judged on every request.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwapOption;
use http::HeaderValue;
use moka::sync::Cache;
use shared::permission::{Permission, Permitted};
use shared::role::RoleName;
use shared::role_map::RoleMap;

/// The generation of no map.
const UNKNOWN: u64 = 0;

/// How many lists of roles are remembered by one map; people have a handful. Of a list beyond them each token has
/// its rights for itself.
const MAX_LISTS: u64 = 4096;

/// The role map of now, read without a lock; none before the first was read, or while it is not known.
#[derive(Default)]
pub struct Roles {
    edition: ArcSwapOption<Edition>,
    /// Of `edition`, so that comparing it costs one load.
    generation: AtomicU64,
    latest: AtomicU64,
    /// What every token has without a map.
    unknown: Arc<Rights>,
}

/// One map, which one it is, and what was computed by it.
struct Edition {
    generation: u64,
    map: RoleMap,
    /// By lists of roles, as tokens have them. What is forgotten here is computed again.
    rights: Cache<Vec<RoleName>, Arc<Rights>>,
}

/// What one list of roles gives by one map, or by none.
#[derive(Debug)]
pub struct Rights {
    generation: u64,
    /// The roles that the map knows and all that they inherit, in order.
    reached: Box<[RoleName]>,
    permitted: Permitted,
    /// `X-User-Roles`: the token's own roles that the map knows, in their order.
    pub header: HeaderValue,
}

impl Roles {
    /// Replaces the map. Only one task may.
    pub fn install(&self, map: RoleMap) {
        let generation = self.latest.fetch_add(1, Ordering::Relaxed) + 1;
        self.edition.store(Some(Arc::new(Edition { generation, map, rights: Cache::new(MAX_LISTS) })));
        self.generation.store(generation, Ordering::Release);
    }

    /// From now on nothing is known of any role. Only the same task may.
    pub fn forget(&self) {
        self.generation.store(UNKNOWN, Ordering::Release);
        self.edition.store(None);
    }

    /// What `roles`, those of one token, give by the map of now.
    pub fn rights(&self, roles: &[RoleName]) -> Arc<Rights> {
        match &*self.edition.load() {
            Some(edition) => edition.rights(roles),
            None => Arc::clone(&self.unknown),
        }
    }

    /// Whether `rights` were computed by the map of now.
    pub fn are_of_now(&self, rights: &Rights) -> bool {
        rights.generation == self.generation.load(Ordering::Acquire)
    }
}

impl Edition {
    fn rights(&self, roles: &[RoleName]) -> Arc<Rights> {
        self.rights.get_with_by_ref(roles, || Arc::new(Rights::new(roles, self)))
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

impl Default for Rights {
    /// What is known without a map.
    fn default() -> Self {
        let header = HeaderValue::from_static("");
        Self { generation: UNKNOWN, reached: Box::default(), permitted: Permitted::default(), header }
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
    #[test]
    fn tokens_with_the_same_roles_share_what_these_give_until_the_map_is_another() {
        let roles = Roles::default();
        assert!(Arc::ptr_eq(&roles.rights(&names("a")), &roles.rights(&names("b"))));
        roles.install(map(&[("a", "films:watch", ""), ("b", "", "")]));
        let first = roles.rights(&names("a"));
        assert!(Arc::ptr_eq(&first, &roles.rights(&names("a"))));
        // Another list is another, even where it gives as much.
        for other in ["a b", "b a", "a ghost"] {
            assert!(!Arc::ptr_eq(&first, &roles.rights(&names(other))), "{other}");
        }
        roles.install(map(&[("a", "", "")]));
        let second = roles.rights(&names("a"));
        assert!(first.permit(&permission("films:watch")) && !second.permit(&permission("films:watch")));
    }

    #[test]
    fn lists_of_roles_beyond_the_bound_give_what_they_give_and_are_not_kept() {
        let roles = Roles::default();
        roles.install(map(&[("a", "films:watch", "")]));
        for number in 0..MAX_LISTS + 500 {
            let rights = roles.rights(&names(&format!("a x{number}")));
            assert!(rights.permit(&permission("films:watch")));
            assert_eq!(rights.header, "a");
        }
        let edition = roles.edition.load_full().unwrap();
        edition.rights.run_pending_tasks();
        assert!(edition.rights.entry_count() <= MAX_LISTS);
    }
}
