//! Every problem that any test gets must be one that the document lists for the operation.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use reqwest::{Method, Url};
use serde_json::Value;

use super::Reply;

/// Of any request, whatever the operation.
const OF_ANY_REQUEST: [&str; 4] =
    ["method_not_allowed", "uri_too_long", "headers_too_large", "cross_site_refused"];

/// The codes of an operation, by its method and the segments of its path.
type Operations = BTreeMap<(String, Vec<String>), Vec<String>>;

static OPERATIONS: LazyLock<Operations> = LazyLock::new(read);

/// Fails the test if the problem of an answer, or the one that a redirect names, is not listed.
pub(super) fn check(method: &Method, url: &Url, reply: &Reply) {
    let code = match reply.code() {
        code if code.is_empty() => redirected(reply),
        code => Some(code),
    };
    let (Some(code), Some(listed)) = (code, find(method, url.path())) else { return };
    let is_listed = OF_ANY_REQUEST.contains(&code.as_str()) || listed.contains(&code);
    assert!(is_listed, "{method} {}: the document does not list `{code}`: {reply:?}", url.path());
}

/// The problem with which a browser was sent to the page of a front end.
fn redirected(reply: &Reply) -> Option<String> {
    let page = Url::parse(reply.find_header("location")?).ok()?;
    page.query_pairs().find(|(name, _)| name == "error").map(|(_, code)| code.into_owned())
}

fn find(method: &Method, path: &str) -> Option<&'static Vec<String>> {
    let method = if *method == Method::HEAD { "get".to_owned() } else { method.as_str().to_lowercase() };
    let given: Vec<&str> = path.split('/').collect();
    let matches = |pattern: &[String]| {
        pattern.len() == given.len()
            && pattern.iter().zip(&given).all(|(part, given)| part.starts_with('{') || part == given)
    };
    let exact = |pattern: &[String]| pattern.iter().filter(|part| !part.starts_with('{')).count();
    let fitting = OPERATIONS.iter().filter(|((known, pattern), _)| *known == method && matches(pattern));
    fitting.max_by_key(|((_, pattern), _)| exact(pattern)).map(|(_, codes)| codes)
}

fn read() -> Operations {
    let document: Value = serde_json::from_slice(&admin::router::document()).expect("it is JSON");
    let mut operations = Operations::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            let segments = path.split('/').map(str::to_owned).collect();
            operations.insert((method.clone(), segments), codes(&document, operation));
        }
    }
    operations
}

/// The names of the examples of an operation's problems, which are their codes.
fn codes(document: &Value, operation: &Value) -> Vec<String> {
    let responses = operation["responses"].as_object().into_iter().flatten();
    let shared = responses.filter_map(|(_, response)| response["$ref"].as_str());
    let shared = shared.filter_map(|name| document.pointer(name.trim_start_matches('#')));
    let examples =
        shared.filter_map(|response| response["content"]["application/problem+json"]["examples"].as_object());
    examples.flat_map(|examples| examples.keys().cloned()).collect()
}
