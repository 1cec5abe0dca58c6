//! The token endpoints: who may come, with what, and how each says no.

use mock_providers::Provider;
use url::form_urlencoded::parse;

use crate::client::{Delivery, form_of, get, send};
use crate::good::{CLIENT, Exchange, SECRET, STATE, ask, basic, code, granted, start, token_url};

/// Asserts that the answer is the provider's own refusal.
fn is_refusal(provider: Provider, answer: &Delivery, error: &str) {
    let says = |pointer: &str| answer.at(pointer).as_str().unwrap_or_default().to_owned();
    match provider {
        Provider::Google | Provider::Yandex | Provider::X | Provider::Microsoft => {
            let status = if error.contains("client") { 401 } else { 400 };
            assert_eq!((answer.status, says("/error").as_str()), (status, error), "{provider} {answer:?}");
            assert_eq!(answer.headers.contains_key("www-authenticate"), status == 401);
        }
        Provider::Vk => assert_eq!((answer.status, says("/error").as_str()), (200, error), "{answer:?}"),
        Provider::MailRu => {
            assert_eq!((answer.status, says("/error").as_str()), (200, error), "{answer:?}");
            assert!(answer.at("/error_code").is_number() && answer.at("/error_description").is_string());
        }
        Provider::GitHub => {
            let error = match error {
                "invalid_client" => "incorrect_client_credentials",
                "invalid_grant" => "bad_verification_code",
                other => other,
            };
            assert_eq!((answer.status, says("/error").as_str()), (200, error), "{answer:?}");
        }
        Provider::Facebook => {
            assert_eq!((answer.status, says("/error/type").as_str()), (400, "OAuthException"), "{answer:?}");
            assert!(answer.at("/error/code").is_number() && answer.at("/error/message").is_string());
        }
    }
}

/// A good exchange, changed.
async fn departing(
    providers: &mock_providers::Providers,
    provider: Provider,
    change: impl Fn(Exchange) -> Exchange,
) -> Delivery {
    let good = code(providers, provider, &ask(provider), "anna").await;
    change(good).send(providers, provider).await
}

fn form(exchange: Exchange, name: &str, value: &str) -> Exchange {
    Exchange { form: exchange.form.with(name, value), ..exchange }
}

fn without(exchange: Exchange, name: &str) -> Exchange {
    Exchange { form: exchange.form.without(name), ..exchange }
}

#[tokio::test]
async fn a_code_is_for_one_use() {
    let providers = start().await;
    for provider in Provider::ALL {
        let exchange = code(&providers, provider, &ask(provider), "anna").await;
        assert!(exchange.send(&providers, provider).await.at("/access_token").is_string(), "{provider}");
        is_refusal(provider, &exchange.send(&providers, provider).await, "invalid_grant");
    }
}

#[tokio::test]
async fn a_code_is_for_its_verifier_and_its_redirect_uri() {
    let providers = start().await;
    for provider in Provider::ALL {
        let another = "another-verifier-another-verifier-another-verifier";
        let answer = departing(&providers, provider, |good| form(good, "code_verifier", another)).await;
        is_refusal(provider, &answer, "invalid_grant");
        let answer = departing(&providers, provider, |good| without(good, "code_verifier")).await;
        let required = matches!(provider, Provider::Vk | Provider::X);
        is_refusal(provider, &answer, if required { "invalid_request" } else { "invalid_grant" });
        let another = "http://127.0.0.1:9/other";
        let answer = departing(&providers, provider, |good| form(good, "redirect_uri", another)).await;
        let error = if provider == Provider::GitHub { "redirect_uri_mismatch" } else { "invalid_grant" };
        is_refusal(provider, &answer, error);
    }
}

#[tokio::test]
async fn a_redirect_uri_is_repeated_where_the_provider_has_it() {
    let providers = start().await;
    for provider in Provider::ALL {
        let answer = departing(&providers, provider, |good| without(good, "redirect_uri")).await;
        match provider {
            Provider::Yandex | Provider::GitHub => assert!(answer.at("/access_token").is_string()),
            Provider::Google
            | Provider::Vk
            | Provider::MailRu
            | Provider::X
            | Provider::Facebook
            | Provider::Microsoft => {
                is_refusal(provider, &answer, "invalid_request");
            }
        }
    }
}

#[tokio::test]
async fn a_verifier_without_a_challenge_is_refused() {
    let providers = start().await;
    let plain = ask(Provider::Google).without("code_challenge").without("code_challenge_method");
    let exchange = code(&providers, Provider::Google, &plain, "anna").await;
    is_refusal(Provider::Google, &exchange.send(&providers, Provider::Google).await, "invalid_grant");
}

#[tokio::test]
async fn a_wrong_secret_is_refused_and_the_code_is_kept() {
    let providers = start().await;
    for provider in Provider::ALL.into_iter().filter(|provider| *provider != Provider::X) {
        let good = code(&providers, provider, &ask(provider), "anna").await;
        let wrong = form(good.clone(), "client_secret", "wrong").send(&providers, provider).await;
        is_refusal(provider, &wrong, "invalid_client");
        let missing = without(good.clone(), "client_secret").send(&providers, provider).await;
        if provider == Provider::Vk {
            assert!(missing.at("/access_token").is_string(), "{missing:?}");
        } else {
            is_refusal(provider, &missing, "invalid_client");
            assert!(good.send(&providers, provider).await.at("/access_token").is_string());
        }
    }
}

#[tokio::test]
async fn basic_is_for_google_yandex_mailru_and_x() {
    let providers = start().await;
    for provider in Provider::ALL {
        let answer = departing(&providers, provider, |good| {
            let headers = good.headers.clone().with("Authorization", &basic());
            without(Exchange { headers, ..good }, "client_secret")
        })
        .await;
        match provider {
            Provider::Google | Provider::Yandex | Provider::MailRu | Provider::X | Provider::Microsoft => {
                assert!(answer.at("/access_token").is_string(), "{provider}: {answer:?}");
            }
            Provider::Vk | Provider::GitHub | Provider::Facebook => {
                is_refusal(provider, &answer, "invalid_client");
            }
        }
    }
}

#[tokio::test]
async fn x_takes_no_secret_from_a_body() {
    let providers = start().await;
    let answer = departing(&providers, Provider::X, |good| {
        let headers = good.headers.clone().without("Authorization");
        form(form(Exchange { headers, ..good }, "client_id", CLIENT), "client_secret", SECRET)
    })
    .await;
    is_refusal(Provider::X, &answer, "unauthorized_client");
    let both = departing(&providers, Provider::X, |good| form(good, "client_secret", SECRET)).await;
    is_refusal(Provider::X, &both, "unauthorized_client");
}

#[tokio::test]
async fn only_a_form_in_a_post_is_served() {
    let providers = start().await;
    for provider in Provider::ALL {
        let url = token_url(&providers, provider);
        assert_eq!(get(&url, &[]).await.status, 405, "{provider}");
        let json = [("Content-Type", "application/json"), ("Accept", "application/json")];
        is_refusal(provider, &send("POST", &url, &json, "{}").await, "invalid_request");

        let good = code(&providers, provider, &ask(provider), "anna").await;
        let form = [("Content-Type", "application/x-www-form-urlencoded"), ("Accept", "application/json")];
        let twice = format!("{}&code=x", form_of(&good.form.borrowed()));
        is_refusal(provider, &send("POST", &url, &form, &twice).await, "invalid_request");
        let in_query = format!("{url}?client_secret=x");
        let body = form_of(&good.form.borrowed());
        is_refusal(provider, &send("POST", &in_query, &form, &body).await, "invalid_request");
    }
}

#[tokio::test]
async fn a_body_over_64_kib_is_not_read() {
    let providers = start().await;
    let url = token_url(&providers, Provider::Google);
    let form = [("Content-Type", "application/x-www-form-urlencoded")];
    let answer = send("POST", &url, &form, &"a".repeat(64 * 1024 + 1)).await;
    assert_eq!(answer.status, 413);
}

#[tokio::test]
async fn another_grant_type_is_refused() {
    let providers = start().await;
    for provider in Provider::ALL {
        let answer = departing(&providers, provider, |good| form(good, "grant_type", "password")).await;
        is_refusal(provider, &answer, "unsupported_grant_type");
    }
}

#[tokio::test]
async fn vk_wants_the_device_and_the_state_and_repeats_the_state() {
    let providers = start().await;
    for name in ["device_id", "state"] {
        let answer = departing(&providers, Provider::Vk, |good| without(good, name)).await;
        is_refusal(Provider::Vk, &answer, "invalid_request");
    }
    let answer = departing(&providers, Provider::Vk, |good| form(good, "device_id", "another")).await;
    is_refusal(Provider::Vk, &answer, "invalid_grant");
    let answer = departing(&providers, Provider::Vk, |good| form(good, "state", STATE)).await;
    assert_eq!(answer.at("/state"), STATE);
    assert_eq!(answer.at("/user_id"), "500000001");
    assert_eq!(answer.at("/id_token").as_str().unwrap().split('.').count(), 3);
}

#[tokio::test]
async fn vk_and_mailru_do_not_name_the_type_of_a_token() {
    let providers = start().await;
    for provider in Provider::ALL {
        let answer = granted(&providers, provider, "anna").await;
        let wanted = !matches!(provider, Provider::Vk | Provider::MailRu);
        assert_eq!(answer.at("/token_type").is_string(), wanted, "{provider}: {answer:?}");
        assert_eq!(answer.headers["cache-control"], "no-store");
    }
}

#[tokio::test]
async fn github_answers_in_forms_unless_json_is_asked_for() {
    let providers = start().await;
    let good = code(&providers, Provider::GitHub, &ask(Provider::GitHub), "anna").await;
    let silent = Exchange { headers: good.headers.clone().without("Accept"), ..good };
    for wanted in ["access_token", "error"] {
        let answer = silent.send(&providers, Provider::GitHub).await;
        assert_eq!(answer.status, 200);
        assert!(answer.headers["content-type"].starts_with("application/x-www-form-urlencoded"));
        assert!(parse(answer.body.as_bytes()).any(|(name, _)| name == wanted), "{answer:?}");
    }
    let json = granted(&providers, Provider::GitHub, "anna").await;
    assert_eq!(json.at("/scope"), "read:user,user:email");
}
