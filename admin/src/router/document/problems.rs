//! The possible problems of an operation: its own codes, those of its access rule, and those of every
//! request.
//!
//! Operations with the same problems share a response in the components.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use shared::request_id::RequestId;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema as _, ToSchema as _};

use super::samples::sample;
use crate::api::Code;
use crate::api::operation::Access;
use crate::api::problem::ProblemBody;
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
const OF_A_TOKEN: &[Code] = &[
    Code::TokenMissing,
    Code::TokenInvalid,
    Code::TokenExpired,
    Code::TokenRevoked,
    Code::TokenRefreshNeeded,
];

/// Problems of a required permission.
const OF_A_RIGHT: &[Code] = &[
    Code::TokenMissing,
    Code::TokenInvalid,
    Code::TokenExpired,
    Code::TokenRevoked,
    Code::TokenRefreshNeeded,
    Code::Forbidden,
];

/// The request identifier of examples.
const REQUEST_ID: &str = "444535f9378a3dfa1b8f604bbdd1ea70";

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

/// A reference to a response for each status.
pub(super) fn responses(route: &Route) -> impl Iterator<Item = (String, Value)> {
    ways(route).into_iter().map(|(status, ways)| {
        let reference = json!({ "$ref": format!("#/components/responses/{}", name(status, &ways)) });
        (status.to_string(), reference)
    })
}

/// The responses to which the operations of `routes` refer.
pub(super) fn shared_responses(routes: &[Route]) -> BTreeMap<String, Value> {
    let ways = routes.iter().flat_map(ways);
    let named: BTreeMap<_, _> = ways.map(|(status, ways)| (name(status, &ways), (status, ways))).collect();
    named.into_iter().map(|(name, (status, ways))| (name, response(status, &ways))).collect()
}

/// The name says everything, so that it changes only with its content.
fn name(status: u16, ways: &[Way]) -> String {
    ways.iter().fold(status.to_string(), |name, way| format!("{name}.{}", way.code))
}

/// A response with its codes and an example of each.
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
    let mut parts = vec![(ProblemBody::name().into_owned(), ProblemBody::schema())];
    ProblemBody::schemas(&mut parts);
    parts
}

/// An example of every code, as the service answers it.
pub(super) fn examples(routes: &[Route]) -> impl Iterator<Item = (String, Value)> {
    let providers = routes.iter().map(|route| route.path).find(|path| path.ends_with("/providers"));
    let providers = providers.unwrap_or_default();
    let of_the_service = Code::ALL.iter().map(|code| {
        let id = RequestId::parse(REQUEST_ID.as_bytes());
        let value = id.and_then(|id| serde_json::to_value(sample(*code, providers).body(&id)).ok());
        (Way::from(*code), value.unwrap_or_default())
    });
    let of_the_gateway = OF_THE_GATEWAY.iter().map(|way| (*way, of_the_gateway(*way)));
    of_the_service
        .chain(of_the_gateway)
        .map(|(way, value)| (way.code.to_owned(), json!({ "summary": way.title, "value": value })))
}

fn of_the_gateway(way: Way) -> Value {
    json!({
        "type": format!("urn:usher:problem:{}", way.code),
        "title": way.title,
        "status": way.status,
        "code": way.code,
        "request_id": REQUEST_ID,
    })
}
