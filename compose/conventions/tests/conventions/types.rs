//! One search for the name of a type finds one type: no crate defines a name twice, and neither do two crates of the
//! shipped programs.

use std::collections::{BTreeMap, BTreeSet};

use crate::code::{TypeName, read};
use crate::modules::trees;
use crate::workspace::{Package, packages, shown};

/// The crates of the shipped programs, between which a name is defined once too.
const SHIPPED: &[&str] = &["shared", "runtime", "introspect", "lint", "admin"];

/// A name that a crate may define more than once, each time privately.
const IN_EACH_ENDPOINT: &[(&str, &str)] = &[("admin", "Body")]; // the request body of the endpoint of its file

/// Names that each program may have, and why.
const IN_EACH_PROGRAM: &[(&str, &str)] = &[
    ("App", "The assembled program, which its `main` builds and runs."),
    ("Command", "The command line, of which every program has one."),
    ("Config", "The configuration, which every program reads at its start."),
    ("Metrics", "The metrics, of which every program has one set."),
    ("RunError", "Why the assembled program could not run; it belongs to `App`."),
];

/// A type and its place.
struct Definition {
    package: String,
    place: String,
    name: TypeName,
}

#[test]
fn the_name_of_a_type_is_defined_once() {
    let all: Vec<Definition> = packages().iter().flat_map(definitions).collect();
    let mut wrong = Vec::new();
    for package in packages() {
        let own = all.iter().filter(|definition| definition.package == package.name);
        wrong.extend(repeated_within(&package.name, own));
    }
    wrong.extend(repeated_between(all.iter().filter(|definition| SHIPPED.contains(&&*definition.package))));
    assert!(wrong.is_empty(), "one name, several types:\n{}", wrong.join("\n"));
}

/// The names that a crate defines more than once.
fn repeated_within<'d>(package: &str, own: impl Iterator<Item = &'d Definition>) -> Vec<String> {
    let mut wrong = Vec::new();
    for (name, same) in by_name(own) {
        let may_be = IN_EACH_ENDPOINT.contains(&(package, name))
            && same.iter().all(|definition| definition.name.is_private);
        if same.len() > 1 && !may_be {
            wrong.push(places(name, &same));
        }
    }
    wrong
}

/// The names that several crates define, and the exceptions that are not needed.
fn repeated_between<'d>(all: impl Iterator<Item = &'d Definition>) -> Vec<String> {
    let mut unneeded: BTreeSet<&str> = IN_EACH_PROGRAM.iter().map(|(name, _)| *name).collect();
    let mut wrong = Vec::new();
    for (name, same) in by_name(all) {
        let is_shared = same.iter().any(|definition| definition.package != same[0].package);
        if is_shared && !unneeded.remove(name) {
            wrong.push(places(name, &same));
        }
    }
    wrong.extend(unneeded.into_iter().map(|name| format!("{name}: an exception without need")));
    wrong
}

#[test]
fn types_are_found_in_items_functions_and_macros() {
    let source = r#"
        pub(crate) struct One;
        enum Two {}
        fn f() { type Three = u8; }
        mod inner { trait Four { type Associated; } }
        macro_rules! five { ($($name:ident),*) => { pub enum Five { $($name),* } }; }
        text_type!(
            /// A text.
            pub(crate) Six, parse
        );
        labels! { /// A label.
            Seven { Variant = "variant", } }
        #[cfg(test)]
        mod tests { struct OfTests; }
    "#;
    let code = read(&Vec::new(), &syn::parse_file(source).unwrap());
    let names: Vec<_> = code.types.iter().map(|found| (&*found.name, found.is_private)).collect();
    let expected = ["One", "Two", "Three", "Four", "Five", "Six", "Seven"];
    assert_eq!(names, expected.map(|name| (name, name != "One")));
}

/// Every type of a crate, without those of tests.
fn definitions(package: &Package) -> Vec<Definition> {
    let mut found = Vec::new();
    for (module, path, file) in trees(package).iter().flat_map(|tree| &tree.files) {
        for name in read(module, file).types {
            let place = format!("{}:{}", shown(path), name.line);
            found.push(Definition { package: package.name.clone(), place, name });
        }
    }
    found
}

fn by_name<'d>(definitions: impl Iterator<Item = &'d Definition>) -> BTreeMap<&'d str, Vec<&'d Definition>> {
    let mut names: BTreeMap<&str, Vec<&Definition>> = BTreeMap::new();
    for definition in definitions {
        names.entry(&definition.name.name).or_default().push(definition);
    }
    names
}

fn places(name: &str, same: &[&Definition]) -> String {
    let places: Vec<_> = same.iter().map(|definition| definition.place.as_str()).collect();
    format!("{name}: {}", places.join(", "))
}
