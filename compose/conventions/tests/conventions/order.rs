//! The order of a crate's modules is the one that ARCHITECTURE.md states.
//!
//! A sentence there such as "Inside `admin`, low to high, without cycles: `a, b < c < d`." names every top-level
//! module of the crate once: each depends only on modules before a `<` to its left.

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;

use crate::arrows::{arrows, module_of};
use crate::modules::{modules_of, trees};
use crate::workspace::{Package, ROOT, packages};

/// Small crates, which need no stated order.
const TOO_SMALL: usize = 4;

#[test]
fn every_module_depends_only_on_lower_ones() {
    let orders = orders();
    let mut wrong = Vec::new();
    for package in packages() {
        let Some(order) = orders.get(&package.name) else { continue };
        let trees = trees(&package);
        let floor = |module: &[String]| order.get(module.first()?).copied();
        for arrow in arrows(&trees) {
            let from = module_of(&trees, &arrow.from).unwrap();
            let to = module_of(&trees, &arrow.to).unwrap();
            // `main.rs` and `lib.rs` may depend on all modules.
            let (Some(above), Some(below)) = (floor(&from), floor(&to)) else { continue };
            if from[0] != to[0] && above <= below {
                wrong.push(arrow.to_string());
            }
        }
    }
    assert!(wrong.is_empty(), "against the order in ARCHITECTURE.md:\n{}", wrong.join("\n"));
}

#[test]
fn every_module_at_the_top_of_a_crate_has_its_place_in_the_order() {
    let mut orders = orders();
    for package in packages() {
        let modules = top_modules(&package);
        match orders.remove(&package.name) {
            Some(order) => {
                let named: BTreeSet<_> = order.into_keys().collect();
                assert_eq!(named, modules, "the order of `{}` in ARCHITECTURE.md", package.name);
            }
            None => assert!(
                modules.len() <= TOO_SMALL,
                "ARCHITECTURE.md states no order of the modules of `{}`: {modules:?}",
                package.name
            ),
        }
    }
    assert!(orders.is_empty(), "ARCHITECTURE.md orders the modules of no crate: {:?}", orders.keys());
}

fn top_modules(package: &Package) -> BTreeSet<String> {
    package.library.iter().chain(&package.programs).flat_map(|root| modules_of(root)).collect()
}

/// The level of each module, by crate.
fn orders() -> BTreeMap<String, BTreeMap<String, usize>> {
    let text = std::fs::read_to_string(ROOT.join("ARCHITECTURE.md")).unwrap();
    let sentence =
        Regex::new(r"Inside\s+`([\w-]+)`,\s+low\s+to\s+high,\s+without\s+cycles:\s+`([^`]+)`").unwrap();
    let mut orders = BTreeMap::new();
    for found in sentence.captures_iter(&text) {
        let mut floors = BTreeMap::new();
        for (floor, group) in found[2].split('<').enumerate() {
            for module in group.split(',').map(str::trim) {
                assert!(
                    floors.insert(module.to_owned(), floor).is_none(),
                    "{module} stands twice in the order"
                );
            }
        }
        assert!(orders.insert(found[1].to_owned(), floors).is_none(), "{} has two orders", &found[1]);
    }
    assert!(!orders.is_empty(), "ARCHITECTURE.md states no order");
    orders
}
