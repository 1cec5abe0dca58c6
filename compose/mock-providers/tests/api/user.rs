//! The user info: how each provider expects the request, and what it returns.

use mock_providers::{Person, Provider};
use serde_json::{Value, json};

use crate::client::{get, post};
use crate::good::{CLIENT, ask, code, jwt, proof, start, start_with, token, user};

/// A token for less than everything.
async fn narrow(providers: &mock_providers::Providers, provider: Provider, scope: &str) -> String {
    let exchange = code(providers, provider, &ask(provider).with("scope", scope), "anna").await;
    exchange.send(providers, provider).await.at("/access_token").as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_token_is_valid_only_at_the_provider_that_issued_it() {
    let providers = start().await;
    for provider in Provider::ALL {
        let mut foreign = String::from("nonsense");
        for _ in 0..2 {
            let answer = user(&providers, provider, &foreign).await;
            let error = answer.json();
            let refused = answer.status >= 400 || error.get("error").is_some();
            assert!(refused, "{provider}: {answer:?}");
            let other = if provider == Provider::X { Provider::Google } else { Provider::X };
            foreign = token(&providers, other, "anna").await;
        }
    }
}

#[tokio::test]
async fn yandex_knows_only_its_own_scheme() {
    let providers = start().await;
    let token = token(&providers, Provider::Yandex, "anna").await;
    let url = providers.url_of(Provider::Yandex) + "/info";
    assert_eq!(get(&url, &[("Authorization", &format!("Bearer {token}"))]).await.status, 401);
    assert_eq!(get(&url, &[]).await.status, 401);
    for name in ["oauth_token", "access_token", "jwt_secret"] {
        let header = format!("OAuth {token}");
        let answer = get(&format!("{url}?{name}={token}"), &[("Authorization", header.as_str())]).await;
        assert_eq!(answer.status, 400, "{name}");
    }
}

#[tokio::test]
async fn yandex_tells_an_address_that_may_be_empty_or_absent() {
    let mut dima = Person::new(Provider::Yandex, "dima", "77");
    dima.birthday = Some("0000-12-23".to_owned());
    let clara = Person { empty_email: true, ..Person::new(Provider::Yandex, "clara", "78") };
    let providers = start_with(vec![dima, clara]).await;
    let token_of_clara = token(&providers, Provider::Yandex, "clara").await;
    let clara = user(&providers, Provider::Yandex, &token_of_clara).await.json();
    assert_eq!((&clara["id"], &clara["default_email"]), (&json!("78"), &json!("")));
    assert_eq!((&clara["emails"], &clara["client_id"]), (&json!([]), &json!(CLIENT)));
    let scope = ask(Provider::Yandex).with("scope", "login:email login:birthday");
    let exchange = code(&providers, Provider::Yandex, &scope, "dima").await;
    let token = exchange.send(&providers, Provider::Yandex).await.at("/access_token");
    let dima = user(&providers, Provider::Yandex, token.as_str().unwrap()).await.json();
    assert_eq!((dima.get("default_email"), &dima["birthday"]), (None, &json!("0000-12-23")));
    assert!(dima["psuid"].is_string());
}

#[tokio::test]
async fn yandex_can_answer_with_a_jwt() {
    let providers = start().await;
    let token = token(&providers, Provider::Yandex, "anna").await;
    let url = providers.url_of(Provider::Yandex) + "/info?format=jwt";
    let answer = get(&url, &[("Authorization", &format!("OAuth {token}"))]).await;
    let (header, claims) = jwt(&answer.body);
    assert_eq!((&header["alg"], &claims["iss"]), (&json!("HS256"), &json!("login.yandex.ru")));
    assert_eq!((&claims["uid"], claims.get("id")), (&json!(1_130_000_000_000_001_u64), None));
}

#[tokio::test]
async fn vk_wants_a_form_with_the_client_and_answers_200_to_errors() {
    let providers = start().await;
    let token = token(&providers, Provider::Vk, "anna").await;
    let url = providers.url_of(Provider::Vk) + "/oauth2/user_info";
    assert_eq!(get(&format!("{url}?access_token={token}&client_id={CLIENT}"), &[]).await.status, 405);
    let bearer = format!("Bearer {token}");
    let header = post(&url, &[("Authorization", bearer.as_str())], &[("client_id", CLIENT)]).await;
    let alone = post(&url, &[], &[("access_token", &token)]).await;
    let foreign = post(&url, &[], &[("access_token", &token), ("client_id", "another")]).await;
    for answer in [header, alone, foreign] {
        assert_eq!((answer.status, answer.at("/error").is_string()), (200, true), "{answer:?}");
        assert_eq!(answer.at("/user"), Value::Null);
    }
}

#[tokio::test]
async fn vk_identifiers_are_numbers_or_strings_and_accounts_are_verified() {
    let empty = Person { empty_email: true, ..Person::new(Provider::Vk, "empty", "5") };
    let absent = Person { numeric_id: true, ..Person::new(Provider::Vk, "absent", "6") };
    let providers = start_with(vec![empty, absent]).await;
    for (key, id, email) in [("empty", json!("5"), Some(json!(""))), ("absent", json!(6), None)] {
        let token = token(&providers, Provider::Vk, key).await;
        let info = user(&providers, Provider::Vk, &token).await.at("/user");
        assert_eq!((&info["user_id"], info.get("email").cloned()), (&id, email));
        assert_eq!(info["verified"], json!(true));
    }
}

#[tokio::test]
async fn mailru_takes_the_token_from_the_query_alone() {
    let providers = start().await;
    let token = token(&providers, Provider::MailRu, "anna").await;
    let url = providers.url_of(Provider::MailRu) + "/userinfo";
    let answer = get(&url, &[("Authorization", &format!("Bearer {token}"))]).await;
    assert_eq!((answer.status, answer.at("/error").is_string()), (200, true));
    let answer = user(&providers, Provider::MailRu, &token).await;
    assert_eq!((answer.at("/client_id"), answer.at("/email")), (json!(CLIENT), json!("anna@example.org")));
}

#[tokio::test]
async fn the_others_take_bearer_and_no_token_in_the_address() {
    let providers = start().await;
    for (provider, path, missing) in [
        (Provider::Google, "/v1/userinfo", 401),
        (Provider::GitHub, "/user", 401),
        (Provider::GitHub, "/user/emails", 401),
        (Provider::X, "/2/users/me", 401),
        (Provider::Facebook, "/me", 400),
    ] {
        let token = token(&providers, provider, "anna").await;
        let url = providers.url_of(provider) + path;
        let other = format!("OAuth {token}");
        let answer = get(&url, &[("User-Agent", "test"), ("Authorization", other.as_str())]).await;
        assert_eq!(answer.status, missing, "{provider}");
        let right = format!("Bearer {token}");
        let headers = [("User-Agent", "test"), ("Authorization", right.as_str())];
        assert_eq!(get(&format!("{url}?access_token={token}"), &headers).await.status, 400, "{provider}");
    }
}

#[tokio::test]
async fn github_wants_a_user_agent_and_the_scope_of_each_request() {
    let providers = start().await;
    let at = |path: &str| providers.url_of(Provider::GitHub) + path;
    let whole = format!("Bearer {}", token(&providers, Provider::GitHub, "anna").await);
    assert_eq!(get(&at("/user"), &[("Authorization", whole.as_str())]).await.status, 403);
    let emails = format!("Bearer {}", narrow(&providers, Provider::GitHub, "user:email").await);
    let profile = format!("Bearer {}", narrow(&providers, Provider::GitHub, "read:user").await);
    for (token, path, status) in [
        (&emails, "/user", 403),
        (&emails, "/user/emails", 200),
        (&profile, "/user", 200),
        (&profile, "/user/emails", 404),
    ] {
        let headers = [("User-Agent", "test"), ("Authorization", token.as_str())];
        assert_eq!(get(&at(path), &headers).await.status, status, "{path}");
    }
}

#[tokio::test]
async fn github_has_addresses_of_which_one_is_primary() {
    let providers = start().await;
    for (key, primary) in [
        ("anna", json!([["anna@example.org", true]])),
        ("boris", json!([["boris@example.org", false]])),
        ("clara", json!([])),
    ] {
        let bearer = format!("Bearer {}", token(&providers, Provider::GitHub, key).await);
        let headers = [("User-Agent", "test"), ("Authorization", bearer.as_str())];
        let profile = get(&(providers.url_of(Provider::GitHub) + "/user"), &headers).await;
        assert!(profile.at("/id").is_u64() && profile.at("/email").is_null());
        assert_eq!(profile.at("/name").is_null(), key == "clara");
        let list = get(&(providers.url_of(Provider::GitHub) + "/user/emails"), &headers).await.json();
        let list = list.as_array().unwrap();
        assert!(list[0]["primary"] == false && list[0]["verified"] == true, "{list:?}");
        let found = list.iter().filter(|email| email["primary"] == true);
        let found: Vec<_> = found.map(|email| json!([email["email"], email["verified"]])).collect();
        assert_eq!(json!(found), primary);
    }
}

#[tokio::test]
async fn x_returns_a_confirmed_address_only_if_requested_and_allowed() {
    let providers = start().await;
    let url = providers.url_of(Provider::X) + "/2/users/me";
    let whole = token(&providers, Provider::X, "anna").await;
    let without_email = narrow(&providers, Provider::X, "users.read tweet.read").await;
    let unconfirmed = token(&providers, Provider::X, "boris").await;
    for (token, query, email) in [
        (&whole, "?user.fields=confirmed_email", json!("anna.on.x@example.org")),
        (&whole, "?user.fields=username", Value::Null),
        (&whole, "", Value::Null),
        (&without_email, "?user.fields=confirmed_email", Value::Null),
        (&unconfirmed, "?user.fields=confirmed_email", Value::Null),
    ] {
        let answer = get(&format!("{url}{query}"), &[("Authorization", &format!("Bearer {token}"))]).await;
        assert_eq!(answer.at("/data/confirmed_email"), email, "{answer:?}");
        assert!(answer.at("/data/id").is_string());
    }
    let nothing = narrow(&providers, Provider::X, "tweet.read").await;
    let headers = [("Authorization", &*format!("Bearer {nothing}"))];
    assert_eq!(get(&url, &headers).await.status, 403);
    let headers = [("Authorization", &*format!("Bearer {whole}"))];
    assert_eq!(get(&format!("{url}?user.fields=email"), &headers).await.status, 400);
}

#[tokio::test]
async fn facebook_wants_fields_and_a_proof() {
    let providers = start().await;
    let token = token(&providers, Provider::Facebook, "anna").await;
    let narrow = narrow(&providers, Provider::Facebook, "public_profile").await;
    let (right, narrow_proof) = (proof(&token), proof(&narrow));
    for (token, query, status, email) in [
        (&token, format!("fields=id,email&appsecret_proof={right}"), 200, json!("anna@example.org")),
        (&token, format!("fields=id,name&appsecret_proof={right}"), 200, Value::Null),
        (&narrow, format!("fields=id,email&appsecret_proof={narrow_proof}"), 200, Value::Null),
        (&token, "fields=id,email".to_owned(), 400, Value::Null),
        (&token, format!("fields=id,email&appsecret_proof={narrow_proof}"), 400, Value::Null),
        (&token, format!("fields=id,email&appsecret_proof={}", right.to_uppercase()), 400, Value::Null),
        (&token, format!("appsecret_proof={right}"), 400, Value::Null),
        (&token, format!("fields=id,psuid&appsecret_proof={right}"), 400, Value::Null),
    ] {
        let url = format!("{}/me?{query}", providers.url_of(Provider::Facebook));
        let answer = get(&url, &[("Authorization", &format!("Bearer {token}"))]).await;
        assert_eq!((answer.status, answer.at("/email")), (status, email), "{query}");
        assert_eq!(answer.at("/error/type").is_string(), status == 400);
    }
}

#[tokio::test]
async fn clara_has_no_address_anywhere() {
    let providers = start().await;
    for provider in Provider::ALL {
        let token = token(&providers, provider, "clara").await;
        let answer = user(&providers, provider, &token).await;
        assert_eq!(answer.status, 200);
        assert!(!answer.body.contains('@'), "{provider}: {answer:?}");
    }
}
