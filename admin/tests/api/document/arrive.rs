//! What examples need that is only available after coming back from a provider.

use mail_catcher::{Catcher, CatcherOptions};
use mock_providers::Provider;
use reqwest::Method;
use reqwest::header::{COOKIE, HeaderName, HeaderValue};
use serde_json::{Value, json};
use url::Url;

use super::arrange::Ask;
use super::spec::Operation;
use crate::mail::code_in;
use crate::support::{Browser, Cinema, CinemaMail, PAGE, PASSWORD, PUBLIC_URL, TestApp, new_id, until};

/// A service as the examples describe it.
pub(super) async fn cinema() -> Cinema {
    let pages = format!("{PAGE},http://127.0.0.1:8080/account/signed-in");
    let catcher = Catcher::start(CatcherOptions::default()).await.expect("it can listen");
    let mail_url = format!("smtp://{}", catcher.address());
    let mail = [
        ("ADMIN_MAIL_URL", mail_url.as_str()),
        ("ADMIN_MAIL_TLS", "none"),
        ("ADMIN_MAIL_FROM", "no-reply@cinema.example"),
        ("ADMIN_REGISTRATION", "open"),
    ];
    // More sign-ins are begun here than one client may begin.
    let changes: Vec<_> = [
        ("ADMIN_OAUTH_RETURN_TO", pages.as_str()),
        ("ADMIN_OAUTH_UNTRUSTED_EMAIL", "ask"),
        ("ADMIN_SHARED_NETWORKS", "127.0.0.0/8"),
    ]
    .into_iter()
    .chain(mail)
    .collect();
    let mut cinema = Cinema::start_with(&changes).await;
    let mut vars = cinema.app.vars.clone();
    vars.insert("ADMIN_REGISTRATION", "verify".to_owned());
    let verifying = TestApp::launch_on(vars).await;
    verifying.await_ready().await;
    cinema.mail = Some(CinemaMail { catcher, verifying });
    cinema
}

/// The flow of a request for a code, for the address that its body names, and the code from the mail.
async fn code(cinema: &Cinema, path: &str, email: &str) -> (String, String) {
    let mail = cinema.mail.as_ref().expect("it sends mail");
    let asked = mail.verifying.client.post(path).json(&json!({ "email": email })).send().await.expect(202);
    let caught = until("the mail with the code", async || {
        mail.catcher.mails().into_iter().find(|mail| mail.to == [email])
    })
    .await;
    (asked.field("/flow"), code_in(&caught))
}

/// The body of an operation with a code from a mail, or `None` for another one.
async fn with_a_code(cinema: &Cinema, operation: Operation<'_>) -> Option<Value> {
    let email = format!("{}@example.org", new_id().simple());
    let (path, is_known) = match operation.id() {
        "post_auth_email_verify" => ("/api/v1/auth/register", false),
        "post_auth_email_resend" | "post_auth_mail_code_login" => ("/api/v1/auth/mail-code", true),
        _ => return None,
    };
    if is_known {
        cinema.app.client.register(&email).await.expect(201);
        let proved = "update auth.users set verified_email_key = email_key where email_key = $1";
        cinema.app.sql().await.execute(proved, &[&email]).await.expect("the address is verified");
    }
    let mut example = operation.body().expect("it has a body").1.clone();
    let (flow, code) = code(cinema, path, &email).await;
    example["flow"] = json!(flow);
    if example.get("code").is_some() {
        example["code"] = json!(code);
    }
    Some(example)
}

/// Replaces the example's values by those that only a user who was at the provider has.
pub(super) async fn from_a_provider(cinema: &Cinema, operation: Operation<'_>, ask: &mut Ask) {
    let mut browser = cinema.browser();
    let replaced = match operation.id() {
        "get_oauth_provider_callback" => {
            let at = browser.start_flow(Provider::Google, "").await;
            ask.query = pairs(&back(&browser, &at).await);
            None
        }
        // It consents, which only a page of the same origin may do for its user.
        "get_oauth_provider_login" => {
            ask.headers
                .push((HeaderName::from_static("sec-fetch-site"), HeaderValue::from_static("same-origin")));
            None
        }
        "post_oauth_provider_callback" => {
            let example = operation.body().expect("it has a body").1.clone();
            Some(as_an_app(cinema, &browser, example).await)
        }
        "post_oauth_exchange" => {
            let page = to_the_page(&mut browser, "egor").await;
            Some(json!({ "one_time_code": parameter(&page, "one_time_code") }))
        }
        "post_oauth_link_confirm" => {
            let mut example = operation.body().expect("it has a body").1.clone();
            let password = example["password"].clone();
            example["flow"] = json!(waiting_flow(cinema, &mut browser, &password).await.0);
            Some(example)
        }
        "post_oauth_link_show"
        | "post_oauth_link_provider"
        | "post_oauth_link_decline"
        | "post_oauth_link_mail" => Some(of_a_link(cinema, operation, &mut browser).await),
        "post_oauth_link_move" => {
            let key = new_id().simple().to_string();
            cinema.add_person(Provider::GitHub, &key, Some(&format!("{key}@example.org")), true);
            cinema.browser().sign_in(Provider::GitHub, &key).await;
            let email = format!("{}@example.org", new_id().simple());
            let pair = cinema.app.client.new_user(&email).await;
            let problem = browser.try_to_link(&pair, Provider::GitHub, &key).await;
            let flow =
                problem.problem(409, "oauth_account_in_use")["flow"].as_str().expect("a flow").to_owned();
            let shown = browser.show_link(&flow).await.expect(200).json();
            Some(json!({ "flow": flow, "created_in": shown["account"]["created_in"] }))
        }
        "post_oauth_link_sign_in" | "post_oauth_link_skip" | "post_oauth_link_prove" => {
            Some(of_an_offer(cinema, operation, &mut browser).await)
        }
        "post_me_email_verify" => Some(of_a_change(cinema, operation, ask).await),
        _ => match with_a_code(cinema, operation).await {
            Some(example) => Some(example),
            None => return,
        },
    };
    if let Some(cookie) = browser.cookie() {
        ask.headers.push((COOKIE, HeaderValue::from_str(cookie).expect("visible ASCII")));
    }
    if let Some(body) = replaced {
        *ask = ask.clone().json(&body);
    }
}

/// The body of the proof of a new address of the caller.
async fn of_a_change(cinema: &Cinema, operation: Operation<'_>, ask: &Ask) -> Value {
    let mail = cinema.mail.as_ref().expect("it sends mail");
    let access = ask.token.as_deref().expect("it takes a token");
    let email = format!("{}@example.org", new_id().simple());
    let body = json!({ "current_password": PASSWORD, "email": email });
    let call = mail.verifying.client.put("/api/v1/me/email").bearer(access).json(&body);
    let flow = call.send().await.expect(202).field("/flow");
    let caught = until("the mail with the code", async || {
        mail.catcher.mails().into_iter().find(|mail| mail.to == [email.as_str()])
    });
    let mut example = operation.body().expect("it has a body").1.clone();
    (example["flow"], example["code"]) = (json!(flow), json!(code_in(&caught.await)));
    example
}

/// The body of an operation on a link that waits.
async fn of_a_link(cinema: &Cinema, operation: Operation<'_>, browser: &mut Browser) -> Value {
    let mut example = operation.body().expect("it has a body").1.clone();
    let (flow, email) = waiting_flow(cinema, browser, &json!(PASSWORD)).await;
    if example.get("created_in").is_some() {
        let shown = browser.show_link(&flow).await.expect(200).json();
        example["created_in"] = shown["account"]["created_in"].clone();
        assert_eq!(shown["decline_needs_code"], true);
        example["code"] = json!(link_code(cinema, browser, &json!({ "flow": flow }), &email).await);
    }
    example["flow"] = json!(flow);
    example
}

/// The body of an operation on a sign-in whose provider does not vouch for an address.
async fn of_an_offer(cinema: &Cinema, operation: Operation<'_>, browser: &mut Browser) -> Value {
    let mut example = operation.body().expect("it has a body").1.clone();
    let key = new_id().simple().to_string();
    cinema.add_person(Provider::Yandex, &key, Some("anna@example.org"), true);
    let (flow, _) = browser.is_offered(Provider::Yandex, &key).await;
    if example.get("code").is_some() {
        let email = format!("{key}@example.org");
        let asked = json!({ "flow": flow, "email": email });
        example["code"] = json!(link_code(cinema, browser, &asked, &email).await);
        example["email"] = json!(email);
    }
    example["flow"] = json!(flow);
    example
}

async fn back(browser: &Browser, at: &Url) -> Url {
    format!("{PUBLIC_URL}{}", browser.choose(at, "egor").await).parse().expect("an address")
}

async fn as_an_app(cinema: &Cinema, browser: &Browser, mut example: Value) -> Value {
    // From the example's verifier (RFC 7636, appendix B).
    let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    let path = format!("/api/v1/oauth/google/login?code_challenge={challenge}");
    let begun = cinema.app.client.get(&path).header("accept", "application/json").send().await.expect(200);
    let at = begun.json()["authorize_url"].as_str().expect("an address").parse().expect("an address");
    let back = back(browser, &at).await;
    for name in ["state", "code"] {
        example[name] = json!(parameter(&back, name));
    }
    example
}

async fn to_the_page(browser: &mut Browser, person: &str) -> Url {
    let page: String = url::form_urlencoded::byte_serialize(PAGE.as_bytes()).collect();
    let at = browser.start_flow(Provider::Google, &format!("?return_to={page}")).await;
    let path = browser.choose(&at, person).await;
    let reply = browser.call(Method::GET, &path).send().await.expect(303);
    reply.header("location").parse().expect("an address")
}

/// The code from the mail to this address that a request within a flow causes.
async fn link_code(cinema: &Cinema, browser: &Browser, asked: &Value, email: &str) -> String {
    browser.call(Method::POST, "/api/v1/oauth/link/mail").json(asked).send().await.expect(202);
    let mail = cinema.mail.as_ref().expect("it sends mail");
    let caught = until("the mail with the code", async || {
        mail.catcher.mails().into_iter().find(|mail| mail.to == [email] && mail.text.contains("Code: "))
    });
    code_in(&caught.await)
}

/// A user with that password and a verified address, and a flow for that user; with the address.
async fn waiting_flow(cinema: &Cinema, browser: &mut Browser, password: &Value) -> (String, String) {
    let email = format!("{}@example.org", new_id().simple());
    let body = json!({ "email": email, "password": password });
    cinema.app.client.post("/api/v1/auth/register").json(&body).send().await.expect(201);
    let proved = "update auth.users set verified_email_key = email_key where email_key = $1";
    cinema.app.sql().await.execute(proved, &[&email]).await.expect("the address is verified");
    let link = "insert into auth.oauth_accounts (provider, subject, user_id, linked_rule)
                select 'yandex', id::text, id, 4 from auth.users where email_key = $1";
    cinema.app.sql().await.execute(link, &[&email]).await.expect("it can be linked");
    let key = new_id().simple().to_string();
    cinema.add_person(Provider::Google, &key, Some(&email), true);
    let page = to_the_page(browser, &key).await;
    (parameter(&page, "flow").expect("a flow"), email)
}

fn pairs(url: &Url) -> Vec<(String, String)> {
    url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
}

fn parameter(url: &Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
}
