//! One route as an Operation Object (OpenAPI 3.1, section 4.8.10).

use serde_json::{Map, Value, json};

use super::problems;
use super::shared_examples::SharedExamples;
use crate::api::operation::{Access, Operation, Parameter, ParameterIn, RequestBody, ResponseBody, Success};
use crate::router::find::open_parts;
use crate::router::route::Route;

pub(super) fn of(route: &Route, shared: &SharedExamples) -> Value {
    let operation = &route.operation;
    let members = [
        ("operationId", Some(json!(id(route)))),
        ("tags", Some(json!([operation.tag]))),
        ("summary", Some(json!(operation.summary))),
        ("description", description(operation).map(|text| json!(text))),
        ("security", Some(security(operation.access))),
        ("x-required-permission", required_permission(operation.access).map(|word| json!(word))),
        ("parameters", Some(json!(parameters(route)))),
        ("requestBody", operation.body.as_ref().map(request_body)),
        ("responses", Some(responses(route, shared))),
    ];
    object(members)
}

/// Only the present members.
fn object<const N: usize>(members: [(&str, Option<Value>); N]) -> Value {
    let members = members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(members.collect())
}

/// The details, and the required access.
fn description(operation: &Operation) -> Option<String> {
    let needs = match operation.access {
        Access::Public | Access::Optional | Access::SignedIn => None,
        Access::Permission(permission) => {
            Some(format!("Requires the permission `{permission}`, which superusers have implicitly."))
        }
        Access::Superuser => Some("Requires superuser status.".to_owned()),
    };
    let detail = operation.detail.map(str::to_owned);
    let fresh = operation.is_fresh.then(|| FRESH.to_owned());
    let batch = operation.is_batch.then(|| BATCH.to_owned());
    let parts: Vec<String> = [detail, needs, fresh, batch].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join("\n\n"))
}

/// What a fresh caller is.
const FRESH: &str =
    "Requires a recent sign-in: the `auth_time` of the access token must be at most ten minutes old.";

/// How long a caller may have to wait.
const BATCH: &str = "Works on any amount of data, so that it may take up to 15 seconds; other requests are answered 503 after \
     they have waited two seconds for PostgreSQL.";

/// Built from method and path, which are unique: `delete_me_sessions_sid`. It does not change when code
/// moves.
fn id(route: &Route) -> String {
    let words =
        route.path.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    // The common beginning of all API paths is omitted.
    let words = words.skip_while(|word| ["api", "v1"].contains(word));
    let method = route.method.as_str().to_ascii_lowercase();
    words.fold(method, |id, word| format!("{id}_{word}"))
}

fn security(access: Access) -> Value {
    match access {
        Access::Public => json!([]),
        Access::Optional => json!([{}, { "accessToken": [] }]),
        Access::SignedIn | Access::Permission(_) | Access::Superuser => json!([{ "accessToken": [] }]),
    }
}

fn required_permission(access: Access) -> Option<&'static str> {
    match access {
        Access::Public | Access::Optional | Access::SignedIn => None,
        Access::Permission(permission) => Some(permission),
        Access::Superuser => Some("superuser"),
    }
}

/// The described parameters, and every path parameter without a description.
fn parameters(route: &Route) -> Vec<Value> {
    let described = &route.operation.parameters;
    let is_described =
        |name: &&str| described.iter().any(|one| one.position == ParameterIn::Path && one.name == *name);
    let bare = open_parts(route.path).filter(|name| !is_described(name));
    let bare = bare
        .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }));
    described.iter().map(parameter).chain(bare).collect()
}

fn parameter(parameter: &Parameter) -> Value {
    let place = match parameter.position {
        ParameterIn::Path => "path",
        ParameterIn::Query => "query",
        ParameterIn::Header => "header",
    };
    json!({
        "name": parameter.name,
        "in": place,
        "required": parameter.position == ParameterIn::Path,
        "description": parameter.description,
        "schema": parameter.shape.schema,
        "example": parameter.shape.example,
    })
}

fn request_body(body: &RequestBody) -> Value {
    let schema = match body.exactly_one {
        [] => json!(body.schema),
        members => json!({ "allOf": [body.schema, exactly_one(members)] }),
    };
    let content = json!({ "application/json": { "schema": schema, "example": body.example } });
    json!({ "required": body.is_required, "content": content })
}

/// One is present, and the others are null, which counts as absent.
fn exactly_one(members: &[&str]) -> Value {
    let choice = |chosen: &&str| {
        let properties = members.iter().map(|member| {
            let kind = if member == chosen { "string" } else { "null" };
            ((*member).to_owned(), json!({ "type": kind }))
        });
        json!({ "type": "object", "required": [chosen], "properties": properties.collect::<Map<_, _>>() })
    };
    json!({ "oneOf": members.iter().map(choice).collect::<Vec<_>>() })
}

fn responses(route: &Route, shared: &SharedExamples) -> Value {
    let answers = route.operation.answers.iter().map(|one| (one.status.to_string(), answer(one, shared)));
    let problems = problems::responses(route);
    Value::Object(answers.chain(problems).collect::<Map<_, _>>())
}

fn answer(answer: &Success, shared: &SharedExamples) -> Value {
    let mut headers = Map::from_iter([problems::header("X-Request-Id"), problems::header("Cache-Control")]);
    for (name, description) in &answer.headers {
        let header = json!({ "description": description, "schema": { "type": "string" } });
        headers.insert((*name).to_owned(), header);
    }
    object([
        ("description", Some(json!(answer.description))),
        ("headers", Some(Value::Object(headers))),
        ("content", answer.content.as_ref().map(|body| content(body, shared))),
    ])
}

fn content(content: &ResponseBody, shared: &SharedExamples) -> Value {
    let (name, example) = shared.member(content);
    json!({ content.media_type: { "schema": content.schema, name: example } })
}

#[cfg(test)]
mod tests {
    use http::{Method, StatusCode};

    use super::*;
    use crate::api::{Code, Problem, Request, Response, Shape};

    async fn nothing(_: Request) -> Result<Response, Problem> {
        Ok(Response::empty(StatusCode::NO_CONTENT))
    }

    fn described(path: &'static str, describe: fn(Operation) -> Operation) -> Value {
        of(&Route::new(Method::GET, path, nothing, describe), &SharedExamples::default())
    }

    #[test]
    fn a_permission_is_in_the_description_and_in_an_extension_member() {
        let operation =
            described("/a", |operation| operation.detail("More.").access(Access::Permission("roles:read")));
        assert_eq!(operation["x-required-permission"], "roles:read");
        let description = operation["description"].as_str().unwrap();
        assert!(
            description.starts_with("More.\n\n") && description.contains("`roles:read`"),
            "{description}"
        );
        assert_eq!(operation["security"], json!([{ "accessToken": [] }]));
        let superuser = described("/a", |operation| operation.access(Access::Superuser));
        assert_eq!(superuser["x-required-permission"], "superuser");
    }

    #[test]
    fn a_required_proof_is_in_the_description_and_among_the_problems() {
        let operation = described("/a", |operation| operation.detail("More.").fresh());
        assert_eq!(operation["description"], format!("More.\n\n{FRESH}"));
        assert_eq!(operation["responses"]["403"]["$ref"], "#/components/responses/403.fresh_auth_required");
    }

    #[test]
    fn an_open_part_of_the_path_is_a_parameter_whether_described_or_not() {
        let operation = described("/api/v1/a/{id}/b/{name}", |operation| {
            operation.path("id", "The user.", Shape::uuid("0193a1b2-7c4d-7e8f-9a0b-1c2d3e4f5a6b"))
        });
        assert_eq!(operation["operationId"], "get_a_id_b_name");
        assert_eq!(operation["parameters"][0]["schema"], json!({ "type": "string", "format": "uuid" }));
        assert_eq!(operation["parameters"][1]["name"], "name");
        assert!(operation["responses"].get("404").is_some());
    }

    #[test]
    fn codes_are_listed_once_by_status_and_a_response_has_its_headers() {
        let operation = described("/a", |operation| {
            operation.empty(201, "Made.").answer_header(201, "Location", "Where.").problems(&[
                Code::EmailTaken,
                Code::LoginTaken,
                Code::EmailTaken,
                Code::Internal,
            ])
        });
        let response = |status: &str| operation["responses"][status]["$ref"].clone();
        assert_eq!(response("409"), "#/components/responses/409.email_taken.login_taken");
        assert_eq!(response("500"), "#/components/responses/500.internal");
        assert_eq!(operation["responses"]["201"]["headers"]["Location"]["description"], "Where.");
        assert!(operation["responses"].get("401").is_none());
    }
}
