//! Strict JSON: no repeated keys, no U+0000, no deep nesting, no unknown fields, nothing after the end.

mod strict;

use http::{HeaderMap, header};

use super::form::{self, Form};
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

/// The members of `body`, which must be strict JSON and an object.
pub(super) fn parse(body: &[u8]) -> Result<Form, Problem> {
    let has_nul = strict::check(body)?;
    match serde_json::from_slice(body) {
        Ok(value) => form::of(value, has_nul),
        // Strict JSON is JSON.
        Err(_never) => Err(Problem::new(Code::RequestMalformed)),
    }
}

impl Form {
    /// The members of a text that is one JSON object, strictly as in a request.
    ///
    /// # Errors
    ///
    /// 400 `request_malformed`; 422 `validation_failed` if it is not an object.
    pub(crate) fn parse(json: &[u8]) -> Result<Self, Problem> {
        parse(json)
    }
}

#[cfg(test)]
mod tests {
    use deserr::Deserr;
    use http::HeaderValue;
    use proptest::prelude::*;
    use serde_json::Value;
    use shared::request_id::RequestId;
    use uuid::Uuid;

    use super::*;
    use crate::api::text::{BoundedSet, text_type};
    use crate::api::{Change, Findings};

    text_type!(Name, name);

    fn name(text: &str) -> Result<String, &'static str> {
        if text.len() < 100 { Ok(text.to_owned()) } else { Err("Too long.") }
    }

    #[derive(Debug, PartialEq, Deserr)]
    #[deserr(error = Findings, deny_unknown_fields)]
    struct Sample {
        name: Name,
        #[deserr(default)]
        inner: Option<Inner>,
        #[deserr(default)]
        user: Change<Uuid>,
        #[deserr(default)]
        users: BoundedSet<Uuid, 0, 2>,
    }

    #[derive(Debug, PartialEq, Deserr)]
    #[deserr(error = Findings, deny_unknown_fields)]
    struct Inner {
        is_old: bool,
    }

    fn read(body: &[u8]) -> Result<Sample, Code> {
        parse(body).and_then(Form::finish).map_err(|problem| problem.code())
    }

    /// The fields and codes as a client sees them.
    fn wrong_fields(body: &[u8]) -> String {
        let problem = parse(body).and_then(Form::finish::<Sample>).unwrap_err();
        let body: Value =
            serde_json::from_slice(problem.respond(&RequestId::of(uuid::Uuid::nil())).body()).unwrap();
        let errors = body["errors"].as_array().cloned().unwrap_or_default();
        let word = |error: &Value| format!("{} {}", error["field"], error["code"]).replace('"', "");
        errors.iter().map(word).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn a_valid_body_is_read() {
        let sample = read(br#" {"name": "Anna", "inner": {"is_old": true}, "user": null} "#).unwrap();
        assert_eq!(sample.name.as_ref(), "Anna");
        assert_eq!(sample.inner, Some(Inner { is_old: true }));
        assert_eq!(sample.user, Change::Clear);
        assert_eq!(read(br#"{"name": "Anna", "inner": null}"#).unwrap().user, Change::Keep);
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
            b"{\"name\": \"a\", \"inner\": {\"is_old\": true, \"is_old\": true}}",
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
        // Serde would accept an array with the fields in their order.
        assert_eq!(wrong_fields(br#"{"name": "a", "inner": [true]}"#), "inner field_invalid");
        for wrong in ["7", "null", "[]", "{}", "true", "1.5", r#""\u0000""#] {
            let body = format!(r#"{{"name": {wrong}}}"#);
            assert_eq!(wrong_fields(body.as_bytes()), "name field_invalid", "{wrong}");
        }
        assert_eq!(wrong_fields(br#"{"name": "a", "inner": {"is_old": 1}}"#), "inner.is_old field_invalid");
        assert_eq!(wrong_fields(br#"{"name": "a", "inner": {}}"#), "inner.is_old field_missing");
    }

    #[test]
    fn every_wrong_field_is_named_in_one_round() {
        assert_eq!(
            wrong_fields(
                br#"{"x": 1, "y": "", "user": "me", "inner": {"z": 1}, "users": ["a", 7], "na\u0000": 1}"#
            ),
            "inner.z field_unknown, inner.is_old field_missing, na\\u0000 field_unknown, user field_invalid, \
             users[0] field_invalid, users[1] field_invalid, x field_unknown, y field_unknown, name field_missing"
        );
    }

    #[test]
    fn a_list_that_is_too_long_is_one_error() {
        let body = r#"{"name": "a", "users": ["a", "b", "c"]}"#;
        assert_eq!(wrong_fields(body.as_bytes()), "users field_invalid");
    }

    #[test]
    fn a_body_of_unknown_names_has_no_endless_answer() {
        let names: Vec<String> = (0..2000).map(|number| format!("\"{number}\": 1")).collect();
        let body = format!("{{{}}}", names.join(","));
        assert_eq!(wrong_fields(body.as_bytes()).split(", ").count(), 256);
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
            let read = read(body.as_bytes()).map(|sample| String::from(sample.name));
            prop_assert_eq!(read, if name.len() < 100 { Ok(name) } else { Err(Code::ValidationFailed) });
        }

        #[test]
        fn json_like_texts_are_judged_without_panic(text in r#"[\[\]{}",:0-9a-z\\u. -]{0,200}"#) {
            let _verdict = read(text.as_bytes());
        }
    }
}
