//! The form of the document, checked against the route table, the codes and the official schema.

use std::collections::{BTreeMap, BTreeSet};

use admin::api::Code;
use admin::router::routes;
use serde_json::Value;

use super::spec::Spec;

/// The schema of OpenAPI 3.1 documents, from <https://spec.openapis.org/oas/3.1/schema/2022-10-07>.
const OFFICIAL: &str = include_str!("openapi-3.1.json");

/// The pages, which the document does not describe.
const PAGES: [&str; 5] = ["/openapi.json", "/apidocs", "/apidocs/", "/apidocs/{file}", "/oauth2/revoke"];

/// The pages of an account, which it does not describe either.
fn is_of_account(path: &str) -> bool {
    path == "/account" || path.starts_with("/account/")
}

/// Codes of requests that match no operation, or that any request may get.
const OUTSIDE: [Code; 4] =
    [Code::MethodNotAllowed, Code::UriTooLong, Code::HeadersTooLarge, Code::CrossSiteRefused];

/// Every value of the document, with its position.
fn walk<'v>(value: &'v Value, at: &str, found: &mut Vec<(String, &'v Value)>) {
    found.push((at.to_owned(), value));
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(name, value)| walk(value, &format!("{at}/{name}"), found));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, value)| walk(value, &format!("{at}/{index}"), found));
        }
        _ => {}
    }
}

fn everything(spec: &Spec) -> Vec<(String, &Value)> {
    let mut found = Vec::new();
    walk(&spec.root, "", &mut found);
    found
}

#[test]
fn the_document_is_openapi_3_1() {
    let official: Value = serde_json::from_str(OFFICIAL).expect("it is JSON");
    let validator = jsonschema::validator_for(&official).expect("it is a schema");
    let spec = Spec::read();
    let faults: Vec<String> = validator
        .iter_errors(&spec.root)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert_eq!(faults, Vec::<String>::new());
}

#[test]
fn operations_are_the_routes_and_the_routes_are_operations() {
    let spec = Spec::read();
    let name = |method: &str, path: &str| format!("{} {path}", method.to_ascii_lowercase());
    let documented: BTreeSet<String> =
        spec.operations().iter().map(|operation| name(operation.method, operation.path)).collect();
    let table = routes();
    let routes = table.iter().filter(|route| !PAGES.contains(&route.path) && !is_of_account(route.path));
    let routes: BTreeSet<String> = routes.map(|route| name(route.method.as_str(), route.path)).collect();
    assert_eq!(documented, routes);
}

#[test]
fn open_parts_of_a_path_are_its_parameters() {
    for operation in Spec::read().operations() {
        let named: BTreeSet<&str> = operation.parameters("path").map(|one| text(one, "name")).collect();
        let open = operation.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
        assert_eq!(named, open.collect(), "{}", operation.id());
    }
}

#[test]
fn every_operation_says_what_it_does_and_stands_in_a_group() {
    let spec = Spec::read();
    let groups: Vec<&str> =
        spec.root["tags"].as_array().expect("tags").iter().map(|tag| text(tag, "name")).collect();
    for operation in spec.operations() {
        let id = operation.id();
        assert!(text(operation.value, "summary").ends_with('.'), "{id}");
        assert!(operation.value["tags"][0].as_str().is_some_and(|tag| groups.contains(&tag)), "{id}");
        assert!(operation.responses().keys().any(|status| status.starts_with(['2', '3'])), "{id}");
    }
}

#[test]
fn descriptions_are_clear_without_the_code() {
    let spec = Spec::read();
    for (at, value) in everything(&spec).iter().filter(|(at, _)| at.ends_with("/description")) {
        // A member of that name is not a description.
        let Some(text) = value.as_str() else { continue };
        assert!(!text.contains("[`") && !text.contains("::"), "{at}: {text}");
    }
}

#[test]
fn every_operation_has_a_name_of_its_own() {
    let spec = Spec::read();
    let operations = spec.operations();
    let ids: BTreeSet<&str> = operations.iter().map(|operation| operation.id()).collect();
    assert_eq!(ids.len(), operations.len());
}

#[test]
fn every_reference_leads_somewhere() {
    let spec = Spec::read();
    for (at, value) in everything(&spec).iter().filter(|(at, _)| at.ends_with("/$ref")) {
        let pointer = value.as_str().and_then(|reference| reference.strip_prefix('#')).expect("a reference");
        assert!(spec.root.pointer(pointer).is_some(), "{at}: {value}");
    }
}

#[test]
fn no_two_types_share_a_name() {
    let mut seen = BTreeMap::new();
    for route in routes() {
        for (name, schema) in route.operation.schemas() {
            let schema = serde_json::to_string(schema).expect("JSON");
            let first = seen.entry(name.clone()).or_insert_with(|| (schema.clone(), route.path));
            assert_eq!(first.0, schema, "{name} of {} and of {}", first.1, route.path);
        }
    }
}

#[test]
fn every_code_is_one_of_some_operation() {
    let spec = Spec::read();
    let mut documented = BTreeSet::new();
    for operation in spec.operations() {
        for response in operation.responses().values() {
            let codes = response.pointer("/content/application~1problem+json/schema/properties/code/enum");
            documented
                .extend(codes.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str));
        }
    }
    let known = Code::ALL.iter().filter(|code| !OUTSIDE.contains(code));
    let missing: Vec<&str> =
        known.map(|code| code.as_str()).filter(|code| !documented.contains(code)).collect();
    assert_eq!(missing, Vec::<&str>::new());
    let about = text(&spec.root["info"], "description");
    assert!(OUTSIDE.iter().all(|code| about.contains(&format!("`{}`", code.as_str()))));
}

#[test]
fn bodies_refuse_members_that_they_do_not_name() {
    let spec = Spec::read();
    for operation in spec.operations() {
        let Some((schema, _)) = operation.body() else { continue };
        // A rule about members is beside the schema.
        let form = schema.pointer("/allOf/0").unwrap_or(schema);
        assert_eq!(spec.resolve(form)["additionalProperties"], false, "{}", operation.id());
    }
}

#[test]
fn every_example_is_of_its_schema() {
    let spec = Spec::read();
    for operation in spec.operations() {
        let id = operation.id();
        if let Some((schema, example)) = operation.body() {
            assert_eq!(spec.faults(schema, example), Vec::<String>::new(), "the body of {id}");
        }
        for parameter in operation.value["parameters"].as_array().into_iter().flatten() {
            let faults = spec.faults(&parameter["schema"], &parameter["example"]);
            assert_eq!(faults, Vec::<String>::new(), "{} of {id}", parameter["name"]);
        }
        for (status, response) in operation.responses() {
            for media in response["content"].as_object().into_iter().flat_map(|content| content.values()) {
                for example in examples(&spec, media) {
                    let faults = spec.answer_faults(&media["schema"], example);
                    assert_eq!(faults, Vec::<String>::new(), "{status} of {id}");
                }
            }
        }
    }
}

/// The examples of a body; there must be at least one.
fn examples<'v>(spec: &'v Spec, media: &'v Value) -> Vec<&'v Value> {
    match media["examples"].as_object() {
        Some(examples) => examples.values().map(|example| &spec.resolve(example)["value"]).collect(),
        None => vec![media.get("example").expect("an example")],
    }
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_else(|| panic!("no {name}: {value}"))
}
