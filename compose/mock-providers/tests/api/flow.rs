//! The good path of all seven, by header and by page.

use mock_providers::Provider;

use crate::client::{form_of, get, post};
use crate::good::{CALLBACK, STATE, ask, authorize, authorize_url, code, start, token, user};

#[tokio::test]
async fn anna_signs_in_at_all() {
    let providers = start().await;
    for provider in Provider::ALL.into_iter().chain([Provider::OPENID]) {
        let anna = providers.people(provider).into_iter().find(|person| person.key == "anna").unwrap();
        let token = token(&providers, provider, "anna").await;
        let answer = user(&providers, provider, &token).await;
        assert_eq!(answer.status, 200, "{provider}: {answer:?}");
        let pointer = match provider {
            Provider::Google | Provider::Microsoft => "/sub",
            Provider::Vk => "/user/user_id",
            Provider::X => "/data/id",
            Provider::Yandex | Provider::MailRu | Provider::GitHub | Provider::Facebook => "/id",
        };
        let id = answer.at(pointer);
        assert_eq!(id.as_str().map_or_else(|| id.to_string(), str::to_owned), anna.subject, "{provider}");
        let asked = providers.requests(provider);
        assert_eq!((asked.authorize, asked.token, asked.user), (1, 1, 1), "{provider}");
    }
}

#[tokio::test]
async fn a_browser_chooses_once_on_a_page_without_script() {
    let providers = start().await;
    for provider in Provider::ALL.into_iter().chain([Provider::OPENID]) {
        let url = format!("{}?{}", authorize_url(&providers, provider), form_of(&ask(provider).borrowed()));
        let page = get(&url, &[]).await;
        assert_eq!(page.status, 200, "{page:?}");
        assert!(page.headers["content-security-policy"].starts_with("default-src 'none'"));
        assert!(!page.headers["content-security-policy"].contains("form-action"));
        assert!(page.body.contains("(mock)</h1>"), "{}", page.body);
        assert!(page.body.contains("<button name=\"person\" value=\"anna\">"), "{}", page.body);
        assert!(page.body.contains("<button name=\"refuse\" value=\"1\">"), "{}", page.body);

        let request = page.body.split("name=\"request\" value=\"").nth(1).unwrap().split('"').next().unwrap();
        let decide = format!("{}/_decide", providers.url_of(provider));
        let form = [("request", request), ("person", "anna")];
        let callback = post(&decide, &[], &form).await;
        assert!(callback.location().starts_with(&format!("{CALLBACK}?code=")), "{callback:?}");
        assert_eq!(callback.callback()["state"], STATE);
        assert_eq!(post(&decide, &[], &form).await.status, 400, "a second time");
    }
}

#[tokio::test]
async fn a_page_of_one_provider_is_not_answered_at_another() {
    let providers = start().await;
    let url = authorize_url(&providers, Provider::X) + "?" + &form_of(&ask(Provider::X).borrowed());
    let page = get(&url, &[]).await.body;
    let request = page.split("name=\"request\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let decide = providers.url_of(Provider::Google) + "/_decide";
    assert_eq!(post(&decide, &[], &[("request", request), ("person", "anna")]).await.status, 400);
}

#[tokio::test]
async fn a_refusal_is_an_error_with_the_state() {
    let providers = start().await;
    for provider in Provider::ALL {
        let callback = authorize(&providers, provider, &ask(provider), "refuse").await.callback();
        assert_eq!(callback["error"], "access_denied");
        assert_eq!(callback["state"], STATE);
        assert!(!callback.contains_key("code"));
        let reason = callback.get("error_reason").map(String::as_str);
        assert_eq!(reason, (provider == Provider::Facebook).then_some("user_denied"));
    }
}

#[tokio::test]
async fn a_callback_has_what_its_provider_adds() {
    let providers = start().await;
    let google = authorize(&providers, Provider::Google, &ask(Provider::Google), "anna").await.callback();
    assert_eq!(google["iss"], "https://accounts.google.com");
    assert!(
        google["scope"].contains("openid")
            && google.contains_key("authuser")
            && google.contains_key("prompt")
    );
    let vk = authorize(&providers, Provider::Vk, &ask(Provider::Vk), "anna").await.callback();
    assert_eq!((vk["type"].as_str(), vk["device_id"].len()), ("code_v2", 43));
    assert!(vk.contains_key("expires_in"));
}

#[tokio::test]
async fn a_code_of_one_provider_is_worth_nothing_at_another() {
    let providers = start().await;
    let exchange = code(&providers, Provider::Google, &ask(Provider::Google), "anna").await;
    let answer = exchange.send(&providers, Provider::Yandex).await;
    assert_eq!((answer.status, answer.at("/error")), (400, "invalid_grant".into()));
}
