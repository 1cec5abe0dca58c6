//! Permissions, and the patterns by which roles grant them.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::role::is_name;

/// The wildcard: all areas, or all actions of one.
const ANY: &str = "*";

/// One action, `area:action`, as a policy requires it. Each part is `[a-z][a-z0-9_-]{0,31}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Permission(Box<str>);

/// A grant of a role: everything `*`, an area `area:*`, or one action `area:action`.
///
/// Ordered by its text, as in all lists.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pattern(Box<str>);

/// Everything that several patterns grant.
///
/// A permission is looked up in sorted lists, so that the cost hardly grows with the number of patterns.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Permitted {
    everything: bool,
    /// The whole areas, in order.
    areas: Box<[Box<str>]>,
    /// The single actions with their areas, in order.
    actions: Box<[Box<str>]>,
}

/// The text is not a permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be a permission such as films:watch: area and action, each 1 to 32 of a-z, 0-9, _ and -, beginning with a letter"
)]
pub struct NotAPermission;

/// The text is not a pattern of permissions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be an action such as films:watch, a whole area such as films:*, or * for everything")]
pub struct NotAPattern;

impl Permission {
    /// The text itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part before the colon.
    pub fn area(&self) -> &str {
        self.0.split_once(':').map_or(&*self.0, |(area, _)| area)
    }
}

impl Pattern {
    /// The pattern that covers all others.
    pub fn everything() -> Self {
        Self(ANY.into())
    }

    /// The text itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it grants `permission`.
    pub fn grants(&self, permission: &Permission) -> bool {
        self.reaches(&permission.0)
    }

    /// Whether it grants everything that `other` grants.
    pub fn covers(&self, other: &Self) -> bool {
        self.reaches(&other.0)
    }

    /// An area is compared with its colon, so that `film:*` does not grant `films:watch`.
    fn reaches(&self, text: &str) -> bool {
        let whole_area = self.0.strip_suffix(ANY).is_some_and(|area| text.starts_with(area));
        whole_area || *self.0 == *text
    }
}

impl Permitted {
    /// Whether one of the patterns grants `permission`. Does not allocate.
    pub fn grants(&self, permission: &Permission) -> bool {
        let among = |texts: &[Box<str>], text: &str| texts.binary_search_by(|one| (**one).cmp(text)).is_ok();
        self.everything
            || among(&self.actions, &permission.0)
            || (!self.areas.is_empty() && among(&self.areas, permission.area()))
    }
}

impl<'p> FromIterator<&'p Pattern> for Permitted {
    fn from_iter<I: IntoIterator<Item = &'p Pattern>>(patterns: I) -> Self {
        let (mut everything, mut areas, mut actions) = (false, BTreeSet::new(), BTreeSet::new());
        for pattern in patterns {
            match pattern.0.split_once(':') {
                None => everything = true,
                Some((area, ANY)) => drop(areas.insert(area)),
                Some(_) => drop(actions.insert(&*pattern.0)),
            }
        }
        let boxed = |texts: BTreeSet<&str>| texts.into_iter().map(Box::from).collect();
        Self { everything, areas: boxed(areas), actions: boxed(actions) }
    }
}

impl FromStr for Permission {
    type Err = NotAPermission;

    fn from_str(text: &str) -> Result<Self, NotAPermission> {
        let (area, action) = text.split_once(':').ok_or(NotAPermission)?;
        if is_name(area) && is_name(action) { Ok(Self(text.into())) } else { Err(NotAPermission) }
    }
}

impl FromStr for Pattern {
    type Err = NotAPattern;

    fn from_str(text: &str) -> Result<Self, NotAPattern> {
        let fits = match text.split_once(':') {
            Some((area, action)) => is_name(area) && (action == ANY || is_name(action)),
            None => text == ANY,
        };
        if fits { Ok(Self(text.into())) } else { Err(NotAPattern) }
    }
}

impl From<Permission> for Pattern {
    fn from(permission: Permission) -> Self {
        Self(permission.0)
    }
}

impl TryFrom<String> for Permission {
    type Error = NotAPermission;

    fn try_from(text: String) -> Result<Self, NotAPermission> {
        text.parse()
    }
}

impl TryFrom<String> for Pattern {
    type Error = NotAPattern;

    fn try_from(text: String) -> Result<Self, NotAPattern> {
        text.parse()
    }
}

impl From<Permission> for String {
    fn from(permission: Permission) -> Self {
        permission.0.into()
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> Self {
        pattern.0.into()
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pattern(text: &str) -> Pattern {
        text.parse().unwrap()
    }

    fn permissions() -> impl Strategy<Value = Permission> {
        "[a-c]{1,2}:[a-c]{1,2}".prop_map(|text| text.parse().unwrap())
    }

    fn patterns() -> impl Strategy<Value = Pattern> {
        prop_oneof!["[a-c]{1,2}:[a-c]{1,2}", "[a-c]{1,2}:\\*", "\\*"].prop_map(|text| text.parse().unwrap())
    }

    #[test]
    fn permissions_and_patterns_follow_their_grammars() {
        for valid in ["films:watch", "a:b", "x-1:y_2", &format!("{0}:{0}", "a".repeat(32))] {
            assert!(valid.parse::<Permission>().is_ok(), "{valid}");
            assert!(valid.parse::<Pattern>().is_ok(), "{valid}");
        }
        for wide in ["*", "films:*"] {
            assert!(wide.parse::<Permission>().is_err(), "{wide}");
            assert!(wide.parse::<Pattern>().is_ok(), "{wide}");
        }
        let long = format!("a:{}", "a".repeat(33));
        let bad =
            ["", ":", "films", "films:", ":watch", "*:watch", "*:*", "films:w*", "films:watch:all", "**"];
        for bad in bad.into_iter().chain(["Films:watch", "films: watch", "films:watch\n", "films:*:*", &long])
        {
            assert!(bad.parse::<Permission>().is_err(), "{bad}");
            assert!(bad.parse::<Pattern>().is_err(), "{bad}");
        }
    }

    #[test]
    fn an_area_reaches_its_own_actions_alone() {
        let watch = "films:watch".parse().unwrap();
        for wide in ["*", "films:*", "films:watch"] {
            assert!(pattern(wide).grants(&watch), "{wide}");
        }
        for other in ["film:*", "filmss:*", "films:rate", "films:watc", "users:*"] {
            assert!(!pattern(other).grants(&watch), "{other}");
        }
        assert!(pattern("*").covers(&pattern("films:*")));
        assert!(!pattern("films:*").covers(&pattern("*")));
        assert!(!pattern("films:watch").covers(&pattern("films:*")));
    }

    #[test]
    fn an_area_that_begins_like_another_is_not_found_for_it() {
        let permitted: Permitted =
            [pattern("film:*"), pattern("films-x:*"), pattern("films:list")].iter().collect();
        for (text, granted) in
            [("film:list", true), ("films:list", true), ("films:watch", false), ("f:x", false)]
        {
            assert_eq!(permitted.grants(&text.parse().unwrap()), granted, "{text}");
        }
        assert!(!Permitted::default().grants(&"films:list".parse().unwrap()));
    }

    proptest! {
        #[test]
        fn a_lookup_grants_what_one_of_the_patterns_grants(
            patterns in proptest::collection::vec(patterns(), 0..12), permission in permissions(),
        ) {
            let permitted: Permitted = patterns.iter().collect();
            let granted = patterns.iter().any(|pattern| pattern.grants(&permission));
            prop_assert_eq!(permitted.grants(&permission), granted);
        }

        #[test]
        fn without_the_one_that_permits_everything_look_ups_and_patterns_agree_as_well(
            patterns in proptest::collection::vec("[a-c_-]{1,3}:([a-c_-]{1,2}|\\*)", 0..12),
            permission in "[a-c][a-c_-]{0,2}:[a-c][a-c_-]?",
        ) {
            let patterns: Vec<Pattern> = patterns.iter().filter_map(|text| text.parse().ok()).collect();
            let permission: Permission = permission.parse().unwrap();
            let permitted: Permitted = patterns.iter().collect();
            let granted = patterns.iter().any(|pattern| pattern.grants(&permission));
            prop_assert_eq!(permitted.grants(&permission), granted);
            prop_assert_eq!(permission.as_str().split(':').next(), Some(permission.area()));
        }

        #[test]
        fn a_covering_pattern_grants_all_that_the_covered_one_grants(
            wide in patterns(), narrow in patterns(), permission in permissions(),
        ) {
            if wide.covers(&narrow) && narrow.grants(&permission) {
                prop_assert!(wide.grants(&permission));
            }
            prop_assert!(wide.covers(&wide));
        }

        #[test]
        fn as_a_pattern_a_permission_grants_itself_alone(one in permissions(), other in permissions()) {
            prop_assert_eq!(Pattern::from(one.clone()).grants(&other), one == other);
        }

        #[test]
        fn any_text_is_read_or_refused_and_survives(text in "([a-z*:_-]{0,8}|\\PC{0,8})") {
            if let Ok(permission) = text.parse::<Permission>() {
                prop_assert!(text.parse::<Pattern>().is_ok());
                prop_assert_eq!(permission.to_string(), text.clone());
            }
            if let Ok(pattern) = text.parse::<Pattern>() {
                prop_assert_eq!(pattern.to_string(), text);
            }
        }
    }
}
