//! The stub of each provider.

mod facebook;
pub(crate) mod github;
pub(crate) mod google;
mod mailru;
pub(crate) mod microsoft;
mod vk;
mod x;
mod yandex;

use crate::provider::Provider;
use crate::stub::Stub;

/// The stub of a provider.
pub(crate) fn stub_of(provider: Provider) -> &'static Stub {
    match provider {
        Provider::Google => &google::STUB,
        Provider::Yandex => &yandex::STUB,
        Provider::Vk => &vk::STUB,
        Provider::MailRu => &mailru::STUB,
        Provider::GitHub => &github::STUB,
        Provider::X => &x::STUB,
        Provider::Facebook => &facebook::STUB,
        Provider::Microsoft => &microsoft::STUB,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::Endpoint;

    #[test]
    fn a_scope_with_the_wrong_separator_is_unknown() {
        let facebook = &stub_of(Provider::Facebook).scopes;
        assert!(facebook.parse(Some("email,public_profile")).is_ok());
        assert!(facebook.parse(Some("email public_profile")).unwrap_err().contains("commas"));
        let google = &stub_of(Provider::Google).scopes;
        assert!(google.parse(Some("openid email")).is_ok());
        assert!(google.parse(Some("openid,email")).unwrap_err().contains("spaces"));
        assert!(google.parse(Some("openid  email")).is_err());
    }

    #[test]
    fn every_provider_has_the_three_endpoints_of_all() {
        for provider in Provider::ALL.into_iter().chain([Provider::OPENID]) {
            let stub = stub_of(provider);
            assert_eq!(stub.provider, provider);
            for wanted in [Endpoint::Authorize, Endpoint::Token, Endpoint::User] {
                assert!(stub.paths.iter().any(|(_, endpoint)| *endpoint == wanted), "{provider} {wanted:?}");
            }
        }
    }
}
