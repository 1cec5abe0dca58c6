//! The rights of a token's roles under the current role map.
//!
//! The role map changes rarely and tokens arrive often, so the rights are computed once and kept with the token
//! until the map changes. Many tokens have the same roles and share them. A decision is never kept: a policy is
//! checked on every request.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwapOption;
use http::HeaderValue;
use moka::sync::Cache;
use shared::permission::{Permission, Permitted};
use shared::role::RoleName;
use shared::role_map::RoleMap;

/// The generation while there is no map.
const UNKNOWN: u64 = 0;

/// How many lists of roles are cached for one map; a site has a handful. When the cache is full, each further
/// token has its own copy of the rights.
const MAX_LISTS: u64 = 4096;

/// The current role map, read without a lock; none before the first was read, or while it is unknown.
#[derive(Default)]
pub struct CurrentRoleMap {
    installed: ArcSwapOption<InstalledMap>,
    /// The generation of `installed`, so that comparing it costs one load.
    generation: AtomicU64,
    latest: AtomicU64,
    /// The rights of every token without a map.
    unknown: Arc<TokenRights>,
}

/// One map, its number in this process, and the rights computed from it.
struct InstalledMap {
    generation: u64,
    map: RoleMap,
    /// By list of roles, as tokens have them. An entry that was dropped is computed again.
    rights: Cache<Vec<RoleName>, Arc<TokenRights>>,
}

/// The rights of one list of roles under one map, or without a map.
#[derive(Debug)]
pub struct TokenRights {
    generation: u64,
    /// The roles that the map knows and all that they inherit, in order.
    reached: Box<[RoleName]>,
    permitted: Permitted,
    /// `X-User-Roles`: the token's own roles that the map knows, in their order.
    pub header: HeaderValue,
}

impl CurrentRoleMap {
    /// Replaces the map. Only one task may call it.
    pub fn install(&self, map: RoleMap) {
        let generation = self.latest.fetch_add(1, Ordering::Relaxed) + 1;
        self.installed.store(Some(Arc::new(InstalledMap { generation, map, rights: Cache::new(MAX_LISTS) })));
        self.generation.store(generation, Ordering::Release);
    }

    /// Drops the map: from now on no role is known. Only the same task may call it.
    pub fn forget(&self) {
        self.generation.store(UNKNOWN, Ordering::Release);
        self.installed.store(None);
    }

    /// Whether there is a map.
    pub fn is_known(&self) -> bool {
        self.generation.load(Ordering::Acquire) != UNKNOWN
    }

    /// The rights of `roles`, the roles of one token, under the current map.
    pub fn rights(&self, roles: &[RoleName]) -> Arc<TokenRights> {
        match &*self.installed.load() {
            Some(installed) => installed.rights(roles),
            None => Arc::clone(&self.unknown),
        }
    }

    /// Whether `rights` were computed from the current map.
    pub fn are_current(&self, rights: &TokenRights) -> bool {
        rights.generation == self.generation.load(Ordering::Acquire)
    }
}

impl InstalledMap {
    fn rights(&self, roles: &[RoleName]) -> Arc<TokenRights> {
        self.rights.get_with_by_ref(roles, || Arc::new(TokenRights::new(roles, self)))
    }
}

impl TokenRights {
    fn new(roles: &[RoleName], installed: &InstalledMap) -> Self {
        let map = &installed.map;
        let own: Vec<_> = roles.iter().filter(|role| map.get(role).is_some()).map(RoleName::as_str).collect();
        Self {
            generation: installed.generation,
            reached: map.reach(roles).into_iter().cloned().collect(),
            permitted: map.permissions(roles).into_iter().collect(),
            header: HeaderValue::try_from(own.join(","))
                .expect("names of roles and commas are visible ASCII"),
        }
    }

    /// Whether there was no map when they were computed.
    pub fn are_unknown(&self) -> bool {
        self.generation == UNKNOWN
    }

    /// Whether they include one of `roles`, assigned or inherited.
    pub fn have_one_of(&self, roles: &[RoleName]) -> bool {
        roles.iter().any(|role| self.reached.binary_search(role).is_ok())
    }

    /// Whether they include `permission`.
    pub fn permit(&self, permission: &Permission) -> bool {
        self.permitted.grants(permission)
    }
}

impl Default for TokenRights {
    /// The rights without a map.
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

    /// A map from a text of names, permissions and parents, separated by spaces.
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
        let roles = CurrentRoleMap::default();
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
    fn inherited_roles_count_but_are_not_in_the_header() {
        let roles = CurrentRoleMap::default();
        roles.install(map(&[("c", "", "b"), ("b", "", "a"), ("a", "films:watch", "c")]));
        let rights = roles.rights(&names("c"));
        assert!(rights.have_one_of(&names("a")) && rights.permit(&permission("films:watch")));
        assert_eq!(rights.header, "c");
    }

    #[test]
    fn rights_are_current_until_the_map_changes() {
        let roles = CurrentRoleMap::default();
        let none = roles.rights(&names("a"));
        assert!(roles.are_current(&none));
        roles.install(map(&[("a", "films:watch", "")]));
        let first = roles.rights(&names("a"));
        assert!(roles.are_current(&first) && !roles.are_current(&none));
        roles.forget();
        assert!(roles.are_current(&none) && !roles.are_current(&first));
        roles.install(map(&[("a", "films:watch", "")]));
        assert!(!roles.are_current(&none) && !roles.are_current(&first));
    }
    #[test]
    fn tokens_with_the_same_roles_share_rights_until_the_map_changes() {
        let roles = CurrentRoleMap::default();
        assert!(Arc::ptr_eq(&roles.rights(&names("a")), &roles.rights(&names("b"))));
        roles.install(map(&[("a", "films:watch", ""), ("b", "", "")]));
        let first = roles.rights(&names("a"));
        assert!(Arc::ptr_eq(&first, &roles.rights(&names("a"))));
        // Another list of roles is another entry, even with the same rights.
        for other in ["a b", "b a", "a ghost"] {
            assert!(!Arc::ptr_eq(&first, &roles.rights(&names(other))), "{other}");
        }
        roles.install(map(&[("a", "", "")]));
        let second = roles.rights(&names("a"));
        assert!(first.permit(&permission("films:watch")) && !second.permit(&permission("films:watch")));
    }

    #[test]
    fn lists_of_roles_beyond_the_limit_have_rights_but_are_not_cached() {
        let roles = CurrentRoleMap::default();
        roles.install(map(&[("a", "films:watch", "")]));
        for number in 0..MAX_LISTS + 500 {
            let rights = roles.rights(&names(&format!("a x{number}")));
            assert!(rights.permit(&permission("films:watch")));
            assert_eq!(rights.header, "a");
        }
        let installed = roles.installed.load_full().unwrap();
        installed.rights.run_pending_tasks();
        assert!(installed.rights.entry_count() <= MAX_LISTS);
    }
}
