//! A password in the form in which it is compared, and the rules for new ones. Hashing is in `hash`.

use std::fmt;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret as _, SecretString};
use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;
use zxcvbn::feedback::Feedback;
use zxcvbn::{Score, zxcvbn};

/// The length of a new password, in code points after normalisation.
///
/// Eight, and not the fifteen that NIST SP 800-63B requires of a password used alone: a declared deviation
/// for a cinema, compensated by [`LEAST_SCORE`].
pub(super) const LENGTH: std::ops::RangeInclusive<usize> = 8..=128;

/// Guessing must take at least some million attempts, more than throttled attempts can reach.
const LEAST_SCORE: Score = Score::Two;

/// Words that users of this service are likely to choose.
const HOUSE_WORDS: [&str; 4] = ["usher", "cinema", "film", "movie"];

/// A password in Unicode form NFKC, so that every keyboard produces the same text.
///
/// Not trimmed, cut or changed in case. Wiped when dropped; `Debug` prints nothing.
#[derive(Clone)]
pub struct Password(SecretString);

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
        Self(SecretString::from(normal.as_str()))
    }

    /// By which a repeated password is recognised, for as long as `salt` is known only to the client: with it, the
    /// password could be guessed.
    pub(crate) fn fingerprint(&self, salt: &str) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, salt.as_bytes());
        URL_SAFE_NO_PAD.encode(hmac::sign(&key, self.expose().as_bytes()))
    }

    /// The bytes to hash.
    pub(super) fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// The weaknesses of this new password for a user whose e-mail address, login and name are `own_words`.
    /// Empty when it is acceptable.
    ///
    /// Takes milliseconds of computation for a long password: never call it on a thread of the async runtime.
    pub fn weaknesses(&self, own_words: &[&str]) -> Vec<Weakness> {
        let found = self.form_weaknesses();
        if !found.is_empty() {
            return found;
        }
        let words: Vec<&str> = own_words.iter().chain(&HOUSE_WORDS).copied().collect();
        let entropy = zxcvbn(self.expose(), &words);
        if entropy.score() >= LEAST_SCORE {
            return Vec::new();
        }
        let feedback = entropy.feedback();
        let warning = feedback.and_then(Feedback::warning).map(|warning| warning.to_string());
        let advice = feedback.map(Feedback::suggestions).unwrap_or_default();
        let guessable = warning.unwrap_or_else(|| "This password is easy to guess.".to_owned());
        std::iter::once(Weakness { code: "password_guessable", sentence: guessable })
            .chain(advice.iter().map(|one| Weakness { code: "password_advice", sentence: one.to_string() }))
            .collect()
    }

    /// The cheap part of [`Self::weaknesses`]: length and characters.
    pub fn form_weaknesses(&self) -> Vec<Weakness> {
        let text = self.expose();
        let length = text.chars().count();
        let mut found = Vec::new();
        let mut add = |code, sentence: &str| found.push(Weakness { code, sentence: sentence.to_owned() });
        if length < *LENGTH.start() {
            add("password_too_short", "A password must have at least 8 characters.");
        }
        if length > *LENGTH.end() {
            add("password_too_long", "A password may have at most 128 characters.");
        }
        if text.chars().any(char::is_control) {
            add("password_unprintable", "A password must not contain control characters.");
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

    fn codes(text: &str, own_words: &[&str]) -> Vec<&'static str> {
        Password::new(text).weaknesses(own_words).iter().map(|weakness| weakness.code).collect()
    }

    #[test]
    fn valid_passwords_are_accepted() {
        for good in
            ["correct horse battery staple", "vM7#qLx2!", "мой любимый фильм 1979", "🎬🍿🎟️🎥📽️🎞️🎭🎪"]
        {
            assert_eq!(codes(good, &[]), Vec::<&str>::new(), "{good}");
        }
        assert_eq!(codes(&"no two nights alike ".repeat(6), &[]), Vec::<&str>::new());
    }

    #[test]
    fn length_is_counted_in_code_points() {
        assert!(codes("vM7#qLx", &[]).contains(&"password_too_short"));
        assert!(!codes("пароль-й", &[]).contains(&"password_too_short"));
        assert!(codes(&"aЖ3$".repeat(33), &[]).contains(&"password_too_long"));
        assert!(!codes(&"aЖ3$".repeat(32), &[]).contains(&"password_too_long"));
    }

    #[test]
    fn common_passwords_are_refused_with_reasons() {
        for bad in ["password", "12345678", "qwertyuiop", "iloveyou", "Password1", "aaaaaaaa", "letmein123"] {
            assert!(codes(bad, &[]).contains(&"password_guessable"), "{bad}");
        }
    }

    #[test]
    fn the_owners_own_words_are_refused() {
        let own = ["thomas.anderson77", "neo@example.org"];
        assert!(codes("thomas.anderson77", &own).contains(&"password_guessable"));
        assert!(codes("neo@example.org", &own).contains(&"password_guessable"));
        assert_eq!(codes("thomas.anderson77", &[]), Vec::<&str>::new());
    }

    #[test]
    fn control_characters_are_refused() {
        assert!(codes("vM7#qLx2!\0", &[]).contains(&"password_unprintable"));
    }

    #[test]
    fn every_spelling_is_one_password() {
        assert_eq!(Password::new("не\u{438}\u{306}тральный"), Password::new("нейтральный"));
        assert_eq!(Password::new("ｐａｓｓ 🎬"), Password::new("pass 🎬"));
        assert_ne!(Password::new("pass "), Password::new("pass"));
        assert_ne!(Password::new("Pass"), Password::new("pass"));
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
        fn any_text_is_judged_without_panic(text: String) {
            let _any = Password::new(&text).weaknesses(&[]);
        }
    }
}
