//! The name of a role, as tokens, policies and headers carry it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The longest role name, in bytes.
pub const MAX_BYTES: usize = 32;

/// A role name: `[a-z][a-z0-9_-]{0,31}`.
///
/// The grammar keeps a name safe in a header, a comma-separated list and a policy term.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RoleName(Box<str>);

/// The text is not a role name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a role name: 1 to 32 of a-z, 0-9, _ and -, beginning with a letter")]
pub struct NotARoleName;

impl RoleName {
    /// The text itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RoleName {
    type Err = NotARoleName;

    fn from_str(text: &str) -> Result<Self, NotARoleName> {
        if is_name(text) { Ok(Self(text.into())) } else { Err(NotARoleName) }
    }
}

impl TryFrom<String> for RoleName {
    type Error = NotARoleName;

    fn try_from(text: String) -> Result<Self, NotARoleName> {
        text.parse()
    }
}

impl From<RoleName> for String {
    fn from(name: RoleName) -> Self {
        name.0.into()
    }
}

impl fmt::Display for RoleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The grammar of role names, which both parts of a permission follow as well.
pub(crate) fn is_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    let begins = bytes.next().is_some_and(|byte| byte.is_ascii_lowercase());
    let goes_on =
        bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte));
    begins && goes_on && text.len() <= MAX_BYTES
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_follow_the_grammar() {
        for valid in ["a", "subscriber", "premium-4k", "x_1", &"a".repeat(32)] {
            assert!(valid.parse::<RoleName>().is_ok(), "{valid}");
        }
        for bad in ["", "A", "1a", "-a", "a,b", "a b", "é", "a;b", &"a".repeat(33)] {
            assert!(bad.parse::<RoleName>().is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn a_name_never_holds_a_separator(text: String) {
            if let Ok(name) = text.parse::<RoleName>() {
                prop_assert!(!name.as_str().contains([',', ';', '=', ' ', '\r', '\n']));
                prop_assert_eq!(name.to_string(), text);
            }
        }
    }
}
