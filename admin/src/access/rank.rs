//! Rank: no user acts on another one, or changes a role, that has a permission of this service which they lack.
//!
//! The permissions of subscribers do not rank: support must be able to help them.

use shared::permission::Pattern;

use super::{Right, Rights};
use crate::api::{Code, Problem};
use crate::config::RankedAreas;

/// Whether `rights` include everything of `patterns` that ranks.
pub(crate) fn includes_rank<'p>(
    rights: &Rights,
    patterns: impl IntoIterator<Item = &'p Pattern>,
    areas: &RankedAreas,
) -> bool {
    patterns.into_iter().flat_map(|pattern| ranking_parts(pattern, areas)).all(|part| rights.may(&part))
}

/// Checks that a caller with `rights` may act on a user with the rights `target`.
///
/// # Errors
///
/// 403 `forbidden`, which does not name what the user holds.
pub(super) fn check_rank(rights: &Rights, target: &Rights, areas: &RankedAreas) -> Result<(), Problem> {
    let refused = |detail| Err(Problem::new(Code::Forbidden).detail(detail).denied());
    if target.is_superuser && !rights.is_superuser {
        refused("Only a superuser may modify a superuser.")
    } else if includes_rank(rights, target.patterns(), areas) {
        Ok(())
    } else {
        refused("The user holds a permission of this service that you do not hold.")
    }
}

/// What of a granted pattern ranks: everything, the permissions of this service, and those of the ranked areas.
fn ranking_parts(pattern: &Pattern, areas: &RankedAreas) -> Vec<Pattern> {
    if *pattern == Pattern::everything() {
        return vec![Pattern::everything()];
    }
    let own = Right::ALL.iter().map(|right| right.pattern()).filter(|right| pattern.covers(right));
    own.chain(areas.covers(pattern).then(|| pattern.clone())).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use shared::role_map::{Role, RoleMap};

    use super::super::rights::{End, Held};
    use super::*;

    fn of(is_superuser: bool, patterns: &[&str]) -> Rights {
        let name: shared::role::RoleName = "r".parse().unwrap();
        let permissions = patterns.iter().map(|text| text.parse().unwrap()).collect();
        let map = RoleMap::from_iter([(name.clone(), Role { permissions, ..Role::default() })]);
        Rights::new(is_superuser, vec![Held { role: name, end: End::Never }], map)
    }

    #[test]
    fn a_permission_of_this_service_ranks_and_no_other() {
        let areas = RankedAreas::parse("billing").unwrap();
        for (mine, theirs, may) in [
            (&["users:write"][..], &["films:watch", "films:*"][..], true),
            (&["users:write"], &["users:write"], true),
            (&["users:write"], &["users:read"], false),
            (&["users:*"], &["users:read", "users:write"], true),
            (&["users:read", "users:write"], &["users:*"], false),
            (&["users:read", "users:write", "users:recover"], &["users:*"], false),
            (
                &["users:read", "users:write", "users:recover", "users:export", "users:erase"],
                &["users:*"],
                true,
            ),
            (&["users:write"], &["users:*"], false),
            (&["users:write"], &["users:unknown"], true),
            (&["users:*", "roles:*", "sessions:*", "audit:*", "authz:*"], &["*"], false),
            (&["*"], &["*", "roles:*"], true),
            (&["users:write"], &["billing:refund"], false),
            (&["users:write", "billing:refund"], &["billing:refund"], true),
            (&["users:write", "billing:refund"], &["billing:*"], false),
            (&["users:write", "billing:*"], &["billing:refund"], true),
        ] {
            let is_allowed = check_rank(&of(false, mine), &of(false, theirs), &areas).is_ok();
            assert_eq!(is_allowed, may, "{mine:?} on {theirs:?}");
            assert!(check_rank(&of(true, &[]), &of(true, theirs), &areas).is_ok());
            assert!(check_rank(&of(false, mine), &of(true, &[]), &areas).is_err());
        }
    }

    proptest! {
        #[test]
        fn everyone_includes_their_own_rank(
            texts in proptest::collection::vec("(users|roles|billing|films):(read|write|\\*)|\\*", 0..5)
        ) {
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            let rights = of(false, &texts);
            prop_assert!(check_rank(&rights, &rights, &RankedAreas::parse("billing").unwrap()).is_ok());
        }
    }
}
