//! The providers and their names in paths.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A mocked identity provider.
///
/// In JSON and in paths it is the lower-case name: `google`, `yandex`, `vk`, `mailru`, `github`, `x`, `facebook`,
/// `microsoft`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Provider {
    /// Google, with OpenID Connect.
    Google,
    /// Yandex ID.
    Yandex,
    /// VK ID, not the old `oauth.vk.com`.
    Vk,
    /// Mail.ru as `oauth.mail.ru`, not the old `connect.mail.ru`.
    MailRu,
    /// GitHub's OAuth apps.
    GitHub,
    /// X by OAuth 2.0, not 1.0a.
    X,
    /// Facebook Login, version 24.0 of the Graph API.
    Facebook,
    /// Microsoft with the common issuer of all tenants, found by its discovery document.
    Microsoft,
}

impl Provider {
    /// The providers that clients know, in the order of the README.
    pub const ALL: [Self; 7] =
        [Self::Google, Self::Yandex, Self::Vk, Self::MailRu, Self::GitHub, Self::X, Self::Facebook];

    /// The one that clients know only by its issuer.
    pub const OPENID: Self = Self::Microsoft;

    /// The name in paths and in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Google => "google",
            Self::Yandex => "yandex",
            Self::Vk => "vk",
            Self::MailRu => "mailru",
            Self::GitHub => "github",
            Self::X => "x",
            Self::Facebook => "facebook",
            Self::Microsoft => "microsoft",
        }
    }

    /// The provider with this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().chain([Self::OPENID]).find(|provider| provider.name() == name)
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_has_one_name_in_paths_and_in_json() {
        for provider in Provider::ALL.into_iter().chain([Provider::OPENID]) {
            assert_eq!(serde_json::to_value(provider).unwrap(), provider.name());
            assert_eq!(Provider::parse(provider.name()), Some(provider));
        }
        assert_eq!(Provider::parse("Google"), None);
    }
}
