//! One route as an Operation Object (OpenAPI 3.1, section 4.8.10).

use serde_json::{Map, Value, json};

use super::super::Route;
use super::super::find::open_parts;
use super::problems;
use crate::api::operation::{Access, Answer, Body, Content, Operation, Parameter, Place};

pub(super) fn of(route: &Route) -> Value {
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
        ("responses", Some(responses(route))),
    ];
    object(members)
}

/// The members that there are.
fn object<const N: usize>(members: [(&str, Option<Value>); N]) -> Value {
    let members = members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(members.collect())
}

/// Its detail, and what it takes to be let in.
fn description(operation: &Operation) -> Option<String> {
    let needs = match operation.access {
        Access::Public | Access::Optional | Access::SignedIn => None,
        Access::Permission(permission) => {
            Some(format!("Needs the permission `{permission}`, which superusers have."))
        }
        Access::Superuser => Some("For superusers.".to_owned()),
    };
    match (operation.detail, needs) {
        (Some(detail), Some(needs)) => Some(format!("{detail}\n\n{needs}")),
        (detail, needs) => detail.map(str::to_owned).or(needs),
    }
}

/// Made of method and path, which are unique: `delete_me_sessions_sid`. It stays when code moves.
fn id(route: &Route) -> String {
    let path = route.path.trim_start_matches("/api/v1");
    let words = path.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
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

/// Those that were described, and every open part of the path that was not.
fn parameters(route: &Route) -> Vec<Value> {
    let described = &route.operation.parameters;
    let is_described =
        |name: &&str| described.iter().any(|one| one.place == Place::Path && one.name == *name);
    let bare = open_parts(route.path).filter(|name| !is_described(name));
    let bare = bare
        .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }));
    described.iter().map(parameter).chain(bare).collect()
}

fn parameter(parameter: &Parameter) -> Value {
    let place = match parameter.place {
        Place::Path => "path",
        Place::Query => "query",
        Place::Header => "header",
    };
    json!({
        "name": parameter.name,
        "in": place,
        "required": parameter.place == Place::Path,
        "description": parameter.description,
        "schema": parameter.shape.schema,
        "example": parameter.shape.example,
    })
}

fn request_body(body: &Body) -> Value {
    let schema = match body.exactly_one {
        [] => json!(body.schema),
        members => json!({ "allOf": [body.schema, exactly_one(members)] }),
    };
    let content = json!({ "application/json": { "schema": schema, "example": body.example } });
    json!({ "required": body.is_required, "content": content })
}

/// One is there, and the others are null, which is as if they were not.
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

fn responses(route: &Route) -> Value {
    let answers = route.operation.answers.iter().map(|one| (one.status.to_string(), answer(one)));
    let problems = problems::responses(route);
    Value::Object(answers.chain(problems).collect::<Map<_, _>>())
}

fn answer(answer: &Answer) -> Value {
    let mut headers = Map::from_iter([problems::header("X-Request-Id"), problems::header("Cache-Control")]);
    for (name, description) in &answer.headers {
        let header = json!({ "description": description, "schema": { "type": "string" } });
        headers.insert((*name).to_owned(), header);
    }
    object([
        ("description", Some(json!(answer.description))),
        ("headers", Some(Value::Object(headers))),
        ("content", answer.content.as_ref().map(content)),
    ])
}

fn content(content: &Content) -> Value {
    json!({ content.media_type: { "schema": content.schema, "example": content.example } })
}
