//! The parsed document: its operations in the order of the table, and validators of its promises.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use admin::router::{document, routes};
use jsonschema::Validator;
use serde_json::{Value, json};

use crate::support::Reply;

/// The whole document.
pub(super) struct Spec {
    pub(super) root: Value,
    /// For requests.
    open: Validators,
    /// For responses: objects are closed to undeclared members.
    closed: Validators,
}

/// The schemas of some components, compiled when they are first needed: a compilation takes longer than a request.
struct Validators {
    components: Value,
    compiled: Mutex<BTreeMap<String, Arc<Validator>>>,
}

/// One operation.
#[derive(Clone, Copy)]
pub(super) struct Operation<'s> {
    pub(super) spec: &'s Spec,
    pub(super) method: &'s str,
    pub(super) path: &'s str,
    pub(super) value: &'s Value,
}

impl Spec {
    pub(super) fn read() -> Self {
        let root: Value = serde_json::from_slice(&document()).expect("the document is JSON");
        let open = Validators::of(root["components"].clone());
        let closed = Validators::of(closed(&root["components"]));
        Self { root, open, closed }
    }

    /// Its operations, in the order of the table.
    pub(super) fn operations(&self) -> Vec<Operation<'_>> {
        let paths = self.root["paths"].as_object().expect("paths");
        let mut operations: Vec<Operation<'_>> = Vec::new();
        for (path, methods) in paths {
            for (method, value) in methods.as_object().expect("methods") {
                operations.push(Operation { spec: self, method, path, value });
            }
        }
        let table = routes();
        operations.sort_by_key(|operation| table.iter().position(|route| operation.is_of(route)));
        operations
    }

    /// A value, with references followed.
    pub(super) fn resolve<'v>(&'v self, value: &'v Value) -> &'v Value {
        match value["$ref"].as_str() {
            Some(reference) => {
                let pointer = reference.strip_prefix('#').expect("a reference within the document");
                let target = self.root.pointer(pointer);
                self.resolve(target.unwrap_or_else(|| panic!("{reference} leads nowhere")))
            }
            None => value,
        }
    }

    /// The errors of a request value, by a schema of the document.
    pub(super) fn faults(&self, schema: &Value, instance: &Value) -> Vec<String> {
        self.open.faults(schema, instance)
    }

    /// The validator of a request value.
    pub(super) fn validator(&self, schema: &Value) -> Arc<Validator> {
        self.open.of_schema(schema)
    }

    /// As [`Self::faults`], for a response: it must not contain anything that the document does not declare.
    pub(super) fn answer_faults(&self, schema: &Value, instance: &Value) -> Vec<String> {
        self.closed.faults(schema, instance)
    }
}

impl<'s> Operation<'s> {
    pub(super) fn id(self) -> &'s str {
        self.value["operationId"].as_str().expect("an operationId")
    }

    pub(super) fn is_of(self, route: &admin::router::Route) -> bool {
        route.path == self.path && route.method.as_str().eq_ignore_ascii_case(self.method)
    }

    /// Whether a token is read.
    pub(super) fn takes_a_token(self) -> bool {
        self.value["security"].as_array().is_some_and(|ways| !ways.is_empty())
    }

    /// Whether a token is required.
    pub(super) fn needs_a_token(self) -> bool {
        let ways = self.value["security"].as_array().expect("security");
        !ways.is_empty() && ways.iter().all(|way| way.get("accessToken").is_some())
    }

    pub(super) fn required_permission(self) -> Option<&'s str> {
        self.value["x-required-permission"].as_str()
    }

    /// Its parameters in `place`: `path`, `query` or `header`.
    pub(super) fn parameters(self, place: &'static str) -> impl Iterator<Item = &'s Value> {
        let all = self.value["parameters"].as_array().into_iter().flatten();
        all.filter(move |parameter| parameter["in"] == place)
    }

    /// The schema and the example of its body.
    pub(super) fn body(self) -> Option<(&'s Value, &'s Value)> {
        let media = self.value.pointer("/requestBody/content/application~1json")?;
        Some((&media["schema"], &media["example"]))
    }

    /// Its responses by status.
    pub(super) fn responses(self) -> BTreeMap<&'s str, &'s Value> {
        let responses = self.value["responses"].as_object().expect("responses");
        responses.iter().map(|(status, response)| (&**status, self.spec.resolve(response))).collect()
    }

    /// The differences between a response and the document.
    pub(super) fn faults(self, reply: &Reply) -> Vec<String> {
        let status = reply.status.to_string();
        let Some(response) = self.responses().get(&*status).copied() else {
            return vec![format!("the status {} is not documented", reply.status)];
        };
        let named = response["headers"].as_object().into_iter().flatten();
        let missing = named.filter(|(name, _)| !reply.headers.contains_key(name.as_str()));
        let mut faults: Vec<String> = missing.map(|(name, _)| format!("there is no header {name}")).collect();
        match response["content"].as_object().and_then(|content| content.iter().next()) {
            None if reply.text.is_empty() => {}
            None => faults.push("there is a body".to_owned()),
            Some((media_type, media)) => faults.extend(self.body_faults(reply, media_type, media)),
        }
        faults
    }

    fn body_faults(self, reply: &Reply, media_type: &str, media: &Value) -> Vec<String> {
        let sent = reply.headers.get("content-type").and_then(|value| value.to_str().ok());
        if sent != Some(media_type) {
            return vec![format!("it is {sent:?}, not {media_type}")];
        }
        match serde_json::from_str(&reply.text) {
            Ok(body) => self.spec.answer_faults(&media["schema"], &body),
            Err(error) => vec![format!("it is no JSON: {error}")],
        }
    }
}

impl Validators {
    fn of(components: Value) -> Self {
        Self { components, compiled: Mutex::default() }
    }

    fn of_schema(&self, schema: &Value) -> Arc<Validator> {
        let mut compiled = self.compiled.lock().expect("no compilation panicked");
        Arc::clone(compiled.entry(schema.to_string()).or_insert_with(|| Arc::new(self.compile(schema))))
    }

    fn compile(&self, schema: &Value) -> Validator {
        // Schemas refer to nothing else.
        let root = json!({ "allOf": [schema], "components": { "schemas": self.components["schemas"] } });
        jsonschema::options()
            .with_draft(jsonschema::Draft::Draft202012)
            .should_validate_formats(true)
            .build(&root)
            .unwrap_or_else(|error| panic!("{schema} is no schema: {error}"))
    }

    fn faults(&self, schema: &Value, instance: &Value) -> Vec<String> {
        let validator = self.of_schema(schema);
        let errors = validator.iter_errors(instance);
        errors.map(|error| format!("{}: {error}", error.instance_path())).collect()
    }
}

/// Components whose objects are closed to undeclared members.
///
/// A response may gain members, so the document leaves its objects open; but today's members are all
/// documented.
fn closed(components: &Value) -> Value {
    let mut components = components.clone();
    let schemas = components["schemas"].as_object_mut().expect("schemas");
    // A part of a larger object cannot be closed separately.
    let parts: BTreeSet<String> = schemas.values().flat_map(parts_of).collect();
    for (name, schema) in schemas {
        if !parts.contains(&format!("#/components/schemas/{name}")) {
            close(schema);
        }
    }
    components
}

fn parts_of(schema: &Value) -> Vec<String> {
    let parts = schema["allOf"].as_array().into_iter().flatten();
    parts.filter_map(|part| Some(part["$ref"].as_str()?.to_owned())).collect()
}

fn close(schema: &mut Value) {
    let Some(object) = schema.as_object_mut() else { return };
    let is_object = object.contains_key("properties") || object.contains_key("allOf");
    if is_object && !object.contains_key("additionalProperties") {
        object.insert("unevaluatedProperties".to_owned(), json!(false));
    }
}
