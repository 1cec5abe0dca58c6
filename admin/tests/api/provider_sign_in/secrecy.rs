//! Secrets and personal data of a sign-in through a provider that no log line contains.

use mock_providers::{Fault, Provider};
use reqwest::Method;
use serde_json::json;
use url::Url;

use crate::support::{CLIENT_SECRET, Cinema, Lines, PAGE, PASSWORD};

/// The values of a query.
fn values(url: &Url, names: &[&str]) -> Vec<String> {
    let wanted = url.query_pairs().filter(|(name, _)| names.contains(&&**name));
    wanted.map(|(_, value)| value.into_owned()).collect()
}

/// A confirmed link; returns its secrets.
async fn confirmed(cinema: &Cinema) -> Vec<String> {
    cinema.app.client.new_user("canary-neo@example.org").await;
    cinema
        .app
        .sql()
        .await
        .batch_execute("update auth.users set verified_email_key = email_key")
        .await
        .unwrap();
    cinema.add_person(Provider::GitHub, "neo", Some("canary-neo@example.org"), true);
    cinema.providers.clear_fault(Provider::GitHub);
    let mut browser = cinema.browser();
    let asked =
        browser.try_to_sign_in(Provider::GitHub, "neo").await.problem(409, "link_confirmation_required");
    let mut secrets = Vec::new();
    let flow = asked["flow"].as_str().unwrap();
    for password in ["canary-guess", PASSWORD] {
        let body = json!({ "flow": flow, "password": password });
        let reply = browser.call(Method::POST, "/api/v1/oauth/link/confirm").json(&body).send().await;
        if reply.status == 200 {
            let pair = reply.pair();
            secrets.extend([pair.access, pair.refresh]);
        }
    }
    secrets.extend([flow.to_owned(), PASSWORD.to_owned()]);
    secrets
}

#[tokio::test]
async fn no_code_state_token_secret_or_address_reaches_a_log_line() {
    let lines = Lines::keep();
    let cinema = Cinema::start().await;
    let page: String = url::form_urlencoded::byte_serialize(PAGE.as_bytes()).collect();
    // They include the prefix of all codes and tokens of the mock, and of all JWTs.
    let mut secrets: Vec<String> =
        [CLIENT_SECRET, "access_token=", "canary", "pretended-", "eyJ"].map(str::to_owned).into();
    for provider in Provider::ALL {
        let address = format!("canary@{provider}.example.org");
        cinema.add_person(provider, "canary-name", Some(&address), true);
        let mut browser = cinema.browser();
        for fault in [None, Some(Fault::ErrorIn200), Some(Fault::User500), Some(Fault::WrongClientEcho)] {
            match fault {
                Some(fault) => cinema.providers.set_fault(provider, fault),
                None => cinema.providers.clear_fault(provider),
            }
            let at = browser.start_flow(provider, &format!("?return_to={page}")).await;
            let back = browser.choose(&at, "canary-name").await;
            let reply = browser.call_back(&back).await.expect(303);
            let arrived: Url = reply.header("location").parse().unwrap();
            secrets.extend(values(&at, &["state", "nonce", "code_challenge"]));
            let back: Url = format!("https://cinema.test{back}").parse().unwrap();
            secrets.extend(values(&back, &["code", "device_id"]));
            secrets.extend(values(&arrived, &["one_time_code", "flow"]));
        }
        secrets.extend(
            browser.cookie().and_then(|cookie| cookie.split_once('=')).map(|(_, value)| value.to_owned()),
        );
    }
    secrets.extend(confirmed(&cinema).await);

    let logged = lines.text();
    assert!(
        logged.contains("Identity lookup failed")
            && logged.contains("Applying a rule to a sign-in through an identity provider."),
        "the log is read"
    );
    assert!(secrets.len() > 100, "{}", secrets.len());
    for secret in secrets.iter().filter(|secret| secret.len() > 3) {
        let line = logged.lines().find(|line| line.contains(secret.as_str()));
        assert_eq!(line, None, "{secret}");
    }
}
