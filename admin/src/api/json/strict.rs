//! Checks whether a text is acceptable JSON, before it is parsed into a type.

use std::cell::Cell;
use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use crate::api::{Code, Problem};

/// The deepest allowed nesting of objects and arrays.
const MAX_DEPTH: usize = 8;

/// Refuses a text that is not JSON, repeats a key, or nests too deeply. Returns whether it contains U+0000, which
/// the form refuses together with all other errors.
pub(super) fn check(body: &[u8]) -> Result<bool, Problem> {
    let nul = Cell::new(false);
    let mut json = serde_json::Deserializer::from_slice(body);
    let read = Value { depth: 0, nul: &nul }.deserialize(&mut json).and_then(|()| json.end());
    match read {
        Err(error) => {
            let place = format!("line {}, column {}", error.line(), error.column());
            Err(Problem::new(Code::RequestMalformed).detail(format!("{} ({place}).", sentence(&error))))
        }
        Ok(()) => Ok(nul.get()),
    }
}

const REPEATED: &str = "a key is repeated";
const TOO_DEEP: &str = "it nests too deeply";

/// Never serde's own message, which repeats text from the client.
fn sentence(error: &serde_json::Error) -> &'static str {
    let words = error.to_string();
    if words.starts_with(REPEATED) {
        "The body contains a repeated key"
    } else if words.starts_with(TOO_DEEP) {
        "The body is nested deeper than eight levels"
    } else {
        "The body is not valid JSON"
    }
}

/// Visits any value and keeps nothing of it.
#[derive(Clone, Copy)]
struct Value<'n> {
    depth: usize,
    nul: &'n Cell<bool>,
}

impl Value<'_> {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        if self.depth >= MAX_DEPTH {
            return Err(E::custom(TOO_DEEP));
        }
        Ok(Self { depth: self.depth + 1, nul: self.nul })
    }

    fn look_for_nul(self, text: &str) {
        if text.contains('\0') {
            self.nul.set(true);
        }
    }
}

impl<'de> DeserializeSeed<'de> for Value<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.look_for_nul(text);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let inner = self.deeper()?;
        while items.next_element_seed(inner)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let inner = self.deeper()?;
        let mut seen = HashSet::new();
        while let Some(key) = members.next_key::<String>()? {
            self.look_for_nul(&key);
            members.next_value_seed(inner)?;
            if !seen.insert(key) {
                return Err(A::Error::custom(REPEATED));
            }
        }
        Ok(())
    }
}
