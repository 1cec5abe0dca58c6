//! The code of a mail: six digits, or ten characters for an address whose codes are guessed.
//!
//! **How far guessing gets.** A mail has one code, and its flow takes five wrong ones, so each mail is worth five guesses in
//! 10^6, however codes are spread over flows. Strangers cause three mails of a kind an hour and eight a day to one mailbox,
//! and windows slide, so any 24 hours hold at most 16: 80 guesses, 8 in 100,000. From the 20th wrong code a day on the codes
//! of the address have 50 bits, and so guesses end after those mails that were sent before. Over many addresses, one
//! IPv4 address asks for 200 codes an hour: 1,000 guesses, right once in 1,000 hours; and it has 600 failures in ten minutes
//! before it takes the slow lane.

use aws_lc_rs::hmac;
use secrecy::{ExposeSecret as _, SecretString};
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

use crate::api::text::text_type;
use crate::keys::DerivedKeys;

/// The characters of a long code (Crockford's Base32): none of them looks like another one.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// How many codes of six digits there are.
const SHORT_CODES: u64 = 1_000_000;

/// The length of a long code.
const LONG: usize = 10;

/// An example code.
pub(crate) const EXAMPLE_CODE: &str = "204816";

text_type!(
    /// A code as a user types it: in any case, with or without spaces and hyphens.
    pub(crate) CodeText, code
);

/// The code of a mail. Its `Debug` prints nothing.
#[derive(Debug, Clone)]
pub(super) struct MailCode(SecretString);

/// From which a code follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct CodeSource {
    pub(super) mail: Uuid,
    /// The number of the key.
    pub(super) key: u8,
    pub(super) is_long: bool,
}

impl MailCode {
    /// The code of a mail: the same at every attempt to send it. `None` without the key.
    pub(super) fn of(keys: &DerivedKeys, source: CodeSource) -> Option<Self> {
        let tag = hmac::sign(keys.find(source.key)?, &[b"code".as_slice(), source.mail.as_bytes()].concat());
        let code: String = if source.is_long {
            let letters = tag.as_ref().iter().take(LONG);
            letters
                .filter_map(|byte| ALPHABET.get(usize::from(byte & 31)))
                .map(|byte| char::from(*byte))
                .collect()
        } else {
            let number = tag.as_ref().first_chunk::<8>().map_or(0, |bytes| u64::from_be_bytes(*bytes));
            format!("{:06}", number % SHORT_CODES)
        };
        Some(Self(code.into()))
    }

    /// Whether the user typed this code. Takes the same time for every code of its length.
    pub(super) fn is(&self, typed: &CodeText) -> bool {
        self.0.expose_secret().as_bytes().ct_eq(typed.as_ref().as_bytes()).into()
    }

    /// As it is shown in the mail: a long one in two halves.
    pub(super) fn shown(&self) -> SecretString {
        let code = self.0.expose_secret();
        match code.split_at_checked(LONG / 2) {
            Some((first, second)) if code.len() == LONG => format!("{first}-{second}").into(),
            Some(_) | None => self.0.clone(),
        }
    }
}

/// The form in which codes are compared.
fn code(text: &str) -> Result<String, &'static str> {
    let is_between = |letter: &char| matches!(letter, '\t'..='\r' | ' ' | '-');
    let letters: Vec<char> = text.chars().filter(|letter| !is_between(letter)).take(LONG + 1).collect();
    if !(6..=LONG).contains(&letters.len()) || !letters.iter().all(char::is_ascii_alphanumeric) {
        return Err("Must be the code of the mail: 6 digits, or 10 letters and digits.");
    }
    let read = |letter: char| match letter.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        other => other,
    };
    Ok(letters.into_iter().map(read).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::api::text::FromText as _;
    use crate::config::MasterKeys;
    use crate::keys::KeyPurpose;

    fn keys() -> DerivedKeys {
        let masters = MasterKeys::parse("1:uAvl9cb5KvuCX9MrUQOhawFG6TbuH2NkyH3jCoPij6A=").unwrap();
        DerivedKeys::derive(&masters, KeyPurpose::MailCodes)
    }

    fn code_of(mail: u128, is_long: bool) -> MailCode {
        MailCode::of(&keys(), CodeSource { mail: Uuid::from_u128(mail), key: 1, is_long }).unwrap()
    }

    fn typed(text: &str) -> Option<CodeText> {
        CodeText::from_text(text).ok()
    }

    #[test]
    fn a_mail_has_one_code_of_each_length_and_another_mail_another() {
        for (is_long, length) in [(false, 6), (true, LONG)] {
            let code = code_of(7, is_long);
            let text = code.0.expose_secret();
            assert_eq!(text.len(), length);
            assert!(code.is(&typed(text).unwrap()) && !code_of(8, is_long).is(&typed(text).unwrap()));
            assert!(!code_of(7, !is_long).is(&typed(text).unwrap()));
            assert!(!format!("{code:?}").contains(text));
        }
        assert!(code_of(7, false).0.expose_secret().bytes().all(|byte| byte.is_ascii_digit()));
        assert!(MailCode::of(&keys(), CodeSource { mail: Uuid::nil(), key: 2, is_long: false }).is_none());
    }

    #[test]
    fn a_code_may_be_typed_as_it_is_shown_and_in_any_case() {
        let code = code_of(7, true);
        let shown = code.shown();
        let shown = shown.expose_secret();
        assert_eq!(shown.len(), LONG + 1);
        for text in [shown.to_owned(), shown.to_lowercase(), format!(" {} ", shown.replace('-', " "))] {
            assert!(code.is(&typed(&text).unwrap()), "{text}");
        }
        assert_eq!(typed("o1i l-0O").unwrap().as_ref(), "011100");
        for bad in ["", "12345", "12345678901", "12345!", "123456\u{661}"] {
            assert!(typed(bad).is_none(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text: String) {
            if let Some(code) = typed(&text) {
                prop_assert!((6..=LONG).contains(&code.as_ref().len()));
                prop_assert_eq!(typed(code.as_ref()), Some(code));
            }
        }

        #[test]
        fn every_code_has_its_length(mail: u128) {
            prop_assert_eq!(code_of(mail, false).0.expose_secret().len(), 6);
            prop_assert!(typed(code_of(mail, true).shown().expose_secret()).is_some());
        }
    }
}
