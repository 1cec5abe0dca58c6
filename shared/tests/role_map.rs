//! The role map: what roles reach, and its published form against vectors and by property.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use shared::permission::Pattern;
use shared::role::RoleName;
use shared::role_map::{MAX_BYTES, PublishedRoleMap, Role, RoleMap, RoleMapError};

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Vector {
    name: String,
    published: String,
    epoch: u64,
    version: u64,
    roles: BTreeMap<RoleName, Definition>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Definition {
    permissions: BTreeSet<Pattern>,
    inherits: BTreeSet<RoleName>,
}

fn name(text: &str) -> RoleName {
    text.parse().unwrap()
}

/// Of names, permissions and parents, with spaces between.
fn map(roles: &[(&str, &str, &str)]) -> RoleMap {
    let role = |(role, permissions, inherits): &(&str, &str, &str)| {
        let permissions = permissions.split_whitespace().map(|text| text.parse().unwrap()).collect();
        (name(role), Role { permissions, inherits: inherits.split_whitespace().map(name).collect() })
    };
    roles.iter().map(role).collect()
}

fn any_map() -> impl Strategy<Value = RoleMap> {
    let role = || "[a-f]".prop_map(|text| name(&text));
    let pattern = prop_oneof!["[a-c]:[a-c]", "[a-c]:\\*", "\\*"].prop_map(|text| text.parse().unwrap());
    let permissions = prop::collection::btree_set(pattern, 0..4);
    let inherits = prop::collection::btree_set(role(), 0..4);
    let definition =
        (permissions, inherits).prop_map(|(permissions, inherits)| Role { permissions, inherits });
    prop::collection::vec((role(), definition), 0..6).prop_map(RoleMap::from_iter)
}

#[test]
fn the_published_vectors_hold_both_ways() {
    let vectors: Vec<Vector> = serde_json::from_str(include_str!("vectors/role-map.json")).unwrap();
    for vector in vectors {
        let role = |definition: Definition| Role {
            permissions: definition.permissions,
            inherits: definition.inherits,
        };
        let map = vector.roles.into_iter().map(|(name, definition)| (name, role(definition))).collect();
        let published = PublishedRoleMap { epoch: vector.epoch, version: vector.version, map };
        assert_eq!(String::from_utf8(published.encode()).unwrap(), vector.published, "{}", vector.name);
        assert_eq!(PublishedRoleMap::decode(vector.published.as_bytes()), Ok(published), "{}", vector.name);
    }
}

#[test]
fn a_role_reaches_all_that_it_inherits_and_nothing_else() {
    let map = map(&[
        ("curator", "films:edit", "subscriber"),
        ("subscriber", "films:watch", "viewer gone"),
        ("viewer", "films:list", ""),
        ("root", "*", ""),
    ]);
    let reached = |roles: &[&str]| {
        let roles: Vec<_> = roles.iter().map(|role| name(role)).collect();
        map.reach(&roles).into_iter().map(RoleName::to_string).collect::<Vec<_>>()
    };
    assert_eq!(reached(&["curator"]), ["curator", "subscriber", "viewer"]);
    assert_eq!(reached(&["viewer", "root"]), ["root", "viewer"]);
    assert_eq!(reached(&["gone"]), [""; 0]);
    assert!(map.grants(&[name("curator")], &"films:list".parse().unwrap()));
    assert!(!map.grants(&[name("viewer")], &"films:watch".parse().unwrap()));
    assert!(map.grants(&[name("root")], &"users:delete".parse().unwrap()));
    assert!(!map.grants(&[name("gone")], &"films:list".parse().unwrap()));
}

#[test]
fn roles_in_a_circle_have_each_others_permissions() {
    let map = map(&[("a", "films:a", "b"), ("b", "films:b", "c"), ("c", "films:c", "a c")]);
    for role in ["a", "b", "c"] {
        assert_eq!(map.reach(&[name(role)]).len(), 3);
        assert_eq!(map.permissions(&[name(role)]).len(), 3);
    }
}

#[test]
fn anything_but_a_map_is_refused() {
    let refusal = |text: &str| PublishedRoleMap::decode(text.as_bytes()).unwrap_err();
    let newer = r#"{"format":2,"epoch":1,"version":1,"roles":{"a":[]},"more":1}"#;
    assert_eq!(refusal(newer), RoleMapError::Format(2));
    let role = r#"{"name":"a","permissions":[],"inherits":[]}"#;
    let twice = format!(r#"{{"format":1,"epoch":1,"version":1,"roles":[{role},{role}]}}"#);
    assert_eq!(refusal(&twice), RoleMapError::Repeated(name("a")));
    let malformed = [
        "",
        "[]",
        "{}",
        r#"{"format":1,"epoch":1,"version":1}"#,
        r#"{"format":1,"epoch":1,"version":1,"roles":[],"more":1}"#,
        r#"{"format":1,"epoch":1,"epoch":1,"version":1,"roles":[]}"#,
        r#"{"format":1,"epoch":-1,"version":1,"roles":[]}"#,
        r#"{"format":1,"epoch":1,"version":1,"roles":[]} x"#,
        r#"{"format":1,"epoch":1,"version":1,"roles":[{"name":"A","permissions":[],"inherits":[]}]}"#,
        r#"{"format":1,"epoch":1,"version":1,"roles":[{"name":"a","permissions":["x"],"inherits":[]}]}"#,
        r#"{"format":1,"epoch":1,"version":1,"roles":[{"name":"a","permissions":[],"inherits":["B"]}]}"#,
        r#"{"format":1,"epoch":1,"version":1,"roles":[{"name":"a","permissions":[]}]}"#,
    ];
    for text in malformed {
        assert!(matches!(refusal(text), RoleMapError::Malformed(_)), "{text}");
    }
    let long = vec![b' '; MAX_BYTES + 1];
    assert_eq!(PublishedRoleMap::decode(&long), Err(RoleMapError::TooLong(MAX_BYTES + 1)));
}

proptest! {
    #[test]
    fn every_map_survives_its_bytes(epoch: u64, version: u64, map in any_map()) {
        let published = PublishedRoleMap { epoch, version, map };
        prop_assert_eq!(PublishedRoleMap::decode(&published.encode()), Ok(published));
    }

    #[test]
    fn any_bytes_are_read_or_refused_without_panic(bytes: Vec<u8>) {
        let _any = PublishedRoleMap::decode(&bytes);
    }

    #[test]
    fn bytes_that_were_spoilt_are_read_or_refused_without_panic(
        map in any_map(), at: prop::sample::Index, byte: u8,
    ) {
        let mut bytes = PublishedRoleMap { epoch: 1, version: 1, map }.encode();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let _any = PublishedRoleMap::decode(&bytes);
    }

    #[test]
    fn more_roles_never_reach_less(map in any_map(), some in "[a-f]", more in "[a-f]") {
        let (some, more) = (name(&some), name(&more));
        let both = map.reach([&some, &more]);
        prop_assert!(map.reach([&some]).is_subset(&both));
        for role in &both {
            prop_assert!(map.reach([*role]).is_subset(&both), "what is reached reaches no further");
            let inherits = map.get(role).unwrap().inherits.iter().filter(|name| map.get(name).is_some());
            prop_assert!(inherits.into_iter().all(|parent| both.contains(parent)));
        }
    }
}
