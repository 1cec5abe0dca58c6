//! Strict JSON: no repeated keys, no U+0000, no deep nesting, no unknown fields, nothing after the end.

mod strict;

use http::{HeaderMap, header};
use serde::de::DeserializeOwned;

use super::{Code, Problem};

/// The deepest nesting of objects and arrays.
pub(super) const MAX_DEPTH: usize = 8;

/// Refuses a body that does not say it is JSON.
pub(super) fn check_content_type(headers: &HeaderMap) -> Result<(), Problem> {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = value.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/json") {
        Ok(())
    } else {
        Err(Problem::new(Code::UnsupportedMediaType))
    }
}

/// Reads `body`, first as strict JSON, then as a `T`.
pub(super) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    strict::check(body)?;
    let mut json = serde_json::Deserializer::from_slice(body);
    serde_path_to_error::deserialize(&mut json).map_err(|error| unfit(&error))
}

/// The JSON is fine, but it is not what was asked for: says which field, and never repeats a value.
fn unfit(error: &serde_path_to_error::Error<serde_json::Error>) -> Problem {
    let words = error.inner().to_string();
    let path = error.path().to_string();
    let named = words.split('`').nth(1).unwrap_or_default();
    let problem = Problem::new(Code::ValidationFailed);
    if words.starts_with("unknown field") {
        problem.field(inside(&path, named), "field_unknown", "There is no such field here.")
    } else if words.starts_with("missing field") {
        problem.field(inside(&path, named), "field_missing", "This field is needed.")
    } else {
        problem.field(shorten(&path), "field_invalid", "This is not what the field holds.")
    }
}

/// The path of the member `name` of the object at `path`.
fn inside(path: &str, name: &str) -> String {
    let parent = path.strip_suffix(name).map_or(path, |parent| parent.trim_end_matches('.'));
    match parent {
        "" | "." => shorten(name),
        parent => shorten(&format!("{parent}.{name}")),
    }
}

/// A client's own words come back to it only so far.
fn shorten(name: &str) -> String {
    name.chars().take(64).collect()
}
