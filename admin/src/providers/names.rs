//! The names of the configured providers: all that a command needs of them.

use runtime::env::{Reader, text};

use super::known::KNOWN;
use super::variables::{Names, names, shown_name};

/// The configured providers: each identifier, and the name for people.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProviderNames(Vec<(String, String)>);

impl ProviderNames {
    /// Reads only which providers are configured, so that a mistake in anything else does not stop a command.
    pub(crate) fn read(reader: &mut Reader<'_>) -> Self {
        let mut all = Vec::new();
        for known in KNOWN {
            if reader.optional(&Names(known.id).of("CLIENT_ID"), text).is_some() {
                all.push((known.id.to_owned(), known.name.to_owned()));
            }
        }
        for id in reader.or("ADMIN_OAUTH_OPENID", Vec::new(), names) {
            let name = reader.or(&Names(&id).of("NAME"), id.clone(), shown_name);
            all.push((id, name));
        }
        Self(all)
    }

    /// The identifiers.
    pub(crate) fn ids(&self) -> Vec<&str> {
        self.0.iter().map(|(id, _)| id.as_str()).collect()
    }

    /// The name for people of a provider; of one that is no longer configured, the identifier itself.
    pub(crate) fn name_of<'p>(&'p self, id: &'p str) -> &'p str {
        self.0.iter().find(|(known, _)| known == id).map_or(id, |(_, name)| name)
    }
}

impl FromIterator<(String, String)> for ProviderNames {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(all: I) -> Self {
        Self(all.into_iter().collect())
    }
}
