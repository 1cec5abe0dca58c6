//! A user's profile, and changes to it (RFC 7396).

pub(crate) mod store;

use deserr::Deserr;
use jiff::Timestamp;
use serde::Serialize;
use unicode_normalization::UnicodeNormalization as _;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api::text::text_type;
use crate::api::{Change, Findings};
use crate::visible_text::{VisibleLine, is_visible_line, visible_part};

/// The longest language tag, in bytes.
const MAX_LOCALE: usize = 35;

/// A profile as its owner sees it.
// Purposefully without `Debug`, as all types here: the content is personal.
#[derive(Serialize, ToSchema)]
pub(crate) struct Profile {
    pub(crate) user_id: Uuid,
    #[schema(required, format = "idn-email")]
    pub(crate) email: Option<String>,
    #[schema(required)]
    pub(crate) login: Option<String>,
    #[schema(required)]
    pub(crate) display_name: Option<String>,
    #[schema(required)]
    pub(crate) first_name: Option<String>,
    #[schema(required)]
    pub(crate) last_name: Option<String>,
    #[schema(required)]
    pub(crate) phone: Option<String>,
    #[schema(required)]
    pub(crate) locale: Option<String>,
    /// Whether the address is known to be the user's own.
    pub(crate) email_verified: bool,
    /// Whether the user should be asked for another address, because the former one was that of another user.
    pub(crate) needs_email: bool,
    /// When the holder of the unproven address gets the account, unless a session objects; null if that is not so.
    #[schema(required)]
    pub(crate) recovery_at: Option<Timestamp>,
    /// Whether the user can sign in with a password; if not, `current_password` is omitted.
    pub(crate) has_password: bool,
    /// The providers with a linked account, in the order of linking.
    pub(crate) linked_providers: Vec<String>,
    /// The roles that the user has now, by name.
    pub(crate) roles: Vec<OwnRole>,
    pub(crate) is_superuser: bool,
    /// When you signed in, or proved the password again for this access token.
    pub(crate) auth_time: Timestamp,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    #[serde(skip)]
    pub(crate) version: i64,
}

/// A role of the user.
#[derive(Serialize, ToSchema)]
pub(crate) struct OwnRole {
    #[schema(pattern = "^[a-z][a-z0-9_-]{0,31}$")]
    pub(crate) name: String,
    /// The display name.
    #[schema(required, max_length = 64)]
    pub(crate) title: Option<String>,
}

text_type!(
    /// A name that other users may see.
    pub(crate) Name, name
);
text_type!(
    /// A telephone number.
    pub(crate) Phone, phone
);
text_type!(
    /// A language tag.
    pub(crate) Locale, locale
);

/// A merge patch (RFC 7396): a present member is set, null removes it, an absent member stays.
#[derive(Deserr, ToSchema)]
#[cfg_attr(test, derive(Debug, PartialEq, Eq))]
#[serde(deny_unknown_fields)]
#[deserr(error = Findings, deny_unknown_fields)]
pub(crate) struct ProfileChange {
    /// With at least one visible character, and without control characters, characters that change the direction of
    /// writing, and invisible characters; the same for the other names.
    #[deserr(default)]
    #[schema(value_type = Option<VisibleLine>)]
    pub(crate) display_name: Change<Name>,
    #[deserr(default)]
    #[schema(value_type = Option<VisibleLine>)]
    pub(crate) first_name: Change<Name>,
    #[deserr(default)]
    #[schema(value_type = Option<VisibleLine>)]
    pub(crate) last_name: Change<Name>,
    /// In E.164 form.
    #[deserr(default)]
    #[schema(value_type = Option<String>, pattern = "^\\+[1-9][0-9]{6,14}$")]
    pub(crate) phone: Change<Phone>,
    /// A language tag (BCP 47).
    #[deserr(default)]
    #[schema(value_type = Option<String>, max_length = 35, pattern = "^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*$")]
    pub(crate) locale: Change<Locale>,
}

impl Profile {
    /// The language tag, if one is set.
    pub(crate) fn locale(&self) -> Option<&str> {
        self.locale.as_deref()
    }

    /// How the user is addressed: by a name, or else by what the user signs in with.
    pub(crate) fn shown_name(&self) -> &str {
        let names = [&self.display_name, &self.first_name, &self.login, &self.email];
        names.into_iter().flatten().map(String::as_str).next().unwrap_or_default()
    }

    /// Incremented with every change; the strong validator of the profile (RFC 9110, section 8.8.3).
    pub(crate) fn version(&self) -> i64 {
        self.version
    }
}

/// A name in any script: NFC, 1 to 64 characters, which other people can see (`visible_text`).
fn name(text: &str) -> Result<String, &'static str> {
    let name: String = text.nfc().collect();
    match is_visible_line(&name) {
        true => Ok(name),
        false => Err(
            "A name must be 1 to 64 characters, with at least one visible character and no control characters.",
        ),
    }
}

/// The name that a provider returned, without what is not valid here.
pub(crate) fn name_from(text: &str) -> Option<String> {
    let normal: String = text.nfc().collect();
    // What is left out may make letters neighbours that form one letter.
    visible_part(&normal).and_then(|part| name(&part).ok())
}

/// E.164: a plus sign and 7 to 15 digits, the first not zero.
fn phone(text: &str) -> Result<String, &'static str> {
    let digits = text.strip_prefix('+').unwrap_or_default();
    let fits = (7..=15).contains(&digits.len())
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && !digits.starts_with('0');
    if fits { Ok(text.to_owned()) } else { Err("A phone number must have the form +79991234567.") }
}

/// A language tag of the usual form (BCP 47): a language of two or three letters, then subtags.
fn locale(text: &str) -> Result<String, &'static str> {
    let mut tags = text.split('-');
    let language = tags.next().unwrap_or_default();
    let begins = (2..=3).contains(&language.len()) && language.bytes().all(|byte| byte.is_ascii_alphabetic());
    let is_subtag =
        |tag: &str| (1..=8).contains(&tag.len()) && tag.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if begins && tags.all(is_subtag) && text.len() <= MAX_LOCALE {
        Ok(text.to_owned())
    } else {
        Err("A locale must be a language tag such as ru or ru-RU.")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn change(json: &str) -> Result<ProfileChange, Findings> {
        deserr::deserialize(serde_json::from_str::<serde_json::Value>(json).unwrap())
    }

    #[test]
    fn absent_null_and_given_are_three_things() {
        let change = change(r#"{"first_name": null, "last_name": "Андерсон"}"#).unwrap();
        assert_eq!(change.display_name, Change::Keep);
        assert_eq!(change.first_name, Change::Clear);
        assert_eq!(change.last_name, Change::Set(Name("Андерсон".to_owned())));
    }

    #[test]
    fn other_members_are_refused() {
        for json in
            [r#"{"is_superuser": true}"#, r#"{"email": "a@b.org"}"#, r#"{"roles": []}"#, r#"{"user_id": ""}"#]
        {
            assert!(change(json).is_err(), "{json}");
        }
    }

    #[test]
    fn values_have_their_form() {
        for good in [
            r#"{"display_name": "Нео 🎬"}"#,
            r#"{"phone": "+79991234567"}"#,
            r#"{"locale": "ru"}"#,
            r#"{"locale": "zh-Hant-TW"}"#,
        ] {
            assert!(change(good).is_ok(), "{good}");
        }
        let long = format!(r#"{{"display_name": "{}"}}"#, "a".repeat(65));
        for bad in [
            r#"{"display_name": ""}"#,
            r#"{"display_name": "   "}"#,
            r#"{"display_name": "a\nb"}"#,
            &long,
            r#"{"phone": "89991234567"}"#,
            r#"{"phone": "+0123456789"}"#,
            r#"{"phone": "+7999123456789012"}"#,
            r#"{"phone": "+7 999 1234567"}"#,
            r#"{"locale": "r"}"#,
            r#"{"locale": "ru_RU"}"#,
            r#"{"locale": "ru-"}"#,
            r#"{"locale": "рус"}"#,
        ] {
            assert!(change(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_taken_or_refused_without_panic(text: String) {
            for check in [name, phone, locale] {
                if let Ok(kept) = check(&text) {
                    prop_assert!(!kept.chars().any(char::is_control));
                    prop_assert_eq!(check(&kept), Ok(kept));
                }
            }
        }
    }
}
