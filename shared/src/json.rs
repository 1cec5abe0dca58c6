//! JSON from outside, read strictly.
//!
//! The code that serde derives for a struct also accepts an array with the fields in their order, and a map of
//! `serde_json` keeps the last of two members with one name. Both would let two programs read one text differently
//! (RFC 8725, section 2.4), so every document of a client, a provider, an issuer or a store is read here.

mod elements;
mod members;
mod objects;

use serde::de::{Deserialize, DeserializeOwned, Deserializer};
use serde_json::{Error, Map, Value};

pub use elements::elements;
use members::OneMeaning;
pub use objects::ObjectsOnly;

/// Reads a `T`. A struct in it, at any depth, is read from an object, never from an array.
///
/// # Errors
///
/// If the bytes are not JSON, or not a `T`.
pub fn from_slice<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let read = T::deserialize(ObjectsOnly(&mut json))?;
    json.end()?;
    Ok(read)
}

/// The same from a value that has been read before.
///
/// # Errors
///
/// If the value is not a `T`.
pub fn from_value<'v, T: Deserialize<'v>>(value: &'v Value) -> Result<T, Error> {
    T::deserialize(ObjectsOnly(value))
}

/// Reads any JSON. An object that names a member twice has no one meaning, and is read as null.
///
/// # Errors
///
/// If the bytes are not JSON.
pub fn value(bytes: &[u8]) -> Result<Value, Error> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = json.deserialize_any(OneMeaning)?;
    json.end()?;
    Ok(value)
}

/// The members of an object; `None` if the bytes are not JSON, not an object, or an object that names a member twice.
pub fn object(bytes: &[u8]) -> Option<Map<String, Value>> {
    match value(bytes) {
        Ok(Value::Object(members)) => Some(members),
        Ok(_) | Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Serialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, Default, Clone, PartialEq, Serialize, serde::Deserialize)]
    struct Outer {
        name: String,
        inner: Option<Inner>,
        many: Vec<Inner>,
        kind: Kind,
    }

    #[derive(Debug, Default, Clone, PartialEq, Serialize, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        number: i64,
    }

    #[derive(Debug, Default, Clone, PartialEq, Serialize, serde::Deserialize)]
    enum Kind {
        #[default]
        Plain,
        Wrapped(Inner),
        Named {
            number: i64,
        },
        Pair(i64, i64),
    }

    fn read(text: &str) -> Option<Outer> {
        let read = from_slice(text.as_bytes()).ok();
        // A value that was read before gives the same.
        let value: Option<Value> = value(text.as_bytes()).ok();
        assert_eq!(read, value.and_then(|value| from_value(&value).ok()), "{text}");
        read
    }

    #[test]
    fn a_struct_is_read_from_an_object_alone_at_every_depth() {
        for valid in [
            r#"{"name":"a","inner":null,"many":[],"kind":"Plain"}"#,
            r#"{"name":"a","inner":{"number":1},"many":[{"number":2}],"kind":{"Wrapped":{"number":3}},"other":[1]}"#,
            r#"{"name":"a","many":[],"kind":{"Named":{"number":3}}}"#,
            r#"{"name":"a","many":[],"kind":{"Pair":[3,4]}}"#,
        ] {
            assert!(read(valid).is_some(), "{valid}");
        }
        for array in [
            r#"["a",null,[],"Plain"]"#,
            r#"{"name":"a","inner":[1],"many":[],"kind":"Plain"}"#,
            r#"{"name":"a","inner":null,"many":[[2]],"kind":"Plain"}"#,
            r#"{"name":"a","inner":null,"many":[],"kind":{"Wrapped":[3]}}"#,
            r#"{"name":"a","inner":null,"many":[],"kind":{"Named":[3]}}"#,
        ] {
            assert_eq!(read(array), None, "{array}");
            assert!(
                array.starts_with('[') || serde_json::from_str::<Outer>(array).is_ok(),
                "serde accepts {array}"
            );
        }
    }

    #[test]
    fn nothing_follows_the_document() {
        assert!(from_slice::<Inner>(br#"{"number":1} "#).is_ok());
        for more in [&br#"{"number":1}{}"#[..], br#"{"number":1} x"#] {
            assert!(from_slice::<Inner>(more).is_err() && value(more).is_err());
        }
    }

    #[test]
    fn an_object_that_names_a_member_twice_is_null() {
        assert_eq!(value(br#"{"a":{"b":1,"b":1},"c":[2]}"#).unwrap(), json!({ "a": null, "c": [2] }));
        assert_eq!(object(br#"{"a":1,"\u0061":2}"#), None);
        assert_eq!(object(b"[]"), None);
        assert_eq!(object(br#"{"a":1}"#).unwrap().get("a"), Some(&json!(1)));
    }

    #[test]
    fn numbers_that_json_cannot_have_are_refused() {
        for number in ["NaN", "Infinity", "1e999", "01", "0x1", "+1", ".5"] {
            assert!(value(format!(r#"{{"a":{number}}}"#).as_bytes()).is_err(), "{number}");
        }
        assert!(from_slice::<Inner>(br#"{"number":1.0}"#).is_err());
    }

    #[test]
    fn depth_is_limited() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(value(nested(100).as_bytes()).is_ok());
        assert!(value(nested(100_000).as_bytes()).is_err());
    }

    fn kinds() -> impl Strategy<Value = Kind> {
        let inner = any::<i64>().prop_map(|number| Inner { number });
        prop_oneof![
            Just(Kind::Plain),
            inner.prop_map(Kind::Wrapped),
            any::<i64>().prop_map(|number| Kind::Named { number }),
            any::<(i64, i64)>().prop_map(|(one, two)| Kind::Pair(one, two)),
        ]
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_back(
            name: String, inner: Option<i64>, many in prop::collection::vec(any::<i64>(), 0..4), kind in kinds(),
        ) {
            let inner = inner.map(|number| Inner { number });
            let many = many.into_iter().map(|number| Inner { number }).collect();
            let outer = Outer { name, inner, many, kind };
            prop_assert_eq!(read(&serde_json::to_string(&outer).unwrap()), Some(outer));
        }

        #[test]
        fn json_like_texts_are_read_or_refused_without_panic(text in r#"[\[\]{}",:0-9a-z\\u. -]{0,200}"#) {
            let strict = value(text.as_bytes()).is_ok();
            prop_assert_eq!(strict, serde_json::from_str::<Value>(&text).is_ok());
            let _any = read(&text);
        }
    }
}
