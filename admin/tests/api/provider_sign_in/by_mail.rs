//! A code from a mail within a sign-in through a provider: it confirms a link, goes with declining, or proves an address that
//! the user names. And an invitation, which is used by a provider that vouches for its address.

use mail_catcher::{Catcher, CatcherOptions, CaughtMail};
use mock_providers::Provider::{GitHub, Google, Yandex};
use reqwest::Method;
use serde_json::{Value, json};

use crate::mail::{code_in, other_code};
use crate::support::{Browser, Cinema, PASSWORD, Reply, TestApp, until};
use crate::witness::{alive, dead, items_of, sign_in, superuser, user_of};

const NEO: &str = "neo@example.org";
/// An address for which Google is authoritative.
const GMAIL: &str = "neo@gmail.com";

/// A service and its mail server.
struct Scene {
    cinema: Cinema,
    catcher: Catcher,
}

impl Scene {
    async fn start() -> Self {
        Self::start_with(&[]).await
    }

    async fn start_with(changes: &[(&'static str, &str)]) -> Self {
        let catcher = Catcher::start(CatcherOptions::default()).await.unwrap();
        let url = format!("smtp://{}", catcher.address());
        let mail = [
            ("ADMIN_MAIL_URL", url.as_str()),
            ("ADMIN_MAIL_TLS", "none"),
            ("ADMIN_MAIL_FROM", "no-reply@cinema.example"),
            ("ADMIN_REGISTRATION", "open"),
        ];
        let changes: Vec<_> = mail.into_iter().chain(changes.iter().copied()).collect();
        Self { cinema: Cinema::start_with(&changes).await, catcher }
    }

    /// The mails with codes to this address, once there are `count` of them.
    async fn codes(&self, to: &str, count: usize) -> Vec<String> {
        let is_code = |mail: &CaughtMail| mail.to == [to] && mail.text.contains("Code: ");
        until("the mails with codes are caught", async || {
            let codes: Vec<_> =
                self.catcher.mails().iter().filter(|mail| is_code(mail)).map(code_in).collect();
            (codes.len() >= count).then_some(codes)
        })
        .await
    }

    async fn change(&self, sql: &str) {
        self.cinema.app.sql().await.batch_execute(sql).await.unwrap();
    }
}

async fn send(browser: &Browser, step: &str, body: Value) -> Reply {
    browser.call(Method::POST, &format!("/api/v1/oauth/link/{step}")).json(&body).send().await
}

async fn decline(browser: &Browser, flow: &str, code: Option<&str>) -> Reply {
    let shown = browser.show_link(flow).await.expect(200).json();
    let body = json!({ "flow": flow, "created_in": shown["account"]["created_in"], "code": code });
    send(browser, "decline", body).await
}

#[tokio::test]
async fn a_code_confirms_a_link_to_an_account_that_proved_the_address() {
    let scene = Scene::start().await;
    let cinema = &scene.cinema;
    let neo = cinema.app.client.new_user(NEO).await;
    scene.change("update auth.users set verified_email_key = email_key").await;
    cinema.add_person(GitHub, "neo", Some(NEO), true);
    let mut browser = cinema.browser();
    let (flow, methods) = browser.must_confirm(GitHub, "neo").await;
    assert_eq!(methods, ["password", "mail", "decline"]);
    // Another browser causes no mail.
    send(&cinema.browser(), "mail", json!({ "flow": flow })).await.problem(410, "code_expired");
    send(&browser, "mail", json!({ "flow": flow, "email": NEO })).await.problem(422, "validation_failed");
    send(&browser, "mail", json!({ "flow": flow })).await.expect(202);
    let code = scene.codes(NEO, 1).await.remove(0);

    send(&browser, "confirm", json!({ "flow": flow, "code": other_code(&code) }))
        .await
        .problem(403, "code_wrong");
    send(&browser, "confirm", json!({ "flow": flow })).await.problem(422, "validation_failed");
    let both = json!({ "flow": flow, "code": code, "password": PASSWORD });
    send(&browser, "confirm", both).await.problem(422, "validation_failed");
    let pair = send(&browser, "confirm", json!({ "flow": flow, "code": code })).await.pair();
    assert_eq!(user_of(&pair), user_of(&neo));
    alive(&cinema.app, &neo.access).await;
    assert_eq!(cinema.linked(&pair).await, [("github".to_owned(), 7)]);
    // Again within a minute.
    let again = send(&browser, "confirm", json!({ "flow": flow, "code": code })).await.pair();
    assert_eq!(again.session, pair.session);
}

#[tokio::test]
async fn the_first_proof_by_a_code_ends_what_was_there_before() {
    let scene = Scene::start().await;
    let cinema = &scene.cinema;
    // A stranger registered the address, linked an account, and waits.
    let stranger = cinema.app.client.new_user(NEO).await;
    cinema.browser().try_to_link(&stranger, Yandex, "boris").await.expect(200);
    cinema.add_person(GitHub, "neo", Some(NEO), true);
    let mut browser = cinema.browser();
    let (flow, methods) = browser.must_confirm(GitHub, "neo").await;
    assert_eq!(methods, ["password", "mail", "provider:yandex", "decline"]);
    send(&browser, "mail", json!({ "flow": flow })).await.expect(202);
    let code = scene.codes(NEO, 1).await.remove(0);
    // While the account is in use, a mail alone does not open it before 72 hours.
    let delayed = send(&browser, "confirm", json!({ "flow": flow, "code": code })).await;
    delayed.problem(409, "recovery_delayed");
    cinema.app.client.get("/api/v1/me").bearer(&stranger.access).send().await.expect(200);
    scene.change("update auth.recoveries set effective_at = effective_at - interval '72 hours'").await;
    let (flow, _) = browser.must_confirm(GitHub, "neo").await;
    send(&browser, "mail", json!({ "flow": flow })).await.expect(202);
    let code = scene.codes(NEO, 2).await.remove(1);
    let owner = send(&browser, "confirm", json!({ "flow": flow, "code": code })).await.pair();
    dead(&cinema.app, &stranger.access).await;
    let me = cinema.me(&owner).await;
    assert_eq!((&me["email_verified"], &me["linked_providers"]), (&json!(true), &json!(["github"])));
    // Nor does the stranger return with the password.
    assert_eq!(me["has_password"], false);
    sign_in(&cinema.app, NEO, PASSWORD).send().await.problem(401, "invalid_credentials");
    let notices = cinema.app.client.get("/api/v1/me/notices").bearer(&owner.access).send().await;
    let notices = notices.expect(200).json();
    let kinds: Vec<_> = items_of(&notices).iter().map(|notice| notice["kind"].clone()).collect();
    assert!(kinds.contains(&json!("password_removed")), "{kinds:?}");
}

#[tokio::test]
async fn an_operators_account_is_confirmed_by_no_mail() {
    let scene = Scene::start().await;
    let cinema = &scene.cinema;
    cinema.app.client.register(NEO).await.expect(201);
    scene.change("update auth.users set is_superuser = true, verified_email_key = email_key").await;
    cinema.add_person(GitHub, "neo", Some(NEO), true);
    let mut browser = cinema.browser();
    let (flow, methods) = browser.must_confirm(GitHub, "neo").await;
    assert_eq!(methods, ["password", "decline"]);
    let problem = send(&browser, "mail", json!({ "flow": flow })).await.problem(422, "validation_failed");
    assert_eq!(problem["errors"][0]["code"], "mail_not_offered");
    // Nothing is taken, so no code is needed.
    let pair = decline(&browser, &flow, None).await.pair();
    assert_eq!(cinema.me(&pair).await["email"], Value::Null);
}

#[tokio::test]
async fn declining_takes_a_code_unless_the_provider_operates_the_mailbox() {
    let scene = Scene::start().await;
    let cinema = &scene.cinema;
    let neo = cinema.app.client.new_user(NEO).await;
    cinema.add_person(GitHub, "neo", Some(NEO), true);
    let mut browser = cinema.browser();
    let (flow, _) = browser.must_confirm(GitHub, "neo").await;
    let shown = browser.show_link(&flow).await.expect(200).json();
    assert_eq!((&shown["decline_needs_code"], &shown["decline_gives_email"]), (&json!(true), &json!(true)));
    let problem = decline(&browser, &flow, None).await.problem(422, "validation_failed");
    assert_eq!(problem["errors"][0]["field"], "code");
    send(&browser, "mail", json!({ "flow": flow })).await.expect(202);
    let code = scene.codes(NEO, 1).await.remove(0);
    decline(&browser, &flow, Some(&other_code(&code))).await.problem(403, "code_wrong");
    let pair = decline(&browser, &flow, Some(&code)).await.pair();
    let me = cinema.me(&pair).await;
    assert_eq!((&me["email"], &me["email_verified"]), (&json!(NEO), &json!(true)));
    // The other account loses the address and nothing else.
    alive(&cinema.app, &neo.access).await;
    assert_eq!(cinema.me(&neo).await["needs_email"], true);

    cinema.app.client.register(GMAIL).await.expect(201);
    cinema.add_person(Google, "neo", Some(GMAIL), true);
    let mut browser = cinema.browser();
    let (flow, _) = browser.must_confirm(Google, "neo").await;
    assert_eq!(browser.show_link(&flow).await.expect(200).json()["decline_needs_code"], false);
    let pair = decline(&browser, &flow, None).await.pair();
    assert_eq!(cinema.me(&pair).await["email"], GMAIL);
}

#[tokio::test]
async fn a_user_proves_an_address_and_gets_its_account_or_a_new_one() {
    let scene = Scene::start().await;
    let cinema = &scene.cinema;
    let neo = cinema.app.client.new_user(NEO).await;
    scene.change("update auth.users set verified_email_key = email_key").await;
    for (person, email, is_known) in [("clara", NEO, true), ("dora", "dora@example.org", false)] {
        cinema.add_person(Yandex, person, Some("elsewhere@example.org"), true);
        let mut browser = cinema.browser();
        // The default where mail is sent.
        let (flow, methods) = browser.is_offered(Yandex, person).await;
        assert_eq!(methods, ["password", "mail", "provider", "skip"]);
        send(&browser, "mail", json!({ "flow": flow })).await.problem(422, "validation_failed");
        send(&browser, "mail", json!({ "flow": flow, "email": email })).await.expect(202);
        let code = scene.codes(email, 1).await.remove(0);
        let prove = async |email: &str, code: &str| {
            send(&browser, "prove", json!({ "flow": flow, "email": email, "code": code })).await
        };
        prove(email, &other_code(&code)).await.problem(403, "code_wrong");
        // The code proves no other address.
        prove("other@example.org", &code).await.problem(403, "code_wrong");
        let pair = prove(email, &code).await.pair();
        assert_eq!(prove(email, &code).await.pair().session, pair.session);
        let me = cinema.me(&pair).await;
        assert_eq!((&me["email"], &me["email_verified"]), (&json!(email), &json!(true)));
        assert_eq!(user_of(&pair) == user_of(&neo), is_known);
        assert_eq!(cinema.linked(&pair).await, [("yandex".to_owned(), 9)]);
        // It was a sign-in with that account.
        let accounts = cinema.app.client.get("/api/v1/me/accounts").bearer(&pair.access).send().await;
        assert!(accounts.expect(200).json()["items"][0]["last_login_at"].is_string());
    }
    alive(&cinema.app, &neo.access).await;
}

#[tokio::test]
async fn an_account_in_use_that_never_proved_the_address_and_an_operators_are_not_linked_by_mail() {
    for (of, code) in [
        ("set locale = 'en'", "recovery_delayed"),
        ("set is_superuser = true, verified_email_key = email_key", "email_taken"),
    ] {
        let scene = Scene::start().await;
        let cinema = &scene.cinema;
        cinema.add_person(Yandex, "neo", Some("elsewhere@example.org"), true);
        let mut browser = cinema.browser();
        let (flow, _) = browser.is_offered(Yandex, "neo").await;
        send(&browser, "mail", json!({ "flow": flow, "email": NEO })).await.expect(202);
        let sent = scene.codes(NEO, 1).await.remove(0);
        let neo = cinema.app.client.new_user(NEO).await;
        scene.change(&format!("update auth.users {of}")).await;
        send(&browser, "prove", json!({ "flow": flow, "email": NEO, "code": sent })).await.problem(409, code);
        // The flow stays, for the password.
        let pair = browser.join(&flow, NEO, PASSWORD).await.pair();
        assert_eq!(user_of(&pair), user_of(&neo));
    }
}

#[tokio::test]
async fn an_invitation_is_used_by_a_provider_that_vouches_for_its_address() {
    for mode in ["invite", "closed"] {
        let scene = Scene::start_with(&[("ADMIN_REGISTRATION", mode)]).await;
        let cinema = &scene.cinema;
        let mut vars = cinema.app.vars.clone();
        vars.insert("ADMIN_REGISTRATION", "open".to_owned());
        let open = TestApp::launch_on(vars).await;
        open.await_ready().await;
        let root = superuser(&open).await;
        let invite = async |email: &str| {
            let body = json!({ "email": email, "reason": "New colleague." });
            let call = cinema.app.client.post("/api/v1/admin/users").bearer(&root.access).json(&body);
            call.send().await.expect(201).field("/user_id")
        };
        let invited = invite(NEO).await;
        until("the mail with the invitation is sent", async || {
            scene.catcher.mails().into_iter().find(|mail| mail.to == [NEO])
        })
        .await;
        cinema.add_person(GitHub, "neo", Some(NEO), true);
        let pair = cinema.browser().sign_in(GitHub, "neo").await;
        assert_eq!(user_of(&pair).to_string(), invited);
        assert_eq!(cinema.me(&pair).await["email_verified"], true);
        let links = "select count(*) from auth.account_links where used_at is null";
        let links: i64 = cinema.app.sql().await.query_one(links, &[]).await.unwrap().get(0);
        assert_eq!(links, 0);

        // Others get no account.
        cinema.add_person(GitHub, "other", Some("other@example.org"), true);
        cinema.browser().try_to_sign_in(GitHub, "other").await.problem(403, "registration_closed");
        cinema.add_person(Yandex, "other", Some("other@example.org"), true);
        let mut browser = cinema.browser();
        let (flow, methods) = browser.is_offered(Yandex, "other").await;
        assert_eq!(methods, ["password", "mail", "provider"]);
        send(&browser, "mail", json!({ "flow": flow, "email": "new@example.org" })).await.expect(202);
        let code = scene.codes("new@example.org", 1).await.remove(0);
        let body = json!({ "flow": flow, "email": "new@example.org", "code": code });
        send(&browser, "prove", body).await.problem(403, "registration_closed");
    }
}

#[tokio::test]
async fn to_an_account_that_will_be_erased_the_mail_says_how_it_is_kept() {
    let scene = Scene::start().await;
    let cinema = &scene.cinema;
    let neo = cinema.app.client.new_user(NEO).await;
    scene.change("update auth.users set verified_email_key = email_key").await;
    cinema.add_person(Yandex, "clara", Some("elsewhere@example.org"), true);
    let mut browser = cinema.browser();
    let (flow, _) = browser.is_offered(Yandex, "clara").await;
    cinema.app.client.post("/api/v1/me/erase").bearer(&neo.access).send().await.expect(202);

    send(&browser, "mail", json!({ "flow": flow, "email": NEO })).await.expect(202);

    let mail = until("the mail is caught", async || {
        scene.catcher.mails().into_iter().find(|mail| mail.subject == "About your request for a code")
    })
    .await;
    for part in ["will be erased on", "/account/sign-in", "choose to keep it"] {
        assert!(mail.text.contains(part), "{part}: {mail:?}");
    }
    // It does not say that mail opens nothing, because a code to sign in does.
    assert!(!mail.text.contains("cannot be opened by mail"), "{mail:?}");
}
