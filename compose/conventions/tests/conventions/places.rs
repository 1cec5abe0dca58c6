//! SQL, the paths of the API, clocks, randomness, warp and header names are used only where ARCHITECTURE.md says.

use regex::Regex;

use crate::code::{Code, read};
use crate::modules::trees;
use crate::workspace::{Package, packages, shown};

/// A restricted thing and the files that may use it, as paths from the root; `/store.rs` means that file in any
/// folder.
struct Rule {
    what: &'static str,
    crates: &'static [&'static str],
    allowed: &'static [&'static str],
    /// Finds the uses in a file.
    found: fn(&Code) -> Vec<(usize, String)>,
}

const RULES: &[Rule] = &[
    Rule { what: "SQL", crates: &["admin"], allowed: &["/store.rs", "admin/src/db/"], found: sql },
    Rule {
        what: "a row of PostgreSQL",
        crates: &["admin"],
        allowed: &["/store.rs", "admin/src/db/"],
        found: |code| paths(code, &["tokio_postgres::Row"]),
    },
    Rule {
        what: "a path of the API",
        crates: &["admin"],
        allowed: &["admin/src/router.rs"],
        found: api_path,
    },
    Rule {
        what: "the system's clock",
        crates: PROGRAMS,
        // Where it is defined, and where each program is assembled.
        allowed: &["shared/src/clock.rs", "introspect/src/main.rs", "admin/src/app.rs"],
        found: |code| paths(code, &["SystemClock", "SystemTime::now", "Timestamp::now", "Zoned::now"]),
    },
    Rule {
        what: "the system's randomness",
        crates: PROGRAMS,
        allowed: &[
            "admin/src/random.rs",
            "admin/src/app.rs",
            "admin/src/command.rs",
            "admin/src/command/superuser.rs",
            // Keys and nonces, which the cryptographic library generates.
            "admin/src/keys/",
            // The instance's name in traces.
            "shared/runtime/src/telemetry/traces.rs",
        ],
        found: |code| paths(code, &["now_v7", "new_v4", "rand::fill", "SystemRandom", "OsRng", "generate"]),
    },
    Rule {
        what: "warp",
        crates: &["admin"],
        allowed: &["admin/src/server/transport.rs"],
        found: |code| paths(code, &["warp"]),
    },
    Rule {
        what: "a header name of the contract with nginx",
        crates: &["introspect"],
        allowed: &["introspect/src/headers.rs"],
        found: |code| matching(code, &Regex::new("^(?i)(x-|traceparent$)").unwrap()),
    },
];

/// The crates of the shipped programs.
const PROGRAMS: &[&str] = &["shared", "runtime", "introspect", "admin"];

#[test]
fn each_thing_is_used_only_where_it_may_be() {
    let packages = packages();
    let mut wrong = Vec::new();
    for rule in RULES {
        let has = |package: &&Package| rule.crates.contains(&package.name.as_str());
        for package in packages.iter().filter(has) {
            wrong.extend(uses(rule, package));
        }
    }
    assert!(wrong.is_empty(), "used where it may not be:\n{}", wrong.join("\n"));
}

#[test]
fn every_allowed_place_uses_what_it_may() {
    for rule in RULES {
        for allowed in rule.allowed {
            let is_used = packages()
                .iter()
                .filter(|package| rule.crates.contains(&package.name.as_str()))
                .any(|package| {
                    let trees = trees(package);
                    let mut files = trees.iter().flat_map(|tree| &tree.files);
                    files.any(|(module, path, file)| {
                        is_in(&shown(path), allowed) && !(rule.found)(&read(module, file)).is_empty()
                    })
                });
            assert!(is_used, "{allowed} may use {}, and does not", rule.what);
        }
    }
}

#[test]
fn restricted_uses_are_found() {
    let file = syn::parse_file(
        r#"
        use warp::Filter;
        fn f() {
            let id = Uuid::now_v7();
            client.query("select id from auth.users", &[]);
            debug!("/api/v1/me");
        }
        #[test]
        fn t() { let sql = "delete from auth.users"; }
        "#,
    )
    .unwrap();
    let code = read(&Vec::new(), &file);
    assert_eq!(sql(&code).len(), 1);
    assert_eq!(api_path(&code).len(), 1);
    assert_eq!(paths(&code, &["now_v7"]).len(), 1);
    assert_eq!(paths(&code, &["warp"]).len(), 1);
    assert_eq!(paths(&code, &["SystemClock"]), []);
}

fn uses(rule: &Rule, package: &Package) -> Vec<String> {
    let mut wrong = Vec::new();
    for tree in trees(package) {
        for (module, path, file) in &tree.files {
            let path = shown(path);
            if !rule.allowed.iter().any(|allowed| is_in(&path, allowed)) {
                let found = (rule.found)(&read(module, file));
                wrong.extend(
                    found.into_iter().map(|(line, text)| format!("{path}:{line}: {}: {text}", rule.what)),
                );
            }
        }
    }
    wrong
}

fn is_in(path: &str, allowed: &str) -> bool {
    if allowed.starts_with('/') { path.ends_with(allowed) } else { path.starts_with(allowed) }
}

/// SQL statements begin in lower case here, and sentences do not.
fn sql(code: &Code) -> Vec<(usize, String)> {
    let statement = Regex::new(
        r"(?s)^\s*(select|with\s+\w+\s+as|insert into|update \w+\.|delete from|lock table|truncate|notify|listen|set (local|session)|begin|commit|rollback|create (table|index|role|database)|alter|drop)\b",
    )
    .unwrap();
    matching(code, &statement)
}

fn api_path(code: &Code) -> Vec<(usize, String)> {
    matching(code, &Regex::new(r"/(api/v1|openapi\.json|apidocs|\.well-known/jwks)\b").unwrap())
}

fn matching(code: &Code, what: &Regex) -> Vec<(usize, String)> {
    let found = code.texts.iter().filter(|(_, text)| what.is_match(text));
    found.map(|(line, text)| (*line, text.chars().take(60).collect())).collect()
}

/// The paths that contain one of `wanted`, a segment or several.
fn paths(code: &Code, wanted: &[&str]) -> Vec<(usize, String)> {
    let named = code.names.iter().map(|named| (named.line, named.segments.join("::")));
    let is_wanted =
        |path: &str| wanted.iter().any(|wanted| format!("::{path}::").contains(&format!("::{wanted}::")));
    named.filter(|(_, path)| is_wanted(path)).collect()
}
