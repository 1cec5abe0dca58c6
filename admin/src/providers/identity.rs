//! A user's identity at a provider.

use serde_json::Value;

use super::config::ProviderConfig;
use super::descriptor::{Fields, is_true};
use super::error::ProviderError;

/// The longest subject identifier, in bytes.
const MAX_SUBJECT: usize = 255;

/// How a provider describes a user. Purposefully without `Debug`: it is personal.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    /// The subject identifier, which the provider never gives to another user.
    pub(crate) subject: String,
    /// The e-mail address, where the provider returns one.
    pub(crate) email: Option<String>,
    /// Whether the provider vouches for the address.
    pub(crate) is_email_vouched: bool,
    /// Whether it also operates the mailbox, so that no other proof is better.
    pub(crate) is_email_authoritative: bool,
    /// The display name.
    pub(crate) name: Option<String>,
}

impl Identity {
    /// Reads the claims that `provider` returned.
    ///
    /// # Errors
    ///
    /// When they contain no valid subject, or were meant for another client.
    pub(super) fn read(provider: &ProviderConfig, user: &Value) -> Result<Self, ProviderError> {
        let Fields { subject, email, names, client } = &provider.descriptor.fields;
        if !client.is_empty() && plain(user, client).as_deref() != Some(&provider.client_id) {
            return Err(ProviderError::InvalidResponse(
                "client mismatch: the token belongs to another client",
            ));
        }
        // Used as it is: two subjects that differ only in white space are two users.
        let is_valid = |subject: &String| subject.len() <= MAX_SUBJECT && subject.trim() == subject;
        let subject = plain(user, subject).filter(is_valid);
        let subject = subject.ok_or(ProviderError::InvalidResponse("the subject is missing or invalid"))?;
        let email = text(user, email);
        // The operator's trust does not override the provider's denial.
        let is_denied = user.get("email_verified").is_some_and(|flag| !is_true(Some(flag)));
        let is_trusted = provider.trusts_email && !is_denied;
        let vouches = |email: &String| is_trusted || (provider.descriptor.vouches)(user, email);
        let is_email_vouched = email.as_ref().is_some_and(vouches);
        let is_its_own = |email: &String| provider.descriptor.mail.include(email);
        Ok(Self {
            subject,
            is_email_vouched,
            is_email_authoritative: is_email_vouched && email.as_ref().is_some_and(is_its_own),
            email,
            name: names.iter().find_map(|parts| joined(user, parts)),
        })
    }
}

/// A text or a whole number as it is, unless it is empty or contains a control character.
fn plain(user: &Value, pointer: &str) -> Option<String> {
    let text = match user.pointer(pointer)? {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.as_u64()?.to_string(),
        _ => return None,
    };
    (!text.is_empty() && !text.chars().any(char::is_control)).then_some(text)
}

/// The same, trimmed.
fn text(user: &Value, pointer: &str) -> Option<String> {
    let text = plain(user, pointer)?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

fn joined(user: &Value, parts: &[&str]) -> Option<String> {
    let parts: Vec<String> = parts.iter().filter_map(|part| text(user, part)).collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::config::{Endpoints, Location};
    use super::super::known::KNOWN;
    use super::*;

    fn provider(id: &str, trusts_email: bool) -> ProviderConfig {
        let descriptor = KNOWN.iter().find(|known| known.id == id).unwrap();
        let url = |text: &str| text.parse::<url::Url>().unwrap();
        let endpoints = Endpoints {
            authorize: url(descriptor.authorize_url),
            token: url(descriptor.token_url),
            user: None,
            keys: None,
            list: None,
        };
        ProviderConfig {
            id: id.to_owned(),
            name: descriptor.name.to_owned(),
            public_url: url("https://cinema.example"),
            client_id: "us".to_owned(),
            client_secret: None,
            scopes: descriptor.scopes.to_owned(),
            trusts_email,
            location: Location::Endpoints(Box::new(endpoints)),
            descriptor,
        }
    }

    fn read(id: &str, user: &Value) -> Result<[String; 3], ProviderError> {
        let identity = Identity::read(&provider(id, false), user)?;
        Ok([identity.subject, identity.email.unwrap_or_default(), identity.name.unwrap_or_default()])
    }

    #[test]
    fn the_claims_of_each_provider_are_read() {
        let shapes = [
            (
                "yandex",
                json!({ "id": "77", "default_email": "a@example.org", "real_name": "Anna", "client_id": "us" }),
            ),
            ("vk", json!({ "user": { "user_id": 77, "email": "a@example.org", "first_name": "Anna" } })),
            ("mailru", json!({ "id": "77", "email": "a@example.org", "name": "Anna", "client_id": "us" })),
            ("github", json!({ "id": 77, "email": "a@example.org", "name": null, "login": "Anna" })),
            ("x", json!({ "data": { "id": "77", "confirmed_email": "a@example.org", "name": "Anna" } })),
            ("facebook", json!({ "id": "77", "email": "a@example.org", "name": "Anna" })),
            ("google", json!({ "sub": "77", "email": "a@example.org", "name": "Anna" })),
        ];
        for (id, user) in shapes {
            let expected = ["77", "a@example.org", "Anna"].map(str::to_owned);
            assert_eq!(read(id, &user), Ok(expected), "{id}");
        }
    }

    #[test]
    fn a_token_of_another_client_is_refused() {
        for id in ["yandex", "mailru"] {
            for client in [json!("another"), json!(null), json!("")] {
                let user = json!({ "id": "77", "client_id": client });
                let mismatch =
                    ProviderError::InvalidResponse("client mismatch: the token belongs to another client");
                assert_eq!(read(id, &user), Err(mismatch));
            }
        }
    }

    #[test]
    fn an_invalid_subject_is_refused() {
        for subject in [
            json!(""),
            json!(null),
            json!(-1),
            json!(1.5),
            json!({}),
            json!("a\0"),
            json!(" a"),
            json!("a\u{2003}"),
            json!("a".repeat(256)),
        ] {
            assert!(read("github", &json!({ "id": subject })).is_err(), "{subject}");
        }
        assert!(read("vk", &json!({ "user_id": 7 })).is_err());
        assert!(read("vk", &json!([])).is_err());
    }

    #[test]
    fn an_empty_address_counts_as_absent() {
        for email in [json!(""), json!(" "), json!(null)] {
            let user = json!({ "user": { "user_id": "7", "email": email } });
            let identity = Identity::read(&provider("vk", true), &user).unwrap();
            assert!(identity.email.is_none() && !identity.is_email_vouched);
        }
    }

    #[test]
    fn a_provider_is_authoritative_for_vouched_addresses_of_its_own_domains() {
        let google = |email: &str, is_verified: bool| {
            let user =
                json!({ "sub": "7", "email": email, "email_verified": is_verified, "hd": "example.org" });
            Identity::read(&provider("google", true), &user).unwrap()
        };
        for (email, is_verified, is_vouched, is_authoritative) in [
            ("anna@gmail.com", true, true, true),
            ("anna@gmail.com", false, false, false),
            ("anna@example.org", true, true, false),
        ] {
            let identity = google(email, is_verified);
            let expected = (is_vouched, is_authoritative);
            assert_eq!((identity.is_email_vouched, identity.is_email_authoritative), expected, "{email}");
        }
        let yandex = json!({ "id": "7", "default_email": "Anna@Ya.ru", "client_id": "us" });
        assert!(Identity::read(&provider("yandex", false), &yandex).unwrap().is_email_authoritative);
    }

    #[test]
    fn an_operators_trust_does_not_override_the_providers_denial() {
        let vouched = |trusts, user: Value| {
            let identity = Identity::read(&provider("facebook", trusts), &user).unwrap();
            identity.is_email_vouched
        };
        assert!(!vouched(false, json!({ "id": "7", "email": "a@example.org" })));
        assert!(vouched(true, json!({ "id": "7", "email": "a@example.org" })));
        assert!(!vouched(true, json!({ "id": "7", "email": "a@example.org", "email_verified": false })));
    }

    proptest! {
        #[test]
        fn any_claims_are_read_or_refused_without_panic(text in "\\PC{0,60}", number: i64) {
            for id in ["google", "yandex", "vk", "mailru", "github", "x", "facebook"] {
                let value = serde_json::from_str(&text).unwrap_or_else(|_| json!(text));
                let _verdicts = [
                    read(id, &value),
                    read(id, &json!({ "id": value, "sub": number, "email": value, "client_id": "us" })),
                    read(id, &json!({ "user": { "user_id": number, "email": value }, "data": value })),
                ];
            }
        }
    }
}
