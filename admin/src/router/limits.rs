//! Every operation that takes a password or a code has a limit, and docs/accounts.md says which one.
//!
//! The rows come from the table of routes, so that no route can be forgotten: it has a limit if it documents 429
//! `too_many_attempts`. `tests/api/guessing` sends wrong passwords to each.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Route, operations};
use crate::api::Code;
use crate::guessing::{Acquaintance, LimitedRoute, buckets};
use crate::limits::{Bucket, LimitRule};

const DOCUMENT: &str = include_str!("../../../docs/accounts.md");

/// What a path of the document leaves out.
const PREFIX: &str = "/api/v1";

/// Members with the name of a code that this service does not compare with one of its own of few digits: random values
/// of 256 bits, and the code of a provider, which the provider checks.
const NO_GUESS: [(&str, &str); 2] =
    [("/oauth/exchange", "one_time_code"), ("/oauth/{provider}/callback", "code")];

/// Pages, which the document does not describe, and which call the same functions as an operation beside them.
const PAGES: [&str; 5] = [
    "POST /account/reset",
    "POST /account/confirm",
    "POST /account/email",
    "POST /account/undo",
    "POST /account/proof",
];

fn name_of(route: &Route) -> String {
    format!("{} {}", route.method, route.path.strip_prefix(PREFIX).unwrap_or(route.path))
}

/// The operations whose passwords, or whose work, are counted by the buckets of a route.
fn operations_of(route: LimitedRoute) -> &'static [&'static str] {
    match route {
        LimitedRoute::Login => &["POST /auth/login", "POST /oauth/link/sign-in"],
        LimitedRoute::Confirmation => &["POST /oauth/link/confirm"],
        LimitedRoute::Undo => &["POST /auth/email/undo", "POST /account/undo"],
        LimitedRoute::Change => {
            &["POST /auth/reauthenticate", "PUT /me/password", "PUT /me/email", "PUT /me/login"]
        }
        LimitedRoute::Registration => &["POST /auth/register", "POST /auth/email/resend"],
        LimitedRoute::ProviderStart => &[
            "GET /oauth/{provider}/login",
            "POST /me/accounts/{provider}",
            "POST /oauth/link/provider",
            "POST /account/proof",
        ],
        LimitedRoute::Forgot => &["POST /auth/password/forgot"],
        LimitedRoute::CodeRequest => &[
            "POST /auth/mail-code",
            "POST /auth/email/resend",
            "POST /oauth/link/mail",
            "PUT /me/email",
            "POST /account/proof",
        ],
        LimitedRoute::Code => &[
            "POST /auth/email/verify",
            "POST /me/email/verify",
            "POST /auth/mail-code/login",
            "POST /account/confirm",
            "POST /account/email",
            "POST /oauth/link/confirm",
            "POST /oauth/link/decline",
            "POST /oauth/link/prove",
            "POST /account/proof",
        ],
        LimitedRoute::Mail => &[
            "POST /auth/password/forgot",
            "POST /auth/register",
            "POST /auth/mail-code",
            "POST /auth/email/resend",
            "POST /oauth/link/mail",
            "PUT /me/email",
            "POST /account/proof",
        ],
        LimitedRoute::Reset => &[
            "POST /auth/password/reset",
            "POST /account/reset",
            "POST /auth/email/freeze",
            "POST /account/undo",
            "POST /auth/email/undo",
        ],
    }
}

/// The operations that may answer 429 `too_many_attempts`.
fn limited() -> BTreeSet<String> {
    let operations = operations();
    let limited = operations.iter().filter(|route| route.operation.codes.contains(&Code::TooManyAttempts));
    limited.map(name_of).collect()
}

/// The members of the body that could be guessed.
fn secrets(route: &Route) -> Vec<String> {
    let schemas = serde_json::to_value(route.operation.schemas()).unwrap();
    let body = route.operation.body.as_ref().map(|body| serde_json::to_value(&body.schema).unwrap());
    let reference = body.as_ref().and_then(|body| body["$ref"].as_str()).unwrap_or_default();
    let name = reference.rsplit('/').next().unwrap_or_default();
    let all = schemas.as_array().unwrap().iter();
    let own = all.filter(|schema| schema[0] == name).filter_map(|schema| schema[1]["properties"].as_object());
    let is_secret = |(name, schema): &(&String, &Value)| {
        let is_code = ["code", "pin", "otp", "password"].iter().any(|end| name.ends_with(end));
        is_code || schema["format"] == "password"
    };
    own.flatten().filter(is_secret).map(|(name, _)| name.clone()).collect()
}

/// The rows of the table of routes, as the code has them.
fn rows() -> Vec<String> {
    let cell = |(bucket, rule): &(Bucket, LimitRule)| match rule {
        LimitRule::Refuse => format!("`{}`", bucket.name()),
        LimitRule::Downgrade => format!("next: `{}`", bucket.name()),
        LimitRule::Slow => format!("slow: `{}`", bucket.name()),
        LimitRule::RefuseIfSlow => format!("if slow: `{}`", bucket.name()),
        LimitRule::Count => format!("(`{}`)", bucket.name()),
    };
    let row = |client: &str, route, acquaintance| {
        let paths: Vec<String> = operations_of(route).iter().map(|path| format!("`{path}`")).collect();
        let cells: Vec<String> = buckets(route, acquaintance).iter().map(cell).collect();
        let what = if route == LimitedRoute::Mail { "its mail, " } else { "" };
        format!("| {} | {what}{client} | {} |", paths.join(", "), cells.join(", "))
    };
    let of_route = |route| {
        let of = |acquaintance| buckets(route, acquaintance);
        if of(Acquaintance::Device) == of(Acquaintance::None) {
            return vec![row("any", route, Acquaintance::None)];
        }
        let clients = [
            ("known device", Acquaintance::Device),
            ("known network", Acquaintance::Network),
            ("stranger", Acquaintance::None),
        ];
        clients.map(|(client, acquaintance)| row(client, route, acquaintance)).to_vec()
    };
    LimitedRoute::ALL.into_iter().flat_map(of_route).collect()
}

#[test]
fn every_operation_with_a_limit_has_a_route_with_buckets_and_no_other() {
    let named = LimitedRoute::ALL.into_iter().flat_map(operations_of).filter(|name| !PAGES.contains(name));
    assert_eq!(named.map(|name| (*name).to_owned()).collect::<BTreeSet<_>>(), limited());
}

#[test]
fn every_operation_that_takes_a_password_or_a_code_has_a_limit() {
    let limited = limited();
    let mut seen = 0;
    for route in operations() {
        let name = name_of(&route);
        let path = name.split_once(' ').unwrap().1;
        let guessed = secrets(&route).into_iter();
        let guessed: Vec<String> =
            guessed.filter(|secret| !NO_GUESS.contains(&(path, secret.as_str()))).collect();
        assert!(guessed.is_empty() || limited.contains(&name), "{name} takes {guessed:?} and has no limit");
        seen += guessed.len();
    }
    // A sign-in, a confirmation, a registration, a repeated proof; three changes, one of them to a new password.
    assert!(seen >= 8, "{seen}");
}

#[test]
fn the_documentation_has_every_route_with_its_buckets_and_no_other() {
    let is_row = |line: &&str| line.starts_with("| `") && line.matches('|').count() == 4;
    let documented: Vec<&str> = DOCUMENT.lines().filter(is_row).collect();
    assert_eq!(documented, rows());
}
