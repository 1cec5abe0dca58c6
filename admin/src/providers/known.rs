//! The known providers, a file each. A new one is a file here and a line in each of the two lists below.

mod facebook;
mod github;
mod google;
mod mailru;
mod openid;
mod vk;
mod x;
mod yandex;

use super::descriptor::Descriptor;

/// Providers that need no more configuration than our client identifier and secret.
#[rustfmt::skip]
pub const KNOWN: &[&Descriptor] = &[
    &google::GOOGLE,
    &yandex::YANDEX,
    &vk::VK,
    &mailru::MAILRU,
    &github::GITHUB,
    &x::X,
    &facebook::FACEBOOK,
];

/// Any other provider of OpenID Connect with a discovery document.
pub(super) const OPENID: &Descriptor = &openid::OPENID;

/// The addresses of the mailbox of `email`, which is in lower case, at any known provider, configured or not: itself first.
pub(crate) fn same_mailbox(email: &str) -> Vec<String> {
    let of = |provider: &&Descriptor| provider.mail.same_mailbox(email);
    let all = KNOWN.iter().map(of).find(|addresses| addresses.len() > 1);
    all.unwrap_or_else(|| vec![email.to_owned()])
}

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use url::Url;

    use super::*;

    #[test]
    fn each_has_a_unique_name_and_https_urls() {
        let mut ids: Vec<_> = KNOWN.iter().map(|provider| provider.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), KNOWN.len());
        for provider in KNOWN {
            let keys = provider.id_token.as_ref().map(|tokens| tokens.keys_url);
            let list = provider.list.as_ref().map(|list| list.url);
            let urls = [provider.authorize_url, provider.token_url, provider.user_url];
            for url in urls.into_iter().chain(keys).chain(list) {
                assert_eq!(url.parse::<Url>().unwrap().scheme(), "https", "{url}");
            }
        }
    }

    #[test]
    fn the_domains_of_one_mailbox_are_known_without_a_configuration() {
        let of_yandex = same_mailbox("anna@ya.ru");
        assert_eq!(of_yandex.first().map(String::as_str), Some("anna@ya.ru"));
        assert!(of_yandex.contains(&"anna@yandex.ru".to_owned()) && of_yandex.len() > 4, "{of_yandex:?}");
        assert_eq!(same_mailbox("anna@gmail.com"), ["anna@gmail.com", "anna@googlemail.com"]);
        for other in ["anna@mail.ru", "anna@example.org", "anna"] {
            assert_eq!(same_mailbox(other), [other]);
        }
    }

    #[test]
    fn only_providers_with_a_known_flag_vouch_for_an_address() {
        let vouches = |provider: &Descriptor, user: Value| (provider.vouches)(&user, "anna@example.org");
        let said = serde_json::json!({ "email_verified": true, "verified": true });
        for provider in [&yandex::YANDEX, &vk::VK, &mailru::MAILRU, &facebook::FACEBOOK, &google::GOOGLE] {
            assert!(!vouches(provider, said.clone()), "{}", provider.id);
        }
        assert!(vouches(&openid::OPENID, said.clone()) && vouches(&github::GITHUB, said));
        assert!(vouches(&x::X, Value::Null));
    }

    #[test]
    fn two_providers_vouch_for_the_addresses_of_their_own_mailboxes_without_a_flag() {
        let own = |provider: &Descriptor| {
            provider
                .mail
                .domains
                .iter()
                .filter(|domain| (provider.vouches)(&Value::Null, &format!("anna@{domain}")))
                .count()
        };
        let vouching: Vec<_> =
            KNOWN.iter().filter(|provider| own(provider) > 0).map(|provider| provider.id).collect();
        assert_eq!(vouching, ["yandex", "mailru"]);
        assert_eq!((own(&yandex::YANDEX), own(&mailru::MAILRU)), (6, 6));
    }

    #[test]
    fn no_domain_belongs_to_two_providers() {
        let mut all: Vec<_> = KNOWN.iter().flat_map(|provider| provider.mail.domains).collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
        assert!(vk::VK.mail.domains.is_empty());
    }
}
