//! The document of the API: OpenAPI 3.1, made of the table of routes and of what each endpoint says of itself.
//!
//! `/openapi.json` and the page under `/apidocs` are left out of it: they are how it is read.

mod operation;
mod problems;

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::Serialize;
use serde::ser::{SerializeMap as _, Serializer};
use serde_json::{Map, Value, json};
use utoipa::openapi::{RefOr, Schema};

use super::Route;

/// The groups of the page, in its order, and what is in them. Groups without an operation are not shown.
const TAGS: &[(&str, &str)] = &[
    ("Sign-in", "From a name and a password to a pair of tokens, and back."),
    ("Providers", "Signing in through Google, Yandex and others."),
    ("Me", "What the caller knows and changes about themselves."),
    ("Roles", "What can be given to people, and what it permits."),
    ("Assignments", "Role assignments and their expiry."),
    ("Authorisation", "The permissions that a user has, and which roles grant them."),
    ("Operators", "Other people's accounts, and who changed what. Not reachable through the gateway."),
    ("Keys", "How others verify an access token."),
];

const ABOUT: &str = "\
Registration, sign-in, sessions and roles of the cinema. Times are RFC 3339 in UTC, spans whole seconds, \
identifiers UUIDs.\n\n\
**Requests.** A body is one JSON object of at most 16 KiB. Refused are unknown fields, repeated keys, U+0000 \
anywhere, nesting deeper than 8. HEAD is answered wherever GET is.\n\n\
**Problems.** What fails is `application/problem+json` (RFC 9457) with a stable `code`; each operation lists \
those that it has. Beside operations: an unknown path is 404 `not_found`, an unknown method 405 \
`method_not_allowed` with `Allow`. From the gateway, for any request: 414 `uri_too_long`, 431 `headers_too_large`.";

#[derive(Serialize)]
struct Document {
    openapi: &'static str,
    info: Value,
    servers: Value,
    tags: Vec<Value>,
    paths: InOrder<InOrder<Value>>,
    components: Components,
}

/// Members in the order of the table, which is the reading order.
struct InOrder<T>(Vec<(String, T)>);

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Components {
    schemas: BTreeMap<String, RefOr<Schema>>,
    headers: Value,
    examples: Value,
    security_schemes: Value,
}

/// The document of `routes`, as JSON.
pub(super) fn of(routes: &[Route]) -> Bytes {
    let document = Document {
        openapi: "3.1.0",
        info: json!({
            "title": "Usher",
            "description": ABOUT,
            "version": env!("CARGO_PKG_VERSION"),
            "license": { "name": "Apache-2.0" },
        }),
        servers: json!([{ "url": "/" }]),
        tags: tags(routes),
        paths: paths(routes),
        components: components(routes),
    };
    serde_json::to_vec(&document).expect("every key of every map in it is a text").into()
}

fn tags(routes: &[Route]) -> Vec<Value> {
    let is_used = |tag: &str| routes.iter().any(|route| route.operation.tag == tag);
    let used = TAGS.iter().filter(|(tag, _)| is_used(tag));
    used.map(|(tag, description)| json!({ "name": tag, "description": description })).collect()
}

fn paths(routes: &[Route]) -> InOrder<InOrder<Value>> {
    let mut paths = InOrder(Vec::<(String, InOrder<Value>)>::new());
    for route in routes {
        let method = route.method.as_str().to_ascii_lowercase();
        let operation = operation::of(route);
        match paths.0.iter_mut().find(|(path, _)| path == route.path) {
            Some((_, methods)) => methods.0.push((method, operation)),
            None => paths.0.push((route.path.to_owned(), InOrder(vec![(method, operation)]))),
        }
    }
    paths
}

fn components(routes: &[Route]) -> Components {
    let schemas = routes.iter().flat_map(|route| route.operation.schemas().to_vec());
    Components {
        schemas: schemas.chain(problems::schemas()).collect(),
        headers: headers(),
        examples: problems::examples(),
        security_schemes: json!({ "accessToken": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "The `access_token` of a pair.",
        } }),
    }
}

/// What answers carry; an operation or a problem refers to those that it has.
fn headers() -> Value {
    let words = [
        ("X-Request-Id", "The identifier of the request in all logs.", "444535f9378a3dfa1b8f604bbdd1ea70"),
        ("Cache-Control", "Nothing is cached, unless it says otherwise.", "no-store"),
        ("WWW-Authenticate", "The challenge (RFC 6750).", "Bearer realm=\"cinema\""),
        ("Retry-After", "Sets the number of seconds after which the client may retry.", "1"),
    ];
    let header = |(name, description, example): (&str, &str, &str)| {
        let schema = json!({ "type": "string" });
        (name.to_owned(), json!({ "description": description, "schema": schema, "example": example }))
    };
    Value::Object(words.into_iter().map(header).collect::<Map<_, _>>())
}

impl<T: Serialize> Serialize for InOrder<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}
