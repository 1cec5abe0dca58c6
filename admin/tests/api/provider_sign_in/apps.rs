//! What follows from the sign-in of an app belongs to the app, and to no other client that has the `flow`.

use mock_providers::Provider::{self, Google, Vk};
use reqwest::Method;
use serde_json::{Value, json};
use url::Url;

use super::flow::parameter;
use crate::support::{Cinema, PASSWORD, Reply};
use crate::witness::{alive, user_of};

/// RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

const NEO: &str = "neo@example.org";

/// The whole sign-in of an app, without a cookie.
async fn sign_in(cinema: &Cinema, provider: Provider, person: &str) -> Reply {
    let path = format!("/api/v1/oauth/{provider}/login?code_challenge={CHALLENGE}");
    let begun = cinema.app.client.get(&path).header("accept", "application/json").send().await.expect(200);
    let at: Url = begun.json()["authorize_url"].as_str().unwrap().parse().unwrap();
    let back: Url =
        format!("https://cinema.test{}", cinema.browser().choose(&at, person).await).parse().unwrap();
    let mut body: Value = json!({ "code_verifier": VERIFIER });
    for (name, value) in
        back.query_pairs().filter(|(name, _)| ["state", "code", "device_id", "iss"].contains(&&**name))
    {
        body[name.as_ref()] = json!(value);
    }
    cinema.app.client.post(&format!("/api/v1/oauth/{provider}/callback")).json(&body).send().await
}

async fn post(cinema: &Cinema, path: &str, mut body: Value, verifier: Option<&str>) -> Reply {
    if let Some(verifier) = verifier {
        body["code_verifier"] = json!(verifier);
    }
    cinema.app.client.post(&format!("/api/v1/oauth/link/{path}")).json(&body).send().await
}

/// A thief who starts a sign-in with an app, and lures the owner of an account to the page with that flow, gets nothing.
#[tokio::test]
async fn a_flow_of_an_app_is_of_no_use_without_its_verifier() {
    let cinema = Cinema::start_with(&[("ADMIN_OAUTH_UNTRUSTED_EMAIL", "ask")]).await;
    let neo = cinema.app.client.new_user(NEO).await;
    cinema.add_person(Google, "neo", Some(NEO), true);
    cinema.add_person(Vk, "thief", Some("thief@example.org"), true);
    let link = sign_in(&cinema, Google, "neo").await.problem(409, "link_confirmation_required");
    let proof = sign_in(&cinema, Vk, "thief").await.problem(409, "email_proof_offered");
    let (link, proof) = (link["flow"].as_str().unwrap(), proof["flow"].as_str().unwrap());
    let shown = post(&cinema, "show", json!({ "flow": link }), Some(VERIFIER)).await.expect(200).json();
    let created_in = &shown["account"]["created_in"];
    let calls = [
        ("show", json!({ "flow": link })),
        ("confirm", json!({ "flow": link, "password": PASSWORD })),
        ("decline", json!({ "flow": link, "created_in": created_in })),
        ("move", json!({ "flow": link, "created_in": created_in })),
        ("show", json!({ "flow": proof })),
        ("provider", json!({ "flow": proof, "provider": "google" })),
        ("sign-in", json!({ "flow": proof, "identifier": NEO, "password": PASSWORD })),
        ("skip", json!({ "flow": proof })),
    ];
    let mut browser = cinema.browser();
    browser.start_flow(Google, "").await;
    for (path, body) in &calls {
        for verifier in [None, Some(CHALLENGE)] {
            post(&cinema, path, body.clone(), verifier).await.problem(410, "code_expired");
        }
        let call = browser.call(Method::POST, &format!("/api/v1/oauth/link/{path}"));
        call.json(body).send().await.problem(410, "code_expired");
    }
    // Nothing was used up, and nothing was linked.
    assert_eq!(cinema.linked(&neo).await, []);
    let (path, body) = &calls[6];
    let pair = post(&cinema, path, body.clone(), Some(VERIFIER)).await.pair();
    assert_eq!(user_of(&pair), user_of(&neo));
    let (path, body) = &calls[1];
    let pair = post(&cinema, path, body.clone(), Some(VERIFIER)).await.pair();
    assert_eq!(cinema.linked(&pair).await, [("vk".to_owned(), 9), ("google".to_owned(), 8)]);
    alive(&cinema.app, &neo.access).await;
}

#[tokio::test]
async fn an_app_uses_its_own_verifier_instead_of_a_cookie() {
    let cinema = Cinema::start().await;
    for provider in Provider::ALL {
        let path = format!("/api/v1/oauth/{provider}/login?code_challenge={CHALLENGE}");
        let callback = format!("/api/v1/oauth/{provider}/callback");
        let begin = async || {
            let reply =
                cinema.app.client.get(&path).header("accept", "application/json").send().await.expect(200);
            assert!(!reply.headers.contains_key("set-cookie"));
            let at: Url = reply.json()["authorize_url"].as_str().unwrap().parse().unwrap();
            let back = cinema.browser().choose(&at, "anna").await;
            let back: Url = format!("https://cinema.test{back}").parse().unwrap();
            let read = |name| parameter(&back, name);
            json!({ "state": read("state"), "code": read("code"), "device_id": read("device_id"), "iss": read("iss") })
        };
        let mut body = begin().await;
        body["code_verifier"] = json!(VERIFIER);
        let pair = cinema.app.client.post(&callback).json(&body).send().await.pair();
        cinema.me(&pair).await;
        let again = cinema.app.client.post(&callback).json(&body).send().await.pair();
        assert_eq!(again.session, pair.session, "a repeated request has the same session");
        body["code"] = json!("another");
        cinema.app.client.post(&callback).json(&body).send().await.problem(400, "state_invalid");
        // Another verifier, or none, is refused.
        for (verifier, status, code) in [
            (json!(CHALLENGE), 400, "state_invalid"),
            (json!(null), 400, "state_invalid"),
            (json!("short"), 422, "validation_failed"),
        ] {
            let mut body = begin().await;
            body["code_verifier"] = verifier;
            cinema.app.client.post(&callback).json(&body).send().await.problem(status, code);
        }
    }
}

#[tokio::test]
async fn a_malformed_verifier_is_refused_even_if_the_challenge_is_of_the_empty_text() {
    let cinema = Cinema::start().await;
    // SHA-256 of nothing.
    let login = "/api/v1/oauth/github/login?code_challenge=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";
    let begun = cinema.app.client.get(login).header("accept", "application/json").send().await.expect(200);
    let at: Url = begun.json()["authorize_url"].as_str().unwrap().parse().unwrap();
    let back = cinema.browser().choose(&at, "anna").await;
    let back: Url = format!("https://cinema.test{back}").parse().unwrap();
    let mut body = json!({ "state": parameter(&back, "state"), "code": parameter(&back, "code") });
    let post = async |body: &serde_json::Value| {
        cinema.app.client.post("/api/v1/oauth/github/callback").json(body).send().await
    };
    post(&body).await.problem(400, "state_invalid");
    for verifier in ["".to_owned(), "short".to_owned(), "a".repeat(129), format!("{}+", "a".repeat(43))] {
        body["code_verifier"] = json!(verifier);
        post(&body).await.problem(422, "validation_failed");
    }
    assert_eq!(cinema.providers.requests(Provider::GitHub).token, 0);
}
