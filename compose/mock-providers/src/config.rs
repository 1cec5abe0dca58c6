//! The configuration: the clients, and the people who can sign in.

use serde::{Deserialize, Serialize};
use url::Url;

use crate::invalid::Invalid;
use crate::person::Person;
use crate::provider::Provider;

/// The initial clients and people.
///
/// ```
/// let config = mock_providers::Config::parse(
///     r#"{"clients": [{"provider": "google", "id": "cinema", "secret": "popcorn",
///                      "redirect_uris": ["http://127.0.0.1:8080/callback"]}]}"#,
/// )?;
/// assert!(config.people.is_empty());
/// # Ok::<(), mock_providers::Invalid>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The registered applications.
    #[serde(default)]
    pub clients: Vec<Client>,
    /// The people who can sign in. A provider without any has the default people.
    #[serde(default)]
    pub people: Vec<Person>,
}

/// An application that is registered with one provider.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Client {
    /// The provider.
    pub provider: Provider,
    /// The `client_id`: 1 to 255 printable ASCII characters. With the provider it is unique.
    pub id: String,
    /// The `client_secret`: 1 to 255 printable ASCII characters.
    pub secret: String,
    /// The redirect URIs, which must match byte for byte: absolute, `http`, `https` or an application's own scheme,
    /// without a fragment.
    pub redirect_uris: Vec<String>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let uris = &self.redirect_uris;
        f.debug_struct("Client")
            .field("provider", &self.provider)
            .field("id", &self.id)
            .field("uris", uris)
            .finish()
    }
}

impl Config {
    /// Parses and checks a configuration in JSON.
    ///
    /// # Errors
    ///
    /// When it is not JSON, has an unknown field, or contains an invalid client or person.
    pub fn parse(json: &str) -> Result<Self, Invalid> {
        let config: Self = serde_json::from_str(json).map_err(|why| Invalid(why.to_string()))?;
        config.check()?;
        Ok(config)
    }

    /// Refuses invalid and repeated entries.
    pub(crate) fn check(&self) -> Result<(), Invalid> {
        let mut seen = std::collections::BTreeSet::new();
        for client in &self.clients {
            client.check()?;
            if !seen.insert(("client", client.provider, &client.id)) {
                return Err(Invalid(format!(
                    "client {:?} of {} is listed twice",
                    client.id, client.provider
                )));
            }
        }
        for person in &self.people {
            person.check()?;
            if !seen.insert(("person", person.provider, &person.key)) {
                return Err(Invalid(format!(
                    "person {:?} of {} is listed twice",
                    person.key, person.provider
                )));
            }
        }
        Ok(())
    }
}

impl Client {
    /// Refuses a client that no provider would register.
    pub(crate) fn check(&self) -> Result<(), Invalid> {
        let id = &self.id;
        if !is_printable(id) {
            return Err(Invalid(format!(
                "client {id:?}: the id must be 1 to 255 printable ASCII characters"
            )));
        }
        if !is_printable(&self.secret) {
            return Err(Invalid(format!(
                "client {id:?}: the secret must be 1 to 255 printable ASCII characters"
            )));
        }
        if self.redirect_uris.is_empty() {
            return Err(Invalid(format!("client {id:?}: at least one redirect URI is required")));
        }
        for uri in &self.redirect_uris {
            let plain = uri.bytes().all(|byte| byte.is_ascii_graphic()) && !uri.contains('#');
            if !plain || uri.len() > 2048 || Url::parse(uri).is_err() {
                return Err(Invalid(format!(
                    "client {id:?}: the redirect URI {uri:?} must be an absolute URL in ASCII without a fragment"
                )));
            }
        }
        Ok(())
    }
}

fn is_printable(text: &str) -> bool {
    (1..=255).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(uri: &str) -> String {
        format!(
            r#"{{"clients": [{{"provider": "x", "id": "cinema", "secret": "hunter2", "redirect_uris": ["{uri}"]}}]}}"#
        )
    }

    #[test]
    fn a_redirect_uri_is_absolute_and_has_no_fragment() {
        assert!(Config::parse(&client("http://127.0.0.1:8080/callback?a=b")).is_ok());
        assert!(Config::parse(&client("app.example:/callback")).is_ok());
        for uri in ["/callback", "http://a.example/#b", "http://a.example/ b", "http://é.example/", ""] {
            assert!(Config::parse(&client(uri)).is_err(), "{uri}");
        }
    }

    #[test]
    fn an_unknown_field_is_named() {
        let why = Config::parse(r#"{"client": []}"#).unwrap_err().to_string();
        assert!(why.contains("`client`"), "{why}");
    }

    #[test]
    fn a_repeated_person_is_refused() {
        let person = Person::new(Provider::X, "fred", "1");
        let config = Config { people: vec![person.clone(), person], ..Config::default() };
        assert!(config.check().is_err());
    }

    #[test]
    fn a_secret_is_not_printed() {
        let config = Config::parse(&client("http://127.0.0.1/")).unwrap();
        assert!(!format!("{config:?}").contains("hunter2"));
    }
}
