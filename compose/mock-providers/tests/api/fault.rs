//! Every fault that is not inside an ID token, and that a cleared one is gone.

use std::time::{Duration, Instant};

use mock_providers::{Fault, Person, Provider, Providers};
use serde_json::json;

use crate::client::{Delivery, get, post, try_send};
use crate::good::{CLIENT, STATE, ask, authorize, code, granted, start, token, token_url, user};

/// Long enough for an answer to come, if one came.
const A_WHILE: Duration = Duration::from_millis(300);

/// An exchange that is good but for the fault.
async fn exchanged(providers: &Providers, provider: Provider, fault: Fault) -> Delivery {
    let good = code(providers, provider, &ask(provider), "anna").await;
    providers.set_fault(provider, fault);
    let answer = good.send(providers, provider).await;
    providers.clear_fault(provider);
    answer
}

/// User data that are good but for the fault.
async fn told(providers: &Providers, provider: Provider, fault: Fault) -> Delivery {
    let token = token(providers, provider, "anna").await;
    providers.set_fault(provider, fault);
    let answer = user(providers, provider, &token).await;
    providers.clear_fault(provider);
    answer
}

#[tokio::test]
async fn no_response_is_sent_until_the_fault_is_cleared() {
    let providers = start().await;
    for provider in Provider::ALL {
        let good = code(&providers, provider, &ask(provider), "anna").await;
        providers.set_fault(provider, Fault::TokenTimeout);
        assert!(tokio::time::timeout(A_WHILE, good.send(&providers, provider)).await.is_err(), "{provider}");
        providers.set_fault(provider, Fault::UserTimeout);
        let token = good.send(&providers, provider).await.at("/access_token");
        let user = user(&providers, provider, token.as_str().unwrap());
        assert!(tokio::time::timeout(A_WHILE, user).await.is_err(), "{provider}");
        assert_eq!((providers.requests(provider).token, providers.requests(provider).user), (2, 1));
    }
}

#[tokio::test]
async fn faults_replace_responses_by_errors_and_garbage() {
    let providers = start().await;
    for provider in Provider::ALL {
        assert_eq!(exchanged(&providers, provider, Fault::Token500).await.status, 500);
        assert_eq!(told(&providers, provider, Fault::User500).await.status, 500);
        let answer = exchanged(&providers, provider, Fault::ErrorIn200).await;
        assert_eq!((answer.status, answer.at("/error").is_null()), (200, false), "{provider}: {answer:?}");
        let answer = told(&providers, provider, Fault::UserErrorIn200).await;
        assert_eq!((answer.status, answer.at("/error").is_null()), (200, false), "{provider}: {answer:?}");
        for answer in [
            exchanged(&providers, provider, Fault::TokenGarbage).await,
            told(&providers, provider, Fault::UserGarbage).await,
        ] {
            assert_eq!(answer.status, 200);
            assert!(serde_json::from_str::<serde_json::Value>(&answer.body).is_err());
        }
    }
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_right_and_does_not_say_its_length() {
    let providers = start().await;
    for provider in Provider::ALL {
        let token = exchanged(&providers, provider, Fault::TokenTooLarge).await;
        let user = told(&providers, provider, Fault::UserTooLarge).await;
        assert!(token.at("/access_token").is_string(), "{provider}");
        for answer in [token, user] {
            assert!(answer.body.len() > 1024 * 1024 && answer.json().is_object(), "{provider}");
            assert!(!answer.headers.contains_key("content-length"));
        }
    }
}

#[tokio::test]
async fn clients_that_follow_a_redirect_are_counted() {
    let providers = start().await;
    let token = exchanged(&providers, Provider::Vk, Fault::TokenRedirect).await;
    let user = told(&providers, Provider::Vk, Fault::UserRedirect).await;
    assert_eq!((token.status, user.status), (302, 302));
    assert_eq!(providers.requests(Provider::Vk).followed, 0);
    get(token.location(), &[]).await;
    post(user.location(), &[], &[]).await;
    assert_eq!(providers.requests(Provider::Vk).followed, 2);
}

#[tokio::test]
async fn a_connection_is_closed_without_an_answer() {
    let providers = start().await;
    for provider in Provider::ALL {
        providers.set_fault(provider, Fault::Close);
        let answer = try_send("POST", &token_url(&providers, provider), &[], "").await;
        assert!(answer.is_err(), "{provider}: {answer:?}");
        providers.clear_fault(provider);
        granted(&providers, provider, "anna").await;
    }
}

#[tokio::test]
async fn a_slow_answer_takes_two_seconds_and_a_page_does_not() {
    let providers = start().await;
    providers.set_fault(Provider::Google, Fault::Slow);
    let begun = Instant::now();
    let good = code(&providers, Provider::Google, &ask(Provider::Google), "anna").await;
    assert!(begun.elapsed() < Duration::from_secs(2));
    let answer = good.send(&providers, Provider::Google).await;
    assert!(begun.elapsed() >= Duration::from_secs(2) && answer.status == 200);
}

#[tokio::test]
async fn yandex_and_mailru_can_name_another_client() {
    let providers = start().await;
    for provider in [Provider::Yandex, Provider::MailRu] {
        let answer = told(&providers, provider, Fault::WrongClientEcho).await;
        assert!(answer.at("/client_id").is_string() && answer.at("/client_id") != CLIENT);
    }
}

#[tokio::test]
async fn vk_can_repeat_another_state_and_forget_the_device() {
    let providers = start().await;
    let answer = exchanged(&providers, Provider::Vk, Fault::WrongStateEcho).await;
    assert!(answer.at("/state").is_string() && answer.at("/state") != "state-of-the-exchange");
    providers.set_fault(Provider::Vk, Fault::DropDeviceId);
    let callback = authorize(&providers, Provider::Vk, &ask(Provider::Vk), "anna").await.callback();
    assert!(callback.contains_key("code") && !callback.contains_key("device_id"));
}

#[tokio::test]
async fn a_callback_can_carry_another_state_or_issuer() {
    let providers = start().await;
    for provider in Provider::ALL {
        providers.set_fault(provider, Fault::WrongStateCallback);
        let callback = authorize(&providers, provider, &ask(provider), "anna").await.callback();
        assert_ne!(callback["state"], STATE);
    }
    providers.set_fault(Provider::Google, Fault::WrongCallbackIssuer);
    let callback = authorize(&providers, Provider::Google, &ask(Provider::Google), "anna").await.callback();
    assert_eq!(callback["iss"], "https://accounts.example.org");
}

#[tokio::test]
async fn user_data_can_lack_the_identifier() {
    let providers = start().await;
    for provider in Provider::ALL {
        let answer = told(&providers, provider, Fault::NoSubject).await;
        let found = ["/sub", "/id", "/user/user_id", "/data/id"].map(|pointer| answer.at(pointer));
        assert!(answer.status == 200 && found.iter().all(serde_json::Value::is_null), "{answer:?}");
    }
}

#[tokio::test]
async fn github_can_have_no_list_of_addresses() {
    let providers = start().await;
    let bearer = format!("Bearer {}", token(&providers, Provider::GitHub, "anna").await);
    let headers = [("User-Agent", "test"), ("Authorization", bearer.as_str())];
    let url = providers.url_of(Provider::GitHub);
    providers.set_fault(Provider::GitHub, Fault::Emails404);
    let emails = get(&format!("{url}/user/emails"), &headers).await;
    assert_eq!((emails.status, emails.at("/message")), (404, json!("Not Found")));
    assert_eq!(get(&format!("{url}/user"), &headers).await.status, 200);
    assert_eq!(providers.requests(Provider::GitHub).emails, 1);
}

#[tokio::test]
async fn github_lists_addresses_in_pages_or_refuses_to() {
    let providers = start().await;
    let anna = providers.people(Provider::GitHub).into_iter().find(|person| person.key == "anna").unwrap();
    providers.put_person(Person { more_emails: 110, ..anna }).unwrap();
    let bearer = format!("Bearer {}", token(&providers, Provider::GitHub, "anna").await);
    let headers = [("User-Agent", "test"), ("Authorization", bearer.as_str())];
    let url = format!("{}/user/emails", providers.url_of(Provider::GitHub));
    // Two more are before them, and the primary address is the last.
    for (query, length) in [
        ("", 30),
        ("?page=4", 23),
        ("?per_page=100", 100),
        ("?per_page=1000", 100),
        ("?per_page=100&page=2", 13),
        ("?per_page=100&page=3", 0),
    ] {
        let list = get(&format!("{url}{query}"), &headers).await.json();
        let list = list.as_array().unwrap();
        assert_eq!(list.len(), length, "{query}");
        assert_eq!(list.iter().any(|entry| entry["primary"] == true), [23, 13].contains(&length), "{query}");
    }
    assert_eq!(get(&format!("{url}?page=x"), &headers).await.status, 422);
    for (fault, rest, after) in [
        (Fault::Emails403, Some("4999"), None),
        (Fault::EmailsRateLimit, Some("0"), None),
        (Fault::EmailsRetryAfter, None, Some("60")),
        (Fault::EmailsSecondaryLimit, None, None),
    ] {
        providers.set_fault(Provider::GitHub, fault);
        let refused = get(&url, &headers).await;
        let header = |name: &str| refused.headers.get(name).map(String::as_str);
        assert_eq!(refused.status, 403);
        assert_eq!((header("x-ratelimit-remaining"), header("retry-after")), (rest, after), "{fault:?}");
    }
}

#[tokio::test]
async fn a_code_can_be_long_and_is_exchanged() {
    let providers = start().await;
    for provider in Provider::ALL.into_iter().chain([Provider::OPENID]) {
        providers.set_fault(provider, Fault::LongCode);
        let good = code(&providers, provider, &ask(provider), "anna").await;
        let (_, text) = good.form.0.iter().find(|(name, _)| name == "code").unwrap();
        assert_eq!(text.len(), 8192, "{provider}");
        assert_eq!(good.send(&providers, provider).await.status, 200, "{provider}");
    }
}

#[tokio::test]
async fn a_fault_is_of_one_provider() {
    let providers = start().await;
    providers.set_fault(Provider::Google, Fault::Token500);
    granted(&providers, Provider::Yandex, "anna").await;
}
