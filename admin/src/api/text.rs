//! Values of forms, queries and paths that are written as text.

use deserr::{Deserr, ErrorKind, IntoValue, Value, ValueKind, ValuePointerRef, take_cf_content};
use jiff::Timestamp;
use shared::permission::{Pattern, Permission};
use shared::role::RoleName;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::fields::{Findings, Invalid};
use super::problem::sentence;
use crate::actor::DeviceText;
use crate::passwords::Password;

/// The first moment that is too late: no entry of this service lies beyond it, and every program can represent it.
const END_OF_TIME: &str = "2200-01-01T00:00:00Z";
/// The same in seconds since 1970.
const END_OF_TIME_SECONDS: i64 = 7_258_118_400;

/// A value that is written as text.
pub(crate) trait FromText: Sized {
    /// Reads it.
    ///
    /// # Errors
    ///
    /// The error of the text.
    fn from_text(text: &str) -> Result<Self, Invalid>;
}

/// Lets members of forms have these types, each of which is read from text.
macro_rules! impl_read_as_text {
    ($($type:ty),+ $(,)?) => {
        $(impl ::deserr::Deserr<$crate::api::Findings> for $type {
            fn deserialize_from_value<V: ::deserr::IntoValue>(
                value: ::deserr::Value<V>,
                location: ::deserr::ValuePointerRef<'_>,
            ) -> Result<Self, $crate::api::Findings> {
                $crate::api::text::read(value, location)
            }
        })+
    };
}

/// Declares a type for texts that the function `$read` accepts and normalises.
macro_rules! define_text_type {
    ($(#[$doc:meta])* $visible:vis $name:ident, $read:path) => {
        $(#[$doc])*
        #[cfg_attr(test, derive(Debug, PartialEq, Eq))]
        $visible struct $name(String);

        impl $crate::api::text::FromText for $name {
            fn from_text(text: &str) -> Result<Self, $crate::api::Invalid> {
                $read(text).map(Self).map_err($crate::api::Invalid::form)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl From<$name> for String {
            fn from(text: $name) -> Self {
                text.0
            }
        }

        $crate::api::text::read_as_text!($name);
    };
}

pub(crate) use {define_text_type as text_type, impl_read_as_text as read_as_text};

text_type!(
    /// Any text without U+0000.
    pub(crate) Text, any
);

text_type!(
    /// 256 random bits as this service writes them, and the S256 challenge of a client: 43 letters of base64url.
    pub(crate) Opaque, opaque
);

fn any(text: &str) -> Result<String, &'static str> {
    Ok(text.to_owned())
}

fn opaque(text: &str) -> Result<String, &'static str> {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if text.len() == 43 && text.bytes().all(is_letter) {
        Ok(text.to_owned())
    } else {
        Err("Must be 43 characters of A-Z, a-z, 0-9, - and _.")
    }
}

/// Reads a member that must be a string.
pub(crate) fn read<T: FromText, V: IntoValue>(
    value: Value<V>,
    location: ValuePointerRef<'_>,
) -> Result<T, Findings> {
    let text = match value {
        // It may be a password.
        Value::String(text) => Zeroizing::new(text),
        actual => {
            let kind = ErrorKind::IncorrectValueKind { actual, accepted: &[ValueKind::String] };
            return Err(take_cf_content(<Findings as deserr::DeserializeError>::error(None, kind, location)));
        }
    };
    let read = if text.contains('\0') { Err(Invalid::form(NO_NUL)) } else { T::from_text(&text) };
    read.map_err(|invalid| Findings::of_value(location, invalid))
}

/// Why a text with this character is refused: PostgreSQL cannot store it.
pub(super) const NO_NUL: &str = "Must not contain U+0000.";

/// A list of at most `MOST` values, as a set. More values are refused before any of them is read.
#[cfg_attr(test, derive(Debug, PartialEq, Eq))]
pub(crate) struct BoundedSet<T: Ord, const LEAST: usize, const MOST: usize>(std::collections::BTreeSet<T>);

impl<T: Ord, const LEAST: usize, const MOST: usize> BoundedSet<T, LEAST, MOST> {
    /// The values.
    pub(crate) fn into_set(self) -> std::collections::BTreeSet<T> {
        self.0
    }
}

impl<T: Ord, const LEAST: usize, const MOST: usize> Default for BoundedSet<T, LEAST, MOST> {
    fn default() -> Self {
        Self(std::collections::BTreeSet::new())
    }
}

impl<T, const LEAST: usize, const MOST: usize> Deserr<Findings> for BoundedSet<T, LEAST, MOST>
where
    T: Deserr<Findings> + Ord,
{
    fn deserialize_from_value<V: IntoValue>(
        value: Value<V>,
        location: ValuePointerRef<'_>,
    ) -> Result<Self, Findings> {
        if let Value::Sequence(items) = &value {
            let length = deserr::Sequence::len(items);
            if !(LEAST..=MOST).contains(&length) {
                let invalid = Invalid::form(format!("Must have {LEAST} to {MOST} entries; got {length}."));
                return Err(Findings::of_value(location, invalid));
            }
        }
        Vec::<T>::deserialize_from_value(value, location).map(|items| Self(items.into_iter().collect()))
    }
}

impl FromText for Password {
    fn from_text(text: &str) -> Result<Self, Invalid> {
        Ok(Self::new(text))
    }
}

impl FromText for Uuid {
    fn from_text(text: &str) -> Result<Self, Invalid> {
        uuid(text).ok_or_else(|| Invalid::form("Must be a UUID."))
    }
}

impl FromText for RoleName {
    fn from_text(text: &str) -> Result<Self, Invalid> {
        text.parse().map_err(|why| Invalid { code: "role_name_invalid", sentence: sentence(why) })
    }
}

impl FromText for Pattern {
    fn from_text(text: &str) -> Result<Self, Invalid> {
        text.parse().map_err(|why| Invalid { code: "permission_invalid", sentence: sentence(why) })
    }
}

impl FromText for Permission {
    fn from_text(text: &str) -> Result<Self, Invalid> {
        text.parse().map_err(|why| Invalid { code: "permission_invalid", sentence: sentence(why) })
    }
}

impl FromText for Timestamp {
    fn from_text(text: &str) -> Result<Self, Invalid> {
        moment(text).ok_or_else(|| {
            Invalid::form(format!(
                "Must be a time (RFC 3339) from 1970-01-01T00:00:00Z to before {END_OF_TIME}, such as \
                2027-01-31T00:00:00Z."
            ))
        })
    }
}

/// What a client presents as its device token is checked later: with a token that is not valid it is an unknown device.
impl FromText for DeviceText {
    fn from_text(text: &str) -> Result<Self, Invalid> {
        let is_visible = text.bytes().all(|byte| byte.is_ascii_graphic());
        Self::new(text)
            .filter(|_| is_visible)
            .ok_or_else(|| Invalid::form("Must be 1 to 512 characters of visible ASCII."))
    }
}

read_as_text!(Password, DeviceText, Uuid, RoleName, Pattern, Permission, Timestamp);

/// A UUID in its usual form, with hyphens (RFC 9562, section 4).
pub(crate) fn uuid(text: &str) -> Option<Uuid> {
    text.parse().ok().filter(|_| text.len() == 36)
}

/// A time within the bounds of this service (RFC 3339, section 5.6).
pub(crate) fn moment(text: &str) -> Option<Timestamp> {
    let moment: Timestamp = is_rfc_3339(text).then(|| text.parse().ok())??;
    (0..END_OF_TIME_SECONDS).contains(&moment.as_second()).then_some(moment)
}

/// Whether the text has the characters of RFC 3339 at their places. The parser accepts further forms.
fn is_rfc_3339(text: &str) -> bool {
    let follows = |text: &str, form: &str| {
        text.len() == form.len()
            && text.bytes().zip(form.bytes()).all(|(byte, form)| match form {
                b'0' => byte.is_ascii_digit(),
                _ => byte.eq_ignore_ascii_case(&form),
            })
    };
    let Some((start, rest)) = text.split_at_checked(19) else { return false };
    let rest = match rest.strip_prefix('.') {
        None => rest,
        Some(fraction) => match fraction.trim_start_matches(|digit: char| digit.is_ascii_digit()) {
            rest if (1..=9).contains(&(fraction.len() - rest.len())) => rest,
            _ => return false,
        },
    };
    let is_offset = ["z", "+00:00", "-00:00"].iter().any(|form| follows(rest, form));
    follows(start, "0000-00-00t00:00:00") && is_offset
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn times_follow_rfc_3339() {
        for good in [
            "2027-01-31T00:00:00Z",
            "2027-01-31t00:00:00z",
            "2027-01-31T03:00:00+03:00",
            "2027-01-31T00:00:00.123456789-00:30",
            "1970-01-01T00:00:00Z",
            "2199-12-31T23:59:59.999999999Z",
            "2200-01-01T01:00:00+01:30",
        ] {
            assert!(moment(good).is_some(), "{good}");
        }
        for bad in [
            "",
            "2027-01-31",
            "2027-01-31 00:00:00Z",
            "2027-01-31T00:00:00",
            "2027-01-31T00:00:00+03",
            "2027-01-31T00:00Z",
            "2027-02-30T00:00:00Z",
            "2027-01-31T24:00:00Z",
            "2027-01-31T00:00:00.Z",
            "2027-01-31T00:00:00Z[UTC]",
            "2027-01-31T00:00:00+01:00[Europe/Berlin]",
            "20270131T000000Z",
            "+002027-01-31T00:00:00Z",
            "-000001-01-31T00:00:00Z",
            "1969-12-31T23:59:59Z",
            "2200-01-01T00:00:00Z",
            "9999-12-31T23:59:59Z",
            "99999-12-31T23:59:59Z",
            "infinity",
            "2027-01-31T00:00:0\u{661}Z",
        ] {
            assert_eq!(moment(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_bound_is_what_its_sentence_says() {
        let end: Timestamp = END_OF_TIME.parse().unwrap();
        assert_eq!(end.as_second(), END_OF_TIME_SECONDS);
    }

    #[test]
    fn a_uuid_has_hyphens() {
        let text = "0193a1b2-7c4d-7e8f-9a0b-1c2d3e4f5a6b";
        assert!(uuid(text).is_some() && uuid(&text.to_uppercase()).is_some());
        for bad in [&text.replace('-', ""), &format!("{{{text}}}"), &format!("urn:uuid:{text}"), ""] {
            assert_eq!(uuid(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text: String) {
            let _any = (moment(&text), uuid(&text));
        }

        #[test]
        fn text_of_such_characters_is_read_without_panic(text in "[0-9TtZz:.+ \\-]{0,40}") {
            if let Some(moment) = moment(&text) {
                prop_assert!((0..END_OF_TIME_SECONDS).contains(&moment.as_second()));
            }
        }
    }
}
