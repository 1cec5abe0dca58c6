//! SQL, the paths of the API, clocks, randomness, JSON from outside, warp and header names are used only where ARCHITECTURE.md says.

use std::sync::LazyLock;

use regex::Regex;

use crate::code::{Code, read};
use crate::modules::trees;
use crate::workspace::{packages, shown};

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
        what: "an order that depends on the collation of the database",
        crates: &["admin"],
        allowed: &[],
        found: collated_orders,
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
            "admin/src/command/users/create.rs",
            "admin/src/command/users/import.rs",
            // Numbers that no other client of Redis can know before they are written.
            "introspect/src/feed/challenges.rs",
            // Keys and nonces, which the cryptographic library generates.
            "admin/src/keys/",
            // The instance's name in traces.
            "shared/runtime/src/telemetry/traces.rs",
        ],
        found: |code| paths(code, &["now_v7", "new_v4", "rand::fill", "SystemRandom", "OsRng", "generate"]),
    },
    Rule {
        what: "JSON from outside, read otherwise than strictly",
        crates: PROGRAMS,
        allowed: &["shared/src/json.rs", "shared/src/json/elements.rs", "admin/src/api/json"],
        found: |code| {
            paths(
                code,
                &[
                    "serde_json::from_slice",
                    "serde_json::from_str",
                    "serde_json::from_value",
                    "serde_json::from_reader",
                    "serde_json::Deserializer",
                ],
            )
        },
    },
    Rule {
        what: "a place in the hash queue",
        crates: &["admin"],
        // A request gets one only with a permit, which counts the attempt; a command of an operator needs none.
        allowed: &[
            "admin/src/passwords/",
            "admin/src/guessing.rs",
            "admin/src/permit.rs",
            "admin/src/operators/create.rs",
            "admin/src/operators/import.rs",
        ],
        found: |code| paths(code, &["Party", "HashSlot"]),
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
        found: |code| matching(code, &HEADER),
    },
];

/// The crates of the shipped programs.
const PROGRAMS: &[&str] = &["shared", "runtime", "introspect", "admin"];

/// SQL statements begin in lower case here, and sentences do not.
static STATEMENT: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?s)^\s*(select|with\s+\w+\s+as|insert into|update \w+\.|delete from|lock table|truncate|notify|listen|set (local|session)|begin|commit|rollback|create (table|index|role|database)|alter|drop)\b",
    )
    .unwrap()
});
static API_PATH: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"/(api/v1|openapi\.json|apidocs|\.well-known/jwks)\b").unwrap());
static HEADER: LazyLock<Regex> = LazyLock::new(|| Regex::new("^(?i)(x-|traceparent$)").unwrap());

static ORDER: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?s)\border by\s+(.*?)(?:\)|;|\blimit\b|\boffset\b|\bfor\b|$)").unwrap());
/// The columns that are no text, and a fixed collation.
static FIXED_ORDER: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"^(\w+\.)?((user_)?id|seq|inserted_by|until|expires_at|occurred_at|created_at|linked_at|last_used_at|signed_in_at|due_at|erased_at|ends_at|given_at|effective_at|undo_until|kept_until|withdrawn_at|next_attempt_at|handed_over_at|prefix|priority)( desc)?$|collate "C"( desc)?$"#).unwrap()
});

/// A file of a crate.
struct Source {
    package: String,
    path: String,
    code: Code,
}

#[test]
fn each_thing_is_used_only_where_it_may_be() {
    let sources = sources();
    let wrong: Vec<_> = RULES.iter().flat_map(|rule| rule.violations(&sources)).collect();
    assert!(wrong.is_empty(), "used where it may not be:\n{}", wrong.join("\n"));
}

#[test]
fn every_allowed_place_uses_what_it_may() {
    let sources = sources();
    for rule in RULES {
        for allowed in rule.allowed {
            let is_used = rule
                .applies_to(&sources)
                .any(|source| is_in(&source.path, allowed) && !(rule.found)(&source.code).is_empty());
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
            order("order by held.id, r.name desc limit 1) (order by name collate \"C\")");
        }
        #[test]
        fn t() { let sql = "delete from auth.users"; }
        "#,
    )
    .unwrap();
    let code = read(&Vec::new(), &file);
    assert_eq!(sql(&code).len(), 1);
    assert_eq!(api_path(&code).len(), 1);
    let orders: Vec<_> = collated_orders(&code).into_iter().map(|(_, column)| column).collect();
    assert_eq!(orders, ["r.name desc"]);
    assert_eq!(paths(&code, &["now_v7"]).len(), 1);
    assert_eq!(paths(&code, &["warp"]).len(), 1);
    assert_eq!(paths(&code, &["SystemClock"]), []);
}

/// Every file that a rule is about, read once.
fn sources() -> Vec<Source> {
    let mut sources = Vec::new();
    let is_concerned = |name: &str| RULES.iter().any(|rule| rule.crates.contains(&name));
    for package in packages().iter().filter(|package| is_concerned(&package.name)) {
        for (module, path, file) in trees(package).iter().flat_map(|tree| &tree.files) {
            let (package, path) = (package.name.clone(), shown(path));
            sources.push(Source { package, path, code: read(module, file) });
        }
    }
    sources
}

impl Rule {
    fn applies_to<'s>(&self, sources: &'s [Source]) -> impl Iterator<Item = &'s Source> {
        sources.iter().filter(|source| self.crates.contains(&source.package.as_str()))
    }

    fn violations(&self, sources: &[Source]) -> Vec<String> {
        let elsewhere = self
            .applies_to(sources)
            .filter(|source| !self.allowed.iter().any(|allowed| is_in(&source.path, allowed)));
        let uses = elsewhere.flat_map(|source| {
            let found = (self.found)(&source.code);
            found.into_iter().map(|(line, text)| format!("{}:{line}: {}: {text}", source.path, self.what))
        });
        uses.collect()
    }
}

fn is_in(path: &str, allowed: &str) -> bool {
    if allowed.starts_with('/') { path.ends_with(allowed) } else { path.starts_with(allowed) }
}

fn sql(code: &Code) -> Vec<(usize, String)> {
    matching(code, &STATEMENT)
}

/// Names must have one order in every database: the sidecars refuse a token whose roles are in another.
fn collated_orders(code: &Code) -> Vec<(usize, String)> {
    let orders = code.texts.iter().flat_map(|(line, text)| {
        let columns = ORDER.captures_iter(text).flat_map(|order| order.extract::<1>().1[0].split(','));
        columns.map(|column| (*line, column.trim().to_owned()))
    });
    orders.filter(|(_, column)| !FIXED_ORDER.is_match(column)).collect()
}

fn api_path(code: &Code) -> Vec<(usize, String)> {
    matching(code, &API_PATH)
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
