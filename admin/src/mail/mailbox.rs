//! One mailbox under its several spellings: for the bounds of mails to it, never for who owns an account.

use aws_lc_rs::hmac;

use crate::keys::DerivedKeys;

/// The length of the number of a mailbox, in bytes.
pub(super) const MAILBOX_BYTES: usize = 16;

/// The domains of one mailbox at Google: <https://support.google.com/mail/answer/10313>.
const GMAIL: [&str; 2] = ["gmail.com", "googlemail.com"];

/// The domains of one mailbox at Yandex: <https://yandex.com/support/id/en/authorization/aliases>.
const YANDEX: [&str; 6] = ["yandex.ru", "ya.ru", "yandex.by", "yandex.kz", "yandex.com", "narod.ru"];

/// The folded form of an address in lower case: without the plus tag; at Google without dots; at Google and Yandex under
/// one domain.
pub(crate) fn folded(key: &str) -> String {
    let Some((local, domain)) = key.rsplit_once('@') else { return key.to_owned() };
    let local = match local.split_once('+') {
        Some((before, _)) if !before.is_empty() => before,
        Some(_) | None => local,
    };
    if GMAIL.contains(&domain) {
        return format!("{}@{}", local.replace('.', ""), GMAIL[0]);
    }
    let domain = if YANDEX.contains(&domain) { YANDEX[0] } else { domain };
    format!("{local}@{domain}")
}

/// The number of the mailbox of an address in lower case. It does not reveal the address.
pub(super) fn number(keys: &DerivedKeys, key: &str) -> [u8; MAILBOX_BYTES] {
    let Some(own) = keys.find(keys.current()) else { return [0; MAILBOX_BYTES] };
    let tag = hmac::sign(own, folded(key).as_bytes());
    tag.as_ref().first_chunk().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn spellings_of_one_mailbox_are_folded_into_one() {
        for (one, other) in [
            ("anna@example.org", "anna+cinema@example.org"),
            ("an.na@gmail.com", "anna+x@googlemail.com"),
            ("anna@ya.ru", "anna+x@yandex.com"),
        ] {
            assert_eq!(folded(one), folded(other));
        }
    }

    #[test]
    fn different_mailboxes_stay_different() {
        for (one, other) in [
            ("an.na@example.org", "anna@example.org"),
            ("anna@mail.ru", "anna@inbox.ru"),
            ("anna@gmail.com", "anna@example.org"),
            ("+a@example.org", "+b@example.org"),
        ] {
            assert_ne!(folded(one), folded(other));
        }
    }

    proptest! {
        #[test]
        fn folding_twice_changes_nothing_more(text in "[a-z.+]{0,8}@(gmail.com|ya.ru|a.b)|\\PC*") {
            let once = folded(&text);
            prop_assert_eq!(folded(&once), once);
        }
    }
}
