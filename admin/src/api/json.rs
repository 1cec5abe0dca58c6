//! Strict JSON: no repeated keys, no U+0000, no deep nesting, no unknown fields, nothing after the end.

mod strict;

use http::{HeaderMap, header};
use serde::de::DeserializeOwned;
use shared::json::ObjectsOnly;

use super::{Code, Problem};

/// Refuses a body whose content type is not JSON.
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
    // Serde would accept an array with the fields in their order.
    if !body.trim_ascii_start().starts_with(b"{") {
        return Err(Problem::new(Code::ValidationFailed).detail("The body must be a JSON object."));
    }
    let mut json = serde_json::Deserializer::from_slice(body);
    serde_path_to_error::deserialize(ObjectsOnly(&mut json)).map_err(|error| unfit(&error))
}

/// The error for valid JSON of the wrong shape: names the field and never repeats a value.
fn unfit(error: &serde_path_to_error::Error<serde_json::Error>) -> Problem {
    let words = error.inner().to_string();
    let path = error.path().to_string();
    let named = words.split('`').nth(1).unwrap_or_default();
    let problem = Problem::new(Code::ValidationFailed);
    if words.starts_with("unknown field") {
        problem.field(inside(&path, named), "field_unknown", "Unknown field.")
    } else if words.starts_with("missing field") {
        problem.field(inside(&path, named), "field_missing", "This field is required.")
    } else {
        problem.field(shorten(&path), "field_invalid", "The value has the wrong type or format.")
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

/// Text from the client is repeated only up to this length.
fn shorten(name: &str) -> String {
    name.chars().take(64).collect()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;
    use serde::Deserialize;
    use serde_json::Value;
    use shared::request_id::RequestId;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        name: String,
        #[serde(default)]
        inner: Option<Inner>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        age: u8,
    }

    fn read(body: &[u8]) -> Result<Sample, Code> {
        parse(body).map_err(|problem| problem.code())
    }

    /// The fields and codes as a client sees them.
    fn wrong_fields(body: &[u8]) -> String {
        let problem = parse::<Sample>(body).unwrap_err();
        let body: Value =
            serde_json::from_slice(problem.respond(&RequestId::of(uuid::Uuid::nil())).body()).unwrap();
        let errors = body["errors"].as_array().cloned().unwrap_or_default();
        let word = |error: &Value| format!("{} {}", error["field"], error["code"]).replace('"', "");
        errors.iter().map(word).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn a_valid_body_is_read() {
        let sample = read(br#" {"name": "Anna", "inner": {"age": 30}} "#).unwrap();
        assert_eq!(sample, Sample { name: "Anna".to_owned(), inner: Some(Inner { age: 30 }) });
    }

    #[test]
    fn bodies_that_are_not_strict_json_are_malformed() {
        let bodies: [&[u8]; 12] = [
            b"",
            b"{",
            b"name=Anna",
            b"{\"name\": \"a\"} x",
            b"{\"name\": \"a\"}{}",
            b"{\"name\": \"a\", \"name\": \"b\"}",
            b"{\"name\": \"a\", \"inner\": {\"age\": 1, \"age\": 1}}",
            b"{\"name\": \"\xff\"}",
            b"{\"name\": \"\x00\"}",
            b"{\"name\": \"\\ud800\"}",
            b"{\"name\": 1e999}",
            b"\xef\xbb\xbf{\"name\": \"a\"}",
        ];
        for body in bodies {
            assert_eq!(read(body), Err(Code::RequestMalformed), "{}", String::from_utf8_lossy(body));
        }
    }

    #[test]
    fn nesting_ends_at_eight_levels() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(read(nested(8).as_bytes()), Err(Code::ValidationFailed));
        assert_eq!(read(nested(9).as_bytes()), Err(Code::RequestMalformed));
        assert_eq!(read(nested(8000).as_bytes()), Err(Code::RequestMalformed));
    }

    #[test]
    fn the_character_zero_is_refused_in_values_and_in_keys() {
        assert_eq!(read(br#"{"name": "a\u0000b"}"#), Err(Code::ValidationFailed));
        assert_eq!(read(br#"{"na\u0000me": "a"}"#), Err(Code::ValidationFailed));
    }

    #[test]
    fn the_wrong_field_is_named_with_its_path_and_without_its_value() {
        assert_eq!(wrong_fields(br#"{"name": "a", "is_superuser": true}"#), "is_superuser field_unknown");
        assert_eq!(wrong_fields(b"{}"), "name field_missing");
        assert_eq!(wrong_fields(br#"{"name": 7}"#), "name field_invalid");
        assert_eq!(wrong_fields(br#"{"name": "a", "inner": {"age": 999}}"#), "inner.age field_invalid");
        assert_eq!(wrong_fields(br#"{"name": "a", "inner": {}}"#), "inner.age field_missing");
        // Serde would accept an array with the fields in their order.
        assert_eq!(wrong_fields(br#"{"name": "a", "inner": [30]}"#), "inner field_invalid");
        assert_eq!(wrong_fields(br#"{"name": "a", "inner": {"x": 1}}"#), "inner.x field_unknown");
    }

    #[test]
    fn a_body_is_an_object() {
        for body in ["[]", "[\"Anna\"]", "null", "7", "\"Anna\""] {
            assert_eq!(read(body.as_bytes()), Err(Code::ValidationFailed), "{body}");
        }
    }

    #[test]
    fn only_the_json_media_type_is_accepted() {
        let check = |value: &'static str| {
            check_content_type(&HeaderMap::from_iter([(
                header::CONTENT_TYPE,
                HeaderValue::from_static(value),
            )]))
        };
        assert_eq!(check("application/json"), Ok(()));
        assert_eq!(check("Application/JSON; charset=utf-8"), Ok(()));
        for other in ["", "text/plain", "application/jsonp", "application/x-www-form-urlencoded"] {
            assert!(check(other).is_err(), "{other}");
        }
        assert!(check_content_type(&HeaderMap::new()).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_judged_without_panic(bytes: Vec<u8>) {
            let _verdict = read(&bytes);
        }

        #[test]
        fn any_name_is_read_back(name in "[^\0]*") {
            let body = serde_json::json!({ "name": name }).to_string();
            prop_assert_eq!(read(body.as_bytes()).map(|sample| sample.name), Ok(name));
        }

        #[test]
        fn json_like_texts_are_judged_without_panic(text in r#"[\[\]{}",:0-9a-z\\u. -]{0,200}"#) {
            let _verdict = read(text.as_bytes());
        }
    }
}
