//! The possible problems of an operation: its own codes, those of its access rule, and those of every
//! request.

use std::collections::BTreeMap;

use http::StatusCode;
use serde_json::{Map, Value, json};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema as _, ToSchema as _};

use crate::api::Code;
use crate::api::operation::Access;
use crate::api::problem::Body;
use crate::router::find::open_parts;
use crate::router::route::Route;

/// Problems of every request.
const COMMON: &[Code] = &[
    Code::RequestMalformed,
    Code::RequestTimeout,
    Code::BodyTooLarge,
    Code::Internal,
    Code::Overloaded,
    Code::DependencyUnavailable,
];

/// Problems of a JSON body.
const OF_A_BODY: &[Code] = &[Code::UnsupportedMediaType, Code::ValidationFailed];

/// Problems of a required access token.
const OF_A_TOKEN: &[Code] = &[Code::TokenMissing, Code::TokenInvalid, Code::TokenExpired, Code::TokenRevoked];

/// Problems of a required permission.
const OF_A_RIGHT: &[Code] =
    &[Code::TokenMissing, Code::TokenInvalid, Code::TokenExpired, Code::TokenRevoked, Code::Forbidden];

/// One possible problem, as a client sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Way {
    status: u16,
    code: &'static str,
    title: &'static str,
}

/// The gateway's own problems, possible for every operation.
const OF_THE_GATEWAY: &[Way] = &[
    Way {
        status: 400,
        code: "identity_header_refused",
        title: "Identity headers may only be set by the gateway.",
    },
    Way { status: 429, code: "rate_limited", title: "Too many requests." },
];

impl From<Code> for Way {
    fn from(code: Code) -> Self {
        Self { status: code.status().as_u16(), code: code.as_str(), title: code.title() }
    }
}

/// The codes of an access rule.
fn of_access(access: Access) -> &'static [Code] {
    match access {
        Access::Public | Access::Optional => &[],
        Access::SignedIn => OF_A_TOKEN,
        Access::Permission(_) | Access::Superuser => OF_A_RIGHT,
    }
}

fn ways(route: &Route) -> BTreeMap<u16, Vec<Way>> {
    let operation = &route.operation;
    let of_access = of_access(operation.access);
    // An authorised caller may also send a body where none is accepted.
    let of_body = if operation.body.is_some() || !of_access.is_empty() { OF_A_BODY } else { &[] };
    let of_path: &[Code] = if open_parts(route.path).next().is_some() { &[Code::NotFound] } else { &[] };
    let codes = [COMMON, of_access, of_body, of_path, &operation.codes];
    let codes = codes.into_iter().flatten().map(|code| Way::from(*code));
    let mut ways = BTreeMap::<u16, Vec<Way>>::new();
    for way in codes.chain(OF_THE_GATEWAY.iter().copied()) {
        let beside = ways.entry(way.status).or_default();
        if !beside.iter().any(|one| one.code == way.code) {
            beside.push(way);
        }
    }
    ways
}

/// A response for each status, with its codes and an example of each.
pub(super) fn responses(route: &Route) -> impl Iterator<Item = (String, Value)> {
    ways(route).into_iter().map(|(status, ways)| (status.to_string(), response(status, &ways)))
}

fn response(status: u16, ways: &[Way]) -> Value {
    let codes: Vec<&str> = ways.iter().map(|way| way.code).collect();
    let lines: Vec<String> = ways.iter().map(|way| format!("* `{}`: {}", way.code, way.title)).collect();
    let examples = ways.iter().map(|way| {
        let reference = json!({ "$ref": format!("#/components/examples/{}", way.code) });
        (way.code.to_owned(), reference)
    });
    let schema = json!({
        "allOf": [{ "$ref": "#/components/schemas/Problem" }],
        "properties": { "status": { "const": status }, "code": { "enum": codes } },
    });
    json!({
        "description": lines.join("\n"),
        "headers": headers(status),
        "content": { "application/problem+json": {
            "schema": schema,
            "examples": examples.collect::<Map<_, _>>(),
        } },
    })
}

fn headers(status: u16) -> Map<String, Value> {
    let more: &[&str] = match status {
        401 => &["WWW-Authenticate"],
        429 | 503 => &["Retry-After"],
        _ => &[],
    };
    ["X-Request-Id", "Cache-Control"].iter().chain(more).map(|name| header(name)).collect()
}

/// A header described in the components.
pub(super) fn header(name: &str) -> (String, Value) {
    (name.to_owned(), json!({ "$ref": format!("#/components/headers/{name}") }))
}

/// The schema of all problems.
pub(super) fn schemas() -> Vec<(String, RefOr<Schema>)> {
    let mut parts = vec![(Body::name().into_owned(), Body::schema())];
    Body::schemas(&mut parts);
    parts
}

/// An example of every code.
pub(super) fn examples() -> Value {
    let ways = Code::ALL.iter().map(|code| Way::from(*code)).chain(OF_THE_GATEWAY.iter().copied());
    let examples =
        ways.map(|way| (way.code.to_owned(), json!({ "summary": way.title, "value": example(way) })));
    Value::Object(examples.collect::<Map<_, _>>())
}

fn example(way: Way) -> Value {
    let problem = json!({
        "type": format!("urn:usher:problem:{}", way.code),
        "title": way.title,
        "status": way.status,
        "code": way.code,
        "request_id": "444535f9378a3dfa1b8f604bbdd1ea70",
    });
    let Value::Object(mut members) = problem else { return problem };
    if way.status == StatusCode::UNPROCESSABLE_ENTITY.as_u16() {
        let field = json!({ "field": "email", "code": "field_missing", "detail": "This field is required." });
        members.insert("errors".to_owned(), json!([field]));
    }
    Value::Object(members)
}
