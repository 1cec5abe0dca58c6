//! A login name, and the key under which it is unique.

use std::fmt;
use std::str::FromStr;

use unicode_normalization::UnicodeNormalization as _;

use super::EmailAddress;

/// The shortest and the longest login name, in characters.
pub(super) const LENGTH: std::ops::RangeInclusive<usize> = 3..=64;

/// Names that would let their owner pass for the house, or that programs mistake for nothing.
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

/// A login name: 3 to 64 letters, digits, `.`, `_` and `-`, beginning with a letter or a digit.
///
/// Never an `@`, so that no login is anybody's e-mail address. Two names are one when their keys are equal:
/// lower-cased, in Unicode form NFKC.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    typed: Box<str>,
    key: Box<str>,
}

/// What a person signs in with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identifier {
    /// Found by the key of an e-mail address.
    Email(EmailAddress),
    /// Found by the key of a login name.
    Login(Login),
    /// Nobody can have this name. It is looked for all the same, so that time says nothing.
    Nobody,
}

/// Why a text cannot be a login name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LoginError {
    /// Not of the form.
    #[error("a login name is 3 to 64 letters, digits, dots, hyphens and underscores")]
    Malformed,
    /// Kept for the house.
    #[error("this login name is reserved; choose another")]
    Reserved,
}

impl Login {
    /// As it was typed, in NFKC.
    pub fn as_str(&self) -> &str {
        &self.typed
    }

    /// What is compared.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Reads a name without asking whether it is reserved: whoever has one may sign in with it.
    fn read(text: &str) -> Result<Self, LoginError> {
        // Compatibility forms grow under NFKC, so the bound is asked before and after.
        if !LENGTH.contains(&text.chars().take(LENGTH.end() + 1).count()) {
            return Err(LoginError::Malformed);
        }
        let typed: String = text.nfkc().collect();
        let key: String = typed.to_lowercase().nfkc().collect();
        // Lower case may have more letters, and marks that are none: each must be a name by itself.
        if has_the_form(&typed) && has_the_form(&key) {
            Ok(Self { typed: typed.into(), key: key.into() })
        } else {
            Err(LoginError::Malformed)
        }
    }
}

fn has_the_form(name: &str) -> bool {
    name.starts_with(char::is_alphanumeric)
        && name.chars().all(|letter| letter.is_alphanumeric() || "._-".contains(letter))
        && LENGTH.contains(&name.chars().count())
}

impl FromStr for Login {
    type Err = LoginError;

    fn from_str(text: &str) -> Result<Self, LoginError> {
        let login = Self::read(text)?;
        // Punctuation does not make a reserved name another.
        let bare: String = login.key.chars().filter(|letter| letter.is_alphanumeric()).collect();
        if RESERVED.binary_search(&bare.as_str()).is_ok() { Err(LoginError::Reserved) } else { Ok(login) }
    }
}

/// Purposefully silent, as an e-mail address is.
impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Login")
    }
}

impl LoginError {
    /// A stable word, for programs.
    pub fn code(self) -> &'static str {
        match self {
            Self::Malformed => "login_invalid",
            Self::Reserved => "login_reserved",
        }
    }
}

impl Identifier {
    /// Whom the text may name, by an e-mail address if it holds an `@`, else by a login name.
    pub fn read(text: &str) -> Self {
        if text.contains('@') { Self::email(text) } else { Self::login(text) }
    }

    /// Whom the text names as an e-mail address.
    pub fn email(text: &str) -> Self {
        text.parse().map_or(Self::Nobody, Self::Email)
    }

    /// Whom the text names as a login name.
    pub fn login(text: &str) -> Self {
        Login::read(text).map_or(Self::Nobody, Self::Login)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_follow_the_form() {
        for good in ["neo", "Neo_1", "trinity-2.0", "Нео", "7of9", &"a".repeat(64)] {
            assert!(good.parse::<Login>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "ne",
            &"a".repeat(65),
            "neo@matrix",
            "neo anderson",
            " neo",
            "neo\0",
            "neo\n",
            "-neo",
            "_neo",
            ".neo",
            "neo/..",
            "n<o",
            // Two letters in NFKC, three characters in lower case.
            "I\u{307}x",
            "\u{fdfa}\u{fdfa}\u{fdfa}\u{fdfa}\u{fdfa}",
        ] {
            assert_eq!(bad.parse::<Login>(), Err(LoginError::Malformed), "{bad:?}");
        }
    }

    #[test]
    fn reserved_names_are_refused_in_any_dress() {
        assert!(RESERVED.is_sorted());
        for bad in ["admin", "ADMIN", "a.d.m.i.n", "Root", "super-user", "ａｄｍｉｎ"] {
            assert_eq!(bad.parse::<Login>(), Err(LoginError::Reserved), "{bad}");
        }
    }

    #[test]
    fn a_reserved_name_may_still_sign_in() {
        assert!(matches!(Identifier::read("admin"), Identifier::Login(_)));
    }

    #[test]
    fn an_identifier_with_an_at_sign_is_an_address() {
        assert!(matches!(Identifier::read("neo@example.org"), Identifier::Email(_)));
        assert!(matches!(Identifier::read("neo"), Identifier::Login(_)));
        assert_eq!(Identifier::read("neo@"), Identifier::Nobody);
        assert_eq!(Identifier::email("neo"), Identifier::Nobody);
        assert_eq!(Identifier::read(""), Identifier::Nobody);
    }

    proptest! {
        #[test]
        fn a_key_is_its_own_key(text in "\\PC{3,64}") {
            if let Ok(login) = Login::read(&text) {
                let again = Login::read(login.key()).unwrap();
                prop_assert_eq!(again.key(), login.key());
                prop_assert!(LENGTH.contains(&login.as_str().chars().count()));
            }
        }

        #[test]
        fn no_login_is_an_address(text: String) {
            if let Ok(login) = text.parse::<Login>() {
                prop_assert!(!login.as_str().contains(['@', '\0', ' ']));
            }
        }
    }
}
