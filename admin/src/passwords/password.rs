//! A password in the form in which it is compared, and the form of new ones. Their strength is in `judge`.

use std::fmt;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret as _, SecretString};
use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

/// The shortest new password that an operator may allow, in code points after normalisation.
///
/// Eight, and not the fifteen that NIST SP 800-63B requires of a password used alone: a declared deviation
/// for a cinema, compensated by the strength that `judge` requires.
pub(super) const LEAST_LENGTH: usize = 8;
/// The longest one.
const MOST_LENGTH: usize = 128;

/// A password in Unicode form NFKC, so that every keyboard produces the same text.
///
/// Not trimmed, cut or changed in case. Wiped when dropped; `Debug` prints nothing.
#[derive(Clone)]
pub struct Password {
    normal: SecretString,
    /// As it was typed, if that differs.
    typed: Option<SecretString>,
}

/// One weakness of a new password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Weakness {
    /// A stable code for programs.
    pub code: &'static str,
    /// A sentence for a person.
    pub sentence: String,
}

impl Password {
    /// The password of `text`.
    pub fn new(text: &str) -> Self {
        let mut normal = Zeroizing::new(String::with_capacity(text.len() * 2));
        normal.extend(text.nfkc());
        let typed = (normal.as_str() != text).then(|| text.into());
        Self { normal: normal.as_str().into(), typed }
    }

    /// By which a repeated password is recognised, for as long as `salt` is known only to the client: with it, the
    /// password could be guessed.
    pub(crate) fn fingerprint(&self, salt: &str) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, salt.as_bytes());
        URL_SAFE_NO_PAD.encode(hmac::sign(&key, self.expose().as_bytes()))
    }

    /// The bytes to hash.
    pub(super) fn expose(&self) -> &str {
        self.normal.expose_secret()
    }

    /// The password before it was brought into its normal form: for hashes that another program made.
    pub(super) fn expose_typed(&self) -> &str {
        self.typed.as_ref().unwrap_or(&self.normal).expose_secret()
    }

    /// The weaknesses of a new password that are seen at once: length and characters. The shortest has
    /// `least` characters. `judge` finds the others.
    pub fn form_weaknesses(&self, least: usize) -> Vec<Weakness> {
        let text = self.expose();
        let length = text.chars().count();
        let mut found = Vec::new();
        let mut add = |code, sentence| found.push(Weakness { code, sentence });
        if length < least {
            add("password_too_short", format!("A password must have at least {least} characters."));
        }
        if length > MOST_LENGTH {
            add("password_too_long", format!("A password may have at most {MOST_LENGTH} characters."));
        }
        if text.chars().any(char::is_control) {
            add("password_unprintable", "A password must not contain control characters.".to_owned());
        }
        found
    }
}

impl PartialEq for Password {
    fn eq(&self, other: &Self) -> bool {
        use subtle::ConstantTimeEq as _;
        self.expose().as_bytes().ct_eq(other.expose().as_bytes()).into()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn codes(text: &str) -> Vec<&'static str> {
        Password::new(text).form_weaknesses(LEAST_LENGTH).iter().map(|weakness| weakness.code).collect()
    }

    #[test]
    fn length_is_counted_in_code_points() {
        assert!(codes("vM7#qLx").contains(&"password_too_short"));
        assert!(!codes("пароль-й").contains(&"password_too_short"));
        assert!(codes(&"aЖ3$".repeat(33)).contains(&"password_too_long"));
        assert!(!codes(&"aЖ3$".repeat(32)).contains(&"password_too_long"));
    }

    #[test]
    fn control_characters_are_refused() {
        assert!(codes("vM7#qLx2!\0").contains(&"password_unprintable"));
    }

    #[test]
    fn every_spelling_is_one_password() {
        assert_eq!(Password::new("не\u{438}\u{306}тральный"), Password::new("нейтральный"));
        assert_eq!(Password::new("ｐａｓｓ 🎬"), Password::new("pass 🎬"));
        assert_ne!(Password::new("pass "), Password::new("pass"));
        assert_ne!(Password::new("Pass"), Password::new("pass"));
        assert_eq!(Password::new("ｐａｓｓ 🎬").expose_typed(), "ｐａｓｓ 🎬");
        assert_eq!(Password::new("pass").expose_typed(), "pass");
    }

    #[test]
    fn a_fingerprint_depends_on_the_password_and_on_the_salt() {
        let of = |text, salt| Password::new(text).fingerprint(salt);
        assert_eq!(of("correct horse", "a"), of("correct horse", "a"));
        assert_ne!(of("correct horse", "a"), of("correct horse", "b"));
        assert_ne!(of("correct horse", "a"), of("correct horses", "a"));
    }

    #[test]
    fn debug_does_not_show_it() {
        assert_eq!(format!("{:?}", Password::new("hunter2")), "Password");
    }

    proptest! {
        #[test]
        fn any_text_is_normalised_once(text: String) {
            let password = Password::new(&text);
            prop_assert_eq!(Password::new(password.expose()), password);
        }
    }
}
