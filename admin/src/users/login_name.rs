//! A login name, and the key under which it is unique.

use std::fmt;
use std::str::FromStr;

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;
use unicode_security::MixedScript as _;

use super::EmailAddress;
use super::skeleton::skeleton;
use crate::api::text::{FromText, read_as_text};
use crate::api::{Invalid, sentence};
use crate::visible_text::is_typed;

/// The shortest and the longest login name, in characters.
pub(super) const LENGTH: std::ops::RangeInclusive<usize> = 3..=64;

/// Names that could pass for staff or the system, or that programs treat as empty.
const RESERVED: [&str; 28] = [
    "abuse",
    "account",
    "admin",
    "administrator",
    "anonymous",
    "api",
    "auth",
    "cinema",
    "everyone",
    "guest",
    "help",
    "hostmaster",
    "info",
    "moderator",
    "nobody",
    "noreply",
    "null",
    "owner",
    "postmaster",
    "root",
    "security",
    "service",
    "superuser",
    "support",
    "system",
    "undefined",
    "usher",
    "webmaster",
];

/// A login name: 3 to 64 letters, digits, `.`, `_` and `-`, beginning with a letter or a digit. Letters may have
/// combining marks, which count.
///
/// Never contains `@`, so a login name is never an e-mail address. Two names are the same when their keys are
/// equal: lower case, Unicode form NFKC. A new name is of one script and must not look like another one (UTS 39).
#[derive(Clone, PartialEq, Eq)]
pub struct LoginName {
    typed: Box<str>,
    key: Box<str>,
}

/// The identifier that a user enters to sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identifier {
    /// Looked up by the key of an e-mail address.
    Email(EmailAddress),
    /// Looked up by the key of a login name.
    Login(LoginName),
    /// No account can have this name. It is looked up all the same, so that the time reveals nothing.
    Invalid,
}

/// Why a text is not a valid login name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LoginError {
    /// Malformed.
    #[error(
        "a login name must be 3 to 64 letters, digits, dots, hyphens and underscores, and begin with a \
        letter or a digit"
    )]
    Malformed,
    /// Letters of several scripts, such as Latin and Cyrillic.
    #[error("a login name must not mix letters of different alphabets")]
    MixedScripts,
    /// Reserved, or looks like a reserved name.
    #[error("this login name is reserved, or looks like a reserved name; choose another")]
    Reserved,
}

impl LoginName {
    /// As typed, in NFKC.
    pub fn as_str(&self) -> &str {
        &self.typed
    }

    /// The key for comparison.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// What all names that look like this one have in common.
    pub(crate) fn skeleton(&self) -> String {
        skeleton(&self.key)
    }

    /// Parses a name without the rules for new ones: an account that has such a name may sign in with it. Spaces
    /// around it do not belong to it.
    fn read(text: &str) -> Result<Self, LoginError> {
        let text = text.trim();
        // Compatibility characters become longer under NFKC, so the length is checked before and after.
        if !LENGTH.contains(&text.chars().take(LENGTH.end() + 1).count()) {
            return Err(LoginError::Malformed);
        }
        let typed: String = text.nfkc().collect();
        let key: String = typed.to_lowercase().nfkc().collect();
        // Lower case may have more characters.
        if has_the_form(&typed) && has_the_form(&key) {
            Ok(Self { typed: typed.into(), key: key.into() })
        } else {
            Err(LoginError::Malformed)
        }
    }
}

fn has_the_form(name: &str) -> bool {
    let mut follows_letter = false;
    let fits = name.chars().all(|character| {
        let is_letter = character.is_alphanumeric();
        let fits = is_letter || "._-".contains(character) || follows_letter && is_combining_mark(character);
        follows_letter = fits && !"._-".contains(character);
        fits
    });
    fits && name.starts_with(char::is_alphanumeric) && LENGTH.contains(&name.chars().count())
}

impl FromStr for LoginName {
    type Err = LoginError;

    fn from_str(text: &str) -> Result<Self, LoginError> {
        let login = Self::read(text)?;
        if !login.as_str().chars().all(is_typed) {
            return Err(LoginError::Malformed);
        }
        if !login.key().is_single_script() {
            return Err(LoginError::MixedScripts);
        }
        // Punctuation does not make a reserved name available.
        let bare: String = login.key.chars().filter(|letter| letter.is_alphanumeric()).collect();
        let looks = skeleton(&bare);
        let is_reserved = RESERVED.iter().any(|name| looks == skeleton(name));
        if is_reserved { Err(LoginError::Reserved) } else { Ok(login) }
    }
}

impl FromText for LoginName {
    fn from_text(text: &str) -> Result<Self, Invalid> {
        text.parse().map_err(|why: LoginError| Invalid { code: why.code(), sentence: sentence(why) })
    }
}

read_as_text!(LoginName);

/// Purposefully prints nothing, as for an e-mail address.
impl fmt::Debug for LoginName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LoginName")
    }
}

impl LoginError {
    /// A stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Malformed => "login_invalid",
            Self::MixedScripts => "login_mixed_scripts",
            Self::Reserved => "login_reserved",
        }
    }
}

impl Identifier {
    /// The key by which its account is found; empty if no account can have this name.
    pub fn key(&self) -> &str {
        match self {
            Self::Email(email) => email.key(),
            Self::Login(login) => login.key(),
            Self::Invalid => "",
        }
    }

    /// The account that the text may identify: by e-mail address if it contains `@`, else by login name.
    pub fn read(text: &str) -> Self {
        if text.contains('@') { Self::email(text) } else { Self::login(text) }
    }

    /// The account with this text as its e-mail address.
    pub fn email(text: &str) -> Self {
        EmailAddress::read(text).map_or(Self::Invalid, Self::Email)
    }

    /// The account with this text as its login name.
    pub fn login(text: &str) -> Self {
        LoginName::read(text).map_or(Self::Invalid, Self::Login)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_follow_the_form() {
        for good in [
            "neo",
            "Neo_1",
            "trinity-2.0",
            "Нео",
            "7of9",
            "नमस्ते",
            "İbo",
            "Straße",
            " neo ",
            "\u{3000}neo\n",
            &"a".repeat(64),
        ] {
            assert!(good.parse::<LoginName>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "ne",
            &"a".repeat(65),
            "neo@matrix",
            "neo anderson",
            " ne",
            "neo\0",
            "neo.\u{301}",
            "\u{301}neo",
            "-neo",
            "_neo",
            ".neo",
            "neo/..",
            "n<o",
            // Two letters in NFKC, three characters in lower case.
            "I\u{307}x",
            "\u{fdfa}\u{fdfa}\u{fdfa}\u{fdfa}\u{fdfa}",
        ] {
            assert_eq!(bad.parse::<LoginName>(), Err(LoginError::Malformed), "{bad:?}");
        }
    }

    #[test]
    fn reserved_names_are_refused_in_every_spelling() {
        assert!(RESERVED.is_sorted());
        for bad in [
            "admin",
            "ADMIN",
            "a.d.m.i.n",
            "Root",
            "super-user",
            "ａｄｍｉｎ",
            "r00t",
            "adrnin",
            "nu11",
            " admin ",
        ] {
            assert_eq!(bad.parse::<LoginName>(), Err(LoginError::Reserved), "{bad}");
        }
    }

    #[test]
    fn a_new_name_is_of_one_script() {
        for mixed in ["аdmin", "нeo", "ne\u{3bf}", "боss"] {
            assert_eq!(mixed.parse::<LoginName>(), Err(LoginError::MixedScripts), "{mixed}");
            assert!(matches!(Identifier::read(mixed), Identifier::Login(_)), "{mixed}");
        }
        for one in ["нео-2.0", "日本の人", "한국어漢字", "ñandú"] {
            assert!(one.parse::<LoginName>().is_ok(), "{one}");
        }
    }

    #[test]
    fn the_lower_case_form_is_the_same_name() {
        for name in ["İbo", "Straße", "ΝΊΚΟΣ", "ΝΊΚΟΣ.Α", "ǅoka", "ﬁlm"] {
            let Identifier::Login(login) = Identifier::login(name) else { panic!("{name}") };
            for other in [login.key(), login.as_str(), &login.as_str().to_lowercase(), &name.to_lowercase()] {
                assert_eq!(
                    Identifier::login(other),
                    Identifier::Login(LoginName {
                        typed: other.nfkc().collect::<String>().into(),
                        ..login.clone()
                    }),
                    "{other}"
                );
            }
        }
    }

    #[test]
    fn spaces_around_a_name_do_not_count() {
        let longest = "a".repeat(*LENGTH.end());
        let spaces = " ".repeat(1000);
        for text in [format!("{longest} "), format!(" {longest}"), format!("{spaces}{longest}{spaces}")] {
            assert_eq!(
                text.parse::<LoginName>().map(|login| login.key),
                Ok(longest.as_str().into()),
                "{text}"
            );
            assert!(matches!(Identifier::read(&text), Identifier::Login(_)));
        }
        assert!(format!("{longest}a").parse::<LoginName>().is_err());
        assert!(" ab ".parse::<LoginName>().is_err());
    }

    #[test]
    fn a_reserved_name_may_still_sign_in() {
        assert!(matches!(Identifier::read("admin"), Identifier::Login(_)));
    }

    #[test]
    fn an_identifier_with_an_at_sign_is_an_address() {
        assert!(matches!(Identifier::read("neo@example.org"), Identifier::Email(_)));
        assert!(matches!(Identifier::read("neo"), Identifier::Login(_)));
        assert_eq!(Identifier::read("neo@"), Identifier::Invalid);
        assert_eq!(Identifier::email("neo"), Identifier::Invalid);
        assert_eq!(Identifier::read(""), Identifier::Invalid);
    }

    proptest! {
        #[test]
        fn a_key_is_its_own_key(text in "\\PC{3,64}") {
            if let Ok(login) = LoginName::read(&text) {
                let again = LoginName::read(login.key()).unwrap();
                prop_assert_eq!(again.key(), login.key());
                prop_assert!(LENGTH.contains(&login.as_str().chars().count()));
                let lower = LoginName::read(&login.as_str().to_lowercase());
                prop_assert_eq!(lower.map(|lower| lower.key), Ok(login.key));
            }
        }

        #[test]
        fn no_login_is_an_address(text: String) {
            if let Ok(login) = text.parse::<LoginName>() {
                prop_assert!(!login.as_str().contains(['@', '\0', ' ']));
            }
        }
    }
}
