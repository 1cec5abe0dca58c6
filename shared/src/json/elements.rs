//! The elements of an array, each to be read by itself: one that cannot be read costs no other.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The elements of the array `member` of an object, unread; `None` if the text is not JSON, not an object, or has no such array,
/// or the member twice.
///
/// Nothing else of the object is read, so a number too large for a float or half a surrogate pair in another member does no harm.
pub fn elements<'t>(text: &'t [u8], member: &'static str) -> Option<Vec<&'t RawValue>> {
    let mut json = serde_json::Deserializer::from_slice(text);
    let array = json.deserialize_map(Member(member)).ok().flatten()?;
    json.end().ok()?;
    // Serde would also read an object as a list of its values.
    if !array.get().starts_with('[') {
        return None;
    }
    Vec::deserialize(&mut serde_json::Deserializer::from_str(array.get())).ok()
}

/// Finds one member of an object.
struct Member(&'static str);

impl<'de> Visitor<'de> for Member {
    type Value = Option<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(name) = members.next_key::<&RawValue>()? {
            let value: &RawValue = members.next_value()?;
            // Names may be escaped; one that cannot be read is another one.
            if serde_json::from_str::<String>(name.get()).is_ok_and(|name| name == self.0)
                && found.replace(value).is_some()
            {
                return Err(A::Error::custom("a member is there twice"));
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Option<Vec<&str>> {
        elements(text.as_bytes(), "keys").map(|all| all.into_iter().map(RawValue::get).collect())
    }

    #[test]
    fn elements_are_found_whatever_else_there_is() {
        assert_eq!(read(r#"{"keys":[1, {"a":[2]} ,"x"]}"#).unwrap(), ["1", r#"{"a":[2]}"#, r#""x""#]);
        let deep = format!("{}{}", "[".repeat(1000), "]".repeat(1000));
        for odd in [r#""\ud800""#, "1e999", &deep, r#"{"a":1,"a":2}"#] {
            let text = format!(r#"{{"other":{odd},"\ud800":1,"\u006beys":[{odd},true]}}"#);
            assert_eq!(read(&text).unwrap(), [odd, "true"], "{text}");
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for other in [
            "",
            "[]",
            "null",
            "{}",
            r#"{"keys":{}}"#,
            r#"{"keys":null}"#,
            r#"{"keys":[1]"#,
            r#"{"keys":[1]}x"#,
            r#"{"keys":[1,]}"#,
            r#"{"keys":[],"keys":[]}"#,
            r#"{"keys":[],"\u006beys":[]}"#,
            r#"{"keys":[01]}"#,
            r#"["keys",[1]]"#,
        ] {
            assert_eq!(read(other), None, "{other}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_without_panic(text in r#"[\[\]{}",:0-9keys\\u. -]{0,200}"#) {
            let _any = read(&text);
        }
    }
}
