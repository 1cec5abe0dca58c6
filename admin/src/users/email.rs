//! An e-mail address as a user types it, and the key under which it is unique.

use std::fmt;
use std::str::FromStr;

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use crate::api::text::{FromText, read_as_text};
use crate::api::{Invalid, sentence};

/// The longest address, in bytes (RFC 5321, section 4.5.3.1.3, without the angle brackets).
pub(super) const MAX_BYTES: usize = 254;

const MAX_LOCAL_BYTES: usize = 64;
/// The punctuation of `atext` (RFC 5322, section 3.2.3).
const ATEXT: &str = "!#$%&'*+-/=?^_`{|}~";

/// An e-mail address: one `@`, a dotted local part without quotes, a domain with at least two labels. Letters of the
/// local part may have combining marks.
///
/// Two addresses belong to one account when their keys are equal: lower case, Unicode form NFC, the domain in
/// IDNA form. Dots and plus tags are kept, because only the mail server knows their meaning.
#[derive(Clone, PartialEq, Eq)]
pub struct EmailAddress {
    typed: Box<str>,
    key: Box<str>,
}

/// The text is not an accepted e-mail address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "an e-mail address must have the form name@example.org, without quotes or spaces, and at most 254 \
    bytes"
)]
pub struct NotAnEmailAddress;

impl EmailAddress {
    /// As typed, in NFC.
    pub fn as_str(&self) -> &str {
        &self.typed
    }

    /// The key for comparison.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The part before the `@` in lower case: the owner's password must not be based on it.
    pub fn local_part(&self) -> &str {
        self.key.split_once('@').map_or("", |(local, _)| local)
    }
}

impl FromStr for EmailAddress {
    type Err = NotAnEmailAddress;

    fn from_str(text: &str) -> Result<Self, NotAnEmailAddress> {
        let address = Self::read(text)?;
        let fits =
            |address: &str| address.split_once('@').is_some_and(|(local, _)| local.len() <= MAX_LOCAL_BYTES);
        if fits(&address.typed) && fits(&address.key) { Ok(address) } else { Err(NotAnEmailAddress) }
    }
}

impl EmailAddress {
    /// Parses an address without the limit of its local part: lower case may be longer, and an account is found by
    /// that form of its address as well. Spaces around an address do not belong to it.
    pub(super) fn read(text: &str) -> Result<Self, NotAnEmailAddress> {
        let text = text.trim();
        if text.len() > MAX_BYTES {
            return Err(NotAnEmailAddress);
        }
        let typed: String = text.nfc().collect();
        let (local, domain) = typed.split_once('@').ok_or(NotAnEmailAddress)?;
        if !is_local_part(local) {
            return Err(NotAnEmailAddress);
        }
        let key = format!("{}@{}", lower_case(local), ascii_domain(domain)?);
        if typed.len() > MAX_BYTES || key.len() > MAX_BYTES {
            return Err(NotAnEmailAddress);
        }
        Ok(Self { key: key.into(), typed: typed.into() })
    }
}

impl FromText for EmailAddress {
    fn from_text(text: &str) -> Result<Self, Invalid> {
        text.parse()
            .map_err(|why: NotAnEmailAddress| Invalid { code: "email_invalid", sentence: sentence(why) })
    }
}

read_as_text!(EmailAddress);

/// Purposefully prints nothing: an address is personal and must not appear in a log.
impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EmailAddress")
    }
}

fn is_local_part(local: &str) -> bool {
    let is_atom = |atom: &str| {
        let mut follows_letter = false;
        let fits = atom.chars().all(|character| {
            let fits = character.is_alphanumeric()
                || ATEXT.contains(character)
                || follows_letter && is_combining_mark(character);
            follows_letter = fits && !ATEXT.contains(character);
            fits
        });
        fits && !atom.is_empty()
    };
    local.split('.').all(is_atom)
}

/// Converting to lower case may leave NFC, so the form is restored.
fn lower_case(text: &str) -> String {
    text.to_lowercase().nfc().collect()
}

/// The domain in DNS form. A last label of digits alone would be an IP address.
fn ascii_domain(domain: &str) -> Result<String, NotAnEmailAddress> {
    let ascii = idna::domain_to_ascii_strict(domain).map_err(|_| NotAnEmailAddress)?;
    let labels = ascii.split('.').count();
    let last = ascii.rsplit('.').next().unwrap_or_default();
    let is_number = last.bytes().all(|byte| byte.is_ascii_digit());
    if labels < 2 || last.is_empty() || is_number { Err(NotAnEmailAddress) } else { Ok(ascii) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(text: &str) -> String {
        text.parse::<EmailAddress>().unwrap().key().to_owned()
    }

    #[test]
    fn case_and_unicode_form_make_no_second_account() {
        assert_eq!(key("Neo@Example.ORG"), "neo@example.org");
        assert_eq!(key("jose\u{301}@example.org"), key("jos\u{e9}@EXAMPLE.org"));
        assert_eq!(key("нео@кино.рф"), "нео@xn--h1adke.xn--p1ai");
        assert_eq!(key("neo@КИНО.рф"), key("neo@xn--h1adke.xn--p1ai"));
    }

    #[test]
    fn dots_and_tags_stay_distinct() {
        assert_ne!(key("n.eo@example.org"), key("neo@example.org"));
        assert_ne!(key("neo+films@example.org"), key("neo@example.org"));
    }

    #[test]
    fn spaces_around_an_address_do_not_belong_to_it() {
        for text in [" neo@example.org", "neo@example.org\r\n", "\u{a0}neo@example.org\t"] {
            assert_eq!(text.parse::<EmailAddress>().unwrap().as_str(), "neo@example.org");
        }
    }

    #[test]
    fn spaces_around_an_address_do_not_count() {
        let longest = format!("neo@{}{}.org", "b".repeat(60), ".c".repeat(93));
        assert_eq!(longest.len(), MAX_BYTES);
        for text in [format!("{longest} "), format!("{0}{longest}{0}", " ".repeat(1000))] {
            assert_eq!(key(&text), longest);
        }
    }

    #[test]
    fn the_lower_case_form_is_the_same_address() {
        for text in ["İnce@Example.org", "Straße@example.org", "ΝΊΚΟΣ.Α@example.org", "नमस्ते@example.org"]
        {
            assert_eq!(key(&text.to_lowercase()), key(text));
            assert_eq!(key(&key(text)), key(text));
        }
        // Longer in lower case than a new address may be.
        let long = EmailAddress::read(&format!("{}@example.org", "İ".repeat(30))).unwrap();
        assert_eq!(EmailAddress::read(long.key()).unwrap().key(), long.key());
    }

    #[test]
    fn what_was_typed_is_kept() {
        let address: EmailAddress = "Neo.Anderson@Example.org".parse().unwrap();
        assert_eq!(address.as_str(), "Neo.Anderson@Example.org");
        assert_eq!(address.local_part(), "neo.anderson");
    }

    #[test]
    fn other_texts_are_refused() {
        let long_local = format!("{}@example.org", "a".repeat(65));
        let long_domain = format!("a@{}.org", "b.".repeat(130));
        let long_label = format!("a@{}.org", "b".repeat(64));
        for bad in [
            "",
            "neo",
            "@example.org",
            "neo@",
            "neo@localhost",
            "neo@@example.org",
            "a@b@example.org",
            "\"neo\"@example.org",
            "neo @example.org",
            "neo@ example.org",
            "\u{301}neo@example.org",
            "neo.\u{301}@example.org",
            "neo+\u{301}@example.org",
            ".neo@example.org",
            "neo.@example.org",
            "n..eo@example.org",
            "neo@.org",
            "neo@example..org",
            "neo@example.org.",
            "neo@-example.org",
            "neo@exa mple.org",
            "neo@127.0.0.1",
            "neo@[127.0.0.1]",
            "neo\0@example.org",
            "neo@exam\0ple.org",
            "neo\n@example.org",
            &"İ".repeat(30).chars().chain("@example.org".chars()).collect::<String>(),
            "neo\r\nBcc: x@example.org",
            "neo@exa_mple.org",
            "neo,trinity@example.org",
            "<neo@example.org>",
            &long_local,
            &long_domain,
            &long_label,
        ] {
            assert!(bad.parse::<EmailAddress>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn debug_does_not_show_it() {
        let address: EmailAddress = "neo@example.org".parse().unwrap();
        assert!(!format!("{address:?}").contains("neo"));
    }

    proptest! {
        #[test]
        fn a_key_is_its_own_key(local in "[a-zA-Zа-яéİΣß\u{301}0-9+._-]{1,20}", domain in "[a-zA-Zж0-9-]{1,20}\\.[a-z]{2,6}") {
            if let Ok(address) = format!("{local}@{domain}").parse::<EmailAddress>() {
                prop_assert!(address.key().len() <= MAX_BYTES);
                prop_assert_eq!(key(address.key()), address.key());
                prop_assert_eq!(key(&address.as_str().to_lowercase()), address.key());
            }
        }

        #[test]
        fn any_text_is_taken_or_refused_without_panic(text: String) {
            if let Ok(address) = text.parse::<EmailAddress>() {
                prop_assert!(!address.as_str().chars().any(char::is_control));
            }
        }
    }
}
