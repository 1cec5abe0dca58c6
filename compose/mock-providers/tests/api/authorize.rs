//! What an authorization request is refused for: a page with status 400 that says why, never a redirect.

use mock_providers::Provider;

use crate::client::{form_of, get, post};
use crate::good::{CHALLENGE, Pairs, ask, authorize, authorize_url, start};

async fn is_refused(providers: &mock_providers::Providers, provider: Provider, ask: &Pairs, why: &str) {
    let answer = authorize(providers, provider, ask, "anna").await;
    assert_eq!(answer.status, 400, "{provider} {ask:?}: {answer:?}");
    assert!(!answer.headers.contains_key("location"));
    assert!(answer.headers["content-type"].starts_with("text/html"));
    assert!(answer.body.contains(why), "{provider}: {why:?} is not in {}", answer.body);
}

#[tokio::test]
async fn all_seven_refuse_what_is_wrong_everywhere() {
    let providers = start().await;
    for provider in Provider::ALL {
        let good = || ask(provider);
        for (ask, why) in [
            (good().with("client_id", "unknown"), "not registered"),
            (good().without("client_id"), "client_id is missing"),
            (good().with("redirect_uri", "http://127.0.0.1:9/callback/"), "byte for byte"),
            (good().with("redirect_uri", "http://127.0.0.1:9/Callback"), "byte for byte"),
            (good().without("redirect_uri"), "redirect_uri is missing"),
            (good().with("response_type", "token"), "response_type must be `code`"),
            (good().without("response_type"), "response_type is missing"),
            (good().without("state"), "state is missing"),
            (good().with("state", ""), "state is missing"),
            (good().with("scope", "everything"), "unknown scope"),
            (good().with("code_challenge", "short"), "43 characters"),
            (good().with("code_challenge", &format!("{CHALLENGE}=")), "43 characters"),
            (good().with("code_challenge_method", "plain"), "code_challenge_method must be"),
            (good().without("code_challenge_method"), "it is missing"),
            (good().with("client_secret", "popcorn"), "the URL contains client_secret"),
            (good().with("access_token", "x"), "the URL contains access_token"),
        ] {
            is_refused(&providers, provider, &ask, why).await;
        }
        let mut twice = good();
        twice.0.push(("state".to_owned(), "another".to_owned()));
        is_refused(&providers, provider, &twice, "is repeated").await;
    }
}

#[tokio::test]
async fn a_scope_is_separated_as_its_provider_wants() {
    let providers = start().await;
    let facebook = ask(Provider::Facebook).with("scope", "email public_profile");
    is_refused(&providers, Provider::Facebook, &facebook, "commas").await;
    for provider in Provider::ALL.into_iter().filter(|provider| *provider != Provider::Facebook) {
        let good = ask(provider).borrowed().iter().find(|(name, _)| *name == "scope").unwrap().1.to_owned();
        if good.contains(' ') {
            let wrong = ask(provider).with("scope", &good.replace(' ', ","));
            is_refused(&providers, provider, &wrong, "spaces").await;
        }
    }
}

#[tokio::test]
async fn vk_and_x_give_nothing_without_pkce() {
    let providers = start().await;
    for provider in Provider::ALL {
        let without = ask(provider).without("code_challenge").without("code_challenge_method");
        if matches!(provider, Provider::Vk | Provider::X) {
            is_refused(&providers, provider, &without, "code_challenge is missing").await;
        } else {
            assert_eq!(authorize(&providers, provider, &without, "anna").await.status, 303, "{provider}");
        }
    }
}

#[tokio::test]
async fn only_vk_takes_the_method_in_lower_case() {
    let providers = start().await;
    for provider in Provider::ALL {
        let lower = ask(provider).with("code_challenge_method", "s256");
        let status = authorize(&providers, provider, &lower, "anna").await.status;
        assert_eq!(status, if provider == Provider::Vk { 303 } else { 400 }, "{provider}");
    }
}

#[tokio::test]
async fn yandex_wants_6_to_50_characters_of_a_device() {
    let providers = start().await;
    let short = ask(Provider::Yandex).with("device_id", "short");
    is_refused(&providers, Provider::Yandex, &short, "6 to 50").await;
    let good = ask(Provider::Yandex).with("device_id", "device").with("optional_scope", "login:avatar");
    assert_eq!(authorize(&providers, Provider::Yandex, &good, "anna").await.status, 303);
}

#[tokio::test]
async fn an_unknown_person_cannot_sign_in() {
    let providers = start().await;
    let answer = authorize(&providers, Provider::X, &ask(Provider::X), "dora").await;
    assert!(answer.status == 400 && answer.body.contains("has no person with the key"), "{answer:?}");
}

#[tokio::test]
async fn other_methods_are_not_served() {
    let providers = start().await;
    for provider in Provider::ALL {
        let url = authorize_url(&providers, provider);
        assert_eq!(post(&url, &[], &ask(provider).borrowed()).await.status, 405);
        assert_eq!(get(&(providers.url_of(provider) + "/_decide"), &[]).await.status, 405);
    }
}

#[tokio::test]
async fn text_of_the_request_is_escaped_on_the_page() {
    let providers = start().await;
    let wrong = ask(Provider::Google).with("client_id", "<script>alert(1)</script>");
    let url = format!("{}?{}", authorize_url(&providers, Provider::Google), form_of(&wrong.borrowed()));
    let page = get(&url, &[]).await;
    assert!(page.status == 400 && !page.body.contains("<script"), "{}", page.body);
}
