//! The OpenAPI 3.1 document, built from the route table and the description of each endpoint.
//!
//! It omits `/openapi.json` and the page under `/apidocs`, which serve the document itself.

mod operation;
mod problems;
mod samples;
mod shared_examples;

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::Serialize;
use serde::ser::{SerializeMap as _, Serializer};
use serde_json::{Map, Value, json};
use shared_examples::SharedExamples;
use utoipa::openapi::{RefOr, Schema};

use super::route::Route;

/// The tags of the page in order, with descriptions. A tag without an operation is not shown.
const TAGS: &[(&str, &str)] = &[
    ("Sign-in", "Registration, sign-in, refresh and sign-out."),
    ("Providers", "Sign-in with Google, Yandex and other identity providers."),
    ("Me", "Your own profile, credentials, sessions and permissions."),
    ("Roles", "Roles and their permissions."),
    ("Assignments", "Role assignments and their expiry."),
    ("Authorisation", "The permissions that a user has, and which roles grant them."),
    (
        "Operators",
        "Management of other users' accounts, and the audit log. Not reachable through the \
        gateway.",
    ),
    ("Keys", "The public keys for verifying access tokens."),
];

const ABOUT: &str = "Registration, sign-in, sessions and roles of the cinema. Times are RFC 3339 in UTC, \
    durations whole seconds, identifiers UUIDs.\n\n**Requests.** A body is one JSON object of at most 16 \
    KiB. Unknown fields, repeated keys, U+0000 anywhere and nesting deeper than 8 levels are refused. All invalid \
    fields are reported in one response. Lengths are numbers of characters, counted after normalisation (NFC; NFKC for \
    passwords and login names). HEAD is supported wherever GET is.\n\n**Problems.** An error is `application/problem+json` (RFC 9457) with a \
    stable `code`; each operation lists its codes. If no operation matches, an unknown path returns 404 \
    `not_found`, an unknown method 405 `method_not_allowed` with `Allow`. Any request may be answered \
    with 414 `uri_too_long` or 431 `headers_too_large`.\n\n**Browsers.** With the header `X-Usher-Mode: cookie` tokens are \
    in cookies, and not in bodies. Such a request must come from a page of the same origin, or it is 403 \
    `cross_site_refused`.";

#[derive(Serialize)]
struct Document {
    openapi: &'static str,
    info: Value,
    servers: Value,
    tags: Vec<Value>,
    paths: InOrder<InOrder<Value>>,
    components: Components,
}

/// Members in the order of the struct, which is the reading order.
struct InOrder<T>(Vec<(String, T)>);

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Components {
    schemas: BTreeMap<String, RefOr<Schema>>,
    responses: BTreeMap<String, Value>,
    headers: Value,
    examples: Value,
    security_schemes: Value,
}

/// The document of `routes`, as JSON.
pub(super) fn of(routes: &[Route]) -> Bytes {
    let shared = SharedExamples::of(routes);
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
        paths: paths(routes, &shared),
        components: components(routes, shared),
    };
    serde_json::to_vec(&document).expect("every map in it has text keys").into()
}

fn tags(routes: &[Route]) -> Vec<Value> {
    let is_used = |tag: &str| routes.iter().any(|route| route.operation.tag == tag);
    let used = TAGS.iter().filter(|(tag, _)| is_used(tag));
    used.map(|(tag, description)| json!({ "name": tag, "description": description })).collect()
}

fn paths(routes: &[Route], shared: &SharedExamples) -> InOrder<InOrder<Value>> {
    let mut paths = InOrder(Vec::<(String, InOrder<Value>)>::new());
    for route in routes {
        let method = route.method.as_str().to_ascii_lowercase();
        let operation = operation::of(route, shared);
        match paths.0.iter_mut().find(|(path, _)| path == route.path) {
            Some((_, methods)) => methods.0.push((method, operation)),
            None => paths.0.push((route.path.to_owned(), InOrder(vec![(method, operation)]))),
        }
    }
    paths
}

fn components(routes: &[Route], shared: SharedExamples) -> Components {
    let schemas = routes.iter().flat_map(|route| route.operation.schemas().to_vec());
    Components {
        schemas: schemas.chain(problems::schemas()).collect(),
        responses: problems::shared_responses(routes),
        headers: headers(),
        examples: Value::Object(problems::examples(routes).chain(shared.definitions()).collect()),
        security_schemes: json!({ "accessToken": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "The `access_token` of a token pair.",
        } }),
    }
}

/// The headers of responses; operations and problems refer to them.
fn headers() -> Value {
    let words = [
        ("X-Request-Id", "The identifier of the request in all logs.", "444535f9378a3dfa1b8f604bbdd1ea70"),
        ("Cache-Control", "Responses are not cacheable unless this header allows it.", "no-store"),
        ("WWW-Authenticate", "The challenge (RFC 6750).", "Bearer realm=\"cinema\""),
        ("Retry-After", "Seconds after which the client may retry.", "1"),
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
