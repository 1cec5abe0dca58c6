//! Likely slips in an address: a hint for the user, never a refusal. Pure: the same for every account.

use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa::openapi::Object;

use super::EmailAddress;
use crate::api::schema::one_of;
use crate::passwords::in_english_layout;
use crate::providers::KNOWN;

/// A likely slip in the address of the request. Show it; the address is used as it was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = EmailHint)]
pub(crate) struct EmailSlip {
    #[schema(schema_with = code_schema)]
    code: &'static str,
    /// The address that was probably meant; null if none can be guessed.
    #[schema(required, format = "idn-email")]
    pub(crate) suggestion: Option<String>,
}

const DOMAIN: &str = "domain_misspelt";
const SCRIPTS: &str = "scripts_mixed";
const LAYOUT: &str = "keyboard_layout";

fn code_schema() -> Object {
    one_of(
        [DOMAIN, SCRIPTS, LAYOUT],
        "The domain is almost that of a large mail service; Latin and Cyrillic letters are mixed; or the name was typed with the \
         Russian keyboard layout.",
    )
}

/// Mail services that are no identity providers here, whose mailboxes have ASCII names, too.
const OTHER_SERVICES: [&str; 12] = [
    "rambler.ru",
    "vk.com",
    "outlook.com",
    "hotmail.com",
    "live.com",
    "icloud.com",
    "me.com",
    "yahoo.com",
    "proton.me",
    "protonmail.com",
    "lenta.ru",
    "myrambler.ru",
];

/// Domains of others that are as similar to one of a large service as a slip is.
const NOT_MISSPELT: [&str; 12] = [
    "mail.com",
    "email.ru",
    "mail.ua",
    "mail.by",
    "mail.kz",
    "mai.ru",
    "ymail.com",
    "hotmail.ru",
    "hotmail.co",
    "gmail.ru",
    "list.by",
    "yahoo.co",
];

/// Shorter domains are similar to too many others.
const SHORTEST: usize = 7;

/// Cyrillic letters that look like Latin ones.
const LOOK_ALIKE: [(char, char); 18] = [
    ('а', 'a'),
    ('в', 'b'),
    ('е', 'e'),
    ('к', 'k'),
    ('м', 'm'),
    ('н', 'h'),
    ('о', 'o'),
    ('р', 'p'),
    ('с', 'c'),
    ('т', 't'),
    ('у', 'y'),
    ('х', 'x'),
    ('і', 'i'),
    ('ј', 'j'),
    ('ѕ', 's'),
    ('ԁ', 'd'),
    ('ɡ', 'g'),
    ('ӏ', 'l'),
];

impl EmailSlip {
    /// The slip in an address, if there seems to be one.
    pub(crate) fn of(email: &EmailAddress) -> Option<Self> {
        let (local, domain) = email.as_str().split_once('@')?;
        let slip = |code, suggestion: Option<String>| Some(Self { code, suggestion });
        if is_mixed(local) || domain.split('.').any(is_mixed) {
            return slip(SCRIPTS, in_latin(email.as_str()));
        }
        let is_of_service = services().any(|service| service.eq_ignore_ascii_case(domain));
        if is_of_service && local.chars().any(is_cyrillic) {
            return slip(LAYOUT, address(&in_english_layout(local), domain));
        }
        let meant = misspelt(&domain.to_lowercase())?;
        slip(DOMAIN, address(local, meant))
    }

    /// An example.
    pub(crate) fn example() -> Value {
        json!({ "code": DOMAIN, "suggestion": "anna@gmail.com" })
    }
}

/// The mail domains of the known identity providers, and others.
fn services() -> impl Iterator<Item = &'static str> {
    KNOWN.iter().flat_map(|provider| provider.mail.domains).copied().chain(OTHER_SERVICES)
}

fn is_cyrillic(letter: char) -> bool {
    matches!(letter, '\u{400}'..='\u{52f}')
}

/// Whether a part has letters of both scripts.
fn is_mixed(part: &str) -> bool {
    part.chars().any(is_cyrillic) && part.chars().any(|letter| letter.is_ascii_alphabetic())
}

/// The address with Latin letters for those that look like them; `None` if others are left.
fn in_latin(text: &str) -> Option<String> {
    let latin =
        |letter: char| LOOK_ALIKE.iter().find(|(from, _)| *from == letter).map_or(letter, |(_, to)| *to);
    let text: String = text.to_lowercase().chars().map(latin).collect();
    text.is_ascii().then_some(text).filter(|text| text.parse::<EmailAddress>().is_ok())
}

/// The domain of a service from which this one differs by a single slip: a letter more, less, other, or two exchanged.
fn misspelt(domain: &str) -> Option<&'static str> {
    if services().any(|service| service == domain) || NOT_MISSPELT.contains(&domain) {
        return None;
    }
    services()
        .filter(|service| service.len() >= SHORTEST)
        .find(|service| strsim::osa_distance(domain, service) == 1)
}

fn address(local: &str, domain: &str) -> Option<String> {
    Some(format!("{local}@{domain}")).filter(|text| text.is_ascii() && text.parse::<EmailAddress>().is_ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn slip(text: &str) -> Option<(&'static str, Option<String>)> {
        EmailSlip::of(&text.parse().unwrap()).map(|slip| (slip.code, slip.suggestion))
    }

    #[test]
    fn a_slip_in_a_large_domain_is_noticed() {
        for domain in ["gmial.com", "gmai.com", "gmail.con", "gmaill.com", "GMIAL.com"] {
            let expected = (DOMAIN, Some("anna@gmail.com".to_owned()));
            assert_eq!(slip(&format!("anna@{domain}")), Some(expected), "{domain}");
        }
        assert_eq!(slip("anna@yadex.ru"), Some((DOMAIN, Some("anna@yandex.ru".to_owned()))));
        for other in [
            "anna@gmail.com",
            "anna@mail.com",
            "anna@example.org",
            "anna@mai.ru",
            "anna@ya.by",
            "анна@кино.рф",
        ] {
            assert_eq!(slip(other), None, "{other}");
        }
    }

    #[test]
    fn mixed_scripts_and_the_wrong_layout_are_noticed() {
        // The first letter is Cyrillic.
        assert_eq!(slip("аnna@example.org"), Some((SCRIPTS, Some("anna@example.org".to_owned()))));
        assert_eq!(slip("жanna@example.org"), Some((SCRIPTS, None)));
        assert_eq!(slip("фттф@gmail.com"), Some((LAYOUT, Some("anna@gmail.com".to_owned()))));
        // A mailbox of another script, elsewhere.
        assert_eq!(slip("анна@example.org"), None);
    }

    proptest! {
        #[test]
        fn every_suggestion_is_an_address_without_a_slip(local in "[a-zа-я0-9.]{1,12}", domain in "[a-zа-я]{1,8}\\.(com|ru|рф|con)") {
            if let Ok(email) = format!("{local}@{domain}").parse::<EmailAddress>()
                && let Some(suggestion) = EmailSlip::of(&email).and_then(|slip| slip.suggestion)
            {
                let suggested: EmailAddress = suggestion.parse().unwrap();
                prop_assert!(suggestion.is_ascii());
                prop_assert_ne!(suggested.as_str(), email.as_str());
            }
        }
    }
}
