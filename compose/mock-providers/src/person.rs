//! A person with an account at a provider, and the peculiarities of that account.

use serde::{Deserialize, Serialize};

use crate::invalid::Invalid;
use crate::provider::Provider;

/// A person who can sign in at one provider.
///
/// ```
/// use mock_providers::{Person, Provider};
///
/// let fred = Person {
///     name: Some("Fred".to_owned()),
///     email: Some("fred@example.org".to_owned()),
///     ..Person::new(Provider::GitHub, "fred", "4711")
/// };
/// # assert!(!fred.email_verified);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// The name in tests, unique at the provider: 1 to 64 characters of `a-z`, `0-9`, `_` and `-`.
    ///
    /// It is also the login, nickname or username where a provider has one.
    pub key: String,
    /// The provider.
    pub provider: Provider,
    /// The subject identifier: digits for Yandex, VK, GitHub and Facebook.
    pub subject: String,
    /// The given name, a space, the family name. Without it GitHub returns `null`.
    #[serde(default)]
    pub name: Option<String>,
    /// The address; `None` if the account has none or hides it.
    #[serde(default)]
    pub email: Option<String>,
    /// Whether the provider has verified the address. Google and GitHub return this; X returns verified addresses only.
    #[serde(default)]
    pub email_verified: bool,
    /// Google: the Workspace domain.
    #[serde(default)]
    pub hd: Option<String>,
    /// Yandex, VK, Mail.ru: the birthday as that provider writes it, perhaps with zeros (`0000-12-23`).
    #[serde(default)]
    pub birthday: Option<String>,
    /// Google: `email_verified` is the string `"true"` or `"false"`.
    #[serde(default)]
    pub verified_as_string: bool,
    /// Google: the ID token's issuer is `accounts.google.com`, without the scheme.
    #[serde(default)]
    pub short_issuer: bool,
    /// VK: `user_id` is a number, not a string.
    #[serde(default)]
    pub numeric_id: bool,
    /// Yandex, VK: without an address the field is `""` instead of absent.
    #[serde(default)]
    pub empty_email: bool,
    /// GitHub: how many more addresses are listed before the primary one; at most 1000.
    #[serde(default)]
    pub more_emails: usize,
    /// Microsoft: the tenant, a UUID. Without it the account is a personal one.
    #[serde(default)]
    pub tenant: Option<String>,
}

impl Person {
    /// A person with a subject identifier and nothing else.
    #[must_use]
    pub fn new(provider: Provider, key: &str, subject: &str) -> Self {
        Self {
            key: key.to_owned(),
            provider,
            subject: subject.to_owned(),
            name: None,
            email: None,
            email_verified: false,
            hd: None,
            birthday: None,
            verified_as_string: false,
            short_issuer: false,
            numeric_id: false,
            empty_email: false,
            more_emails: 0,
            tenant: None,
        }
    }

    /// Refuses a person that no provider could have.
    pub(crate) fn check(&self) -> Result<(), Invalid> {
        let of_key = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-');
        if self.key.is_empty() || self.key.len() > 64 || !self.key.bytes().all(of_key) {
            return Err(Invalid(format!(
                "key {:?}: must be 1 to 64 characters of a-z, 0-9, _ and -",
                self.key
            )));
        }
        if self.key == "refuse" {
            return Err(Invalid(
                "key \"refuse\": must be another word, because `X-Choose: refuse` denies access".to_owned(),
            ));
        }
        let digits = match self.provider {
            Provider::Yandex | Provider::Vk | Provider::GitHub | Provider::Facebook => true,
            Provider::Google | Provider::MailRu | Provider::X | Provider::Microsoft => false,
        };
        if digits && self.number().is_none() {
            let (provider, subject) = (self.provider, &self.subject);
            return Err(Invalid(format!(
                "subject {subject:?}: must be digits without a leading zero at {provider}"
            )));
        }
        if self.more_emails > 1000 {
            return Err(Invalid("more_emails: must be at most 1000".to_owned()));
        }
        if self.subject.is_empty() || self.subject.len() > 255 {
            return Err(Invalid("subject: must be 1 to 255 bytes".to_owned()));
        }
        Ok(())
    }

    /// The subject identifier as a number, if it is one.
    pub(crate) fn number(&self) -> Option<u64> {
        let number = self.subject.parse().ok()?;
        (format!("{number}") == self.subject).then_some(number)
    }

    /// The first word of the name.
    pub(crate) fn given_name(&self) -> Option<&str> {
        self.name.as_deref()?.split_whitespace().next()
    }

    /// The name without its first word.
    pub(crate) fn family_name(&self) -> Option<&str> {
        Some(self.name.as_deref()?.trim_start().split_once(char::is_whitespace)?.1.trim())
    }

    /// The address, or `""` if the provider returns that instead of omitting the field.
    pub(crate) fn email_or_empty(&self) -> Option<&str> {
        self.email.as_deref().or(self.empty_email.then_some(""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_is_digits_where_the_provider_has_numbers() {
        assert!(Person::new(Provider::GitHub, "fred", "4711").check().is_ok());
        for subject in ["", "x", "+1", "01", "99999999999999999999999"] {
            assert!(Person::new(Provider::GitHub, "fred", subject).check().is_err(), "{subject}");
        }
        assert!(Person::new(Provider::Google, "fred", "x").check().is_ok());
    }

    #[test]
    fn a_key_fits_into_a_header_and_is_not_the_refusal() {
        for key in ["", "Fred", "fred smith", "refuse", "a\nb"] {
            assert!(Person::new(Provider::Google, key, "1").check().is_err(), "{key:?}");
        }
    }

    #[test]
    fn the_rest_of_a_name_is_the_family_name() {
        let mut fred = Person::new(Provider::Google, "fred", "1");
        assert_eq!((fred.given_name(), fred.family_name()), (None, None));
        fred.name = Some("Fred".to_owned());
        assert_eq!((fred.given_name(), fred.family_name()), (Some("Fred"), None));
        fred.name = Some("Fred van Dyke".to_owned());
        assert_eq!((fred.given_name(), fred.family_name()), (Some("Fred"), Some("van Dyke")));
    }
}
