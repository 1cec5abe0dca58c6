//! What tests in other languages set up, over HTTP.

use mock_providers::{Person, Provider};
use serde_json::{Value, json};

use crate::client::{Delivery, get, send};
use crate::good::{Pairs, ask, authorize, start, token, user};

async fn put(url: &str, body: &Value) -> Delivery {
    send("PUT", url, &[("Content-Type", "application/json")], &body.to_string()).await
}

#[tokio::test]
async fn a_person_is_added_and_replaced_while_their_token_lives() {
    let providers = start().await;
    let url = providers.url() + "/_control/people";
    let fred = |email: &str| json!({ "key": "fred", "provider": "mailru", "subject": "F", "email": email });
    assert_eq!(put(&url, &fred("fred@example.org")).await.status, 204);
    let token = token(&providers, Provider::MailRu, "fred").await;
    assert_eq!(put(&url, &fred("fred@example.net")).await.status, 204);
    assert_eq!(user(&providers, Provider::MailRu, &token).await.at("/email"), "fred@example.net");
    let people: Vec<Person> = serde_json::from_value(get(&url, &[]).await.json()).unwrap();
    assert_eq!(people.len(), 3 * 8 + 2 + 1);
}

#[tokio::test]
async fn a_client_is_registered() {
    let providers = start().await;
    let url = providers.url() + "/_control/clients";
    let uri = "app.example:/callback?kept=%7e";
    let client = json!({ "provider": "x", "id": "other", "secret": "s", "redirect_uris": [uri] });
    assert_eq!(put(&url, &client).await.status, 204);
    let ask: Pairs = ask(Provider::X).with("client_id", "other").with("redirect_uri", uri);
    let answer = authorize(&providers, Provider::X, &ask, "anna").await;
    assert!(answer.location().starts_with(&format!("{uri}&code=")), "{answer:?}");
}

#[tokio::test]
async fn a_fault_is_set_read_and_cleared_and_requests_are_counted() {
    let providers = start().await;
    let url = providers.url() + "/_control/github/fault";
    assert_eq!(get(&url, &[]).await.json(), Value::Null);
    assert_eq!(put(&url, &json!({ "kind": "user_500" })).await.status, 204);
    assert_eq!(get(&url, &[]).await.at("/kind"), "user_500");
    let token = token(&providers, Provider::GitHub, "anna").await;
    assert_eq!(user(&providers, Provider::GitHub, &token).await.status, 500);
    assert_eq!(send("DELETE", &url, &[], "").await.status, 204);
    assert_eq!(user(&providers, Provider::GitHub, &token).await.status, 200);
    let counted = get(&(providers.url() + "/_control/github/requests"), &[]).await.json();
    let wanted = json!({ "authorize": 1, "token": 1, "user": 2, "emails": 0, "keys": 0, "discovery": 0,
                         "followed": 0 });
    assert_eq!(counted, wanted);
}

#[tokio::test]
async fn invalid_settings_are_refused_with_a_reason() {
    let providers = start().await;
    for (path, body, why) in [
        ("people", json!({ "key": "fred", "provider": "github", "subject": "x" }), "digits"),
        ("people", json!({ "key": "Fred", "provider": "x", "subject": "1" }), "a-z"),
        ("people", json!({ "key": "fred", "provider": "bing", "subject": "1" }), "bing"),
        ("people", json!({ "key": "fred", "provider": "x", "subject": "1", "mail": "" }), "`mail`"),
        ("clients", json!({ "provider": "x", "id": "", "secret": "s", "redirect_uris": [] }), "id must be"),
        ("x/fault", json!({ "kind": "bad_luck" }), "bad_luck"),
        ("x/fault", json!({}), "kind"),
    ] {
        let answer = put(&format!("{}/_control/{path}", providers.url()), &body).await;
        let said = answer.at("/error");
        assert!(answer.status == 400 && said.as_str().unwrap().contains(why), "{why:?}: {answer:?}");
    }
}

#[tokio::test]
async fn a_foreign_page_cannot_set_anything() {
    let providers = start().await;
    let url = providers.url() + "/_control/x/fault";
    assert_eq!(send("POST", &url, &[], "{\"kind\":\"slow\"}").await.status, 405);
    let asked = send("OPTIONS", &url, &[("Origin", "http://a.example")], "").await;
    assert!(asked.status == 405 && !asked.headers.contains_key("access-control-allow-origin"));
}

#[tokio::test]
async fn unknown_paths_are_not_found() {
    let providers = start().await;
    for path in ["/", "/_control/", "/_control/bing/fault", "/_control/x", "/bing/token", "/google/nothing"] {
        assert_eq!(get(&(providers.url() + path), &[]).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn the_providers_end_when_they_are_dropped() {
    let providers = start().await;
    let url = providers.url();
    let address = url.strip_prefix("http://").unwrap().to_owned();
    assert!(tokio::net::TcpStream::connect(&address).await.is_ok());
    drop(providers);
    let gone = async {
        while tokio::net::TcpStream::connect(&address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(5), gone).await.unwrap();
}
