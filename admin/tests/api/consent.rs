//! `ADMIN_CONSENT_VERSION`: whatever makes an account for a user who asks for it needs the consent.

use mail_catcher::CatcherOptions;
use mock_providers::Provider::{GitHub, Yandex};
use serde_json::{Value, json};

use crate::mail::{Post, code_in};
use crate::pages::visitor::Visitor;
use crate::support::{Cinema, PASSWORD, Pair, TestApp};
use crate::witness::{sign_in, superuser, user_of};

const NEO: &str = "neo@example.org";
const VERSION: &str = "2026-12";
const ASKED: (&str, &str) = ("ADMIN_CONSENT_VERSION", VERSION);

/// The versions to which the user consented.
async fn consents(app: &TestApp, pair: &Pair) -> Vec<String> {
    let sql = "select version from auth.consents where user_id = $1 order by version";
    let rows = app.sql().await.query(sql, &[&user_of(pair)]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

async fn count(app: &TestApp, table: &str) -> i64 {
    app.sql().await.query_one(&format!("select count(*) from auth.{table}"), &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn a_registration_without_a_proof_needs_it() {
    let app = TestApp::start_with(&[ASKED]).await;
    let register = async |consent: Option<&str>| {
        let mut body = json!({ "email": NEO, "password": PASSWORD });
        if let Some(consent) = consent {
            body["consent"] = json!(consent);
        }
        app.client.post("/api/v1/auth/register").json(&body).send().await
    };
    for sent in [None, Some("2026-11")] {
        let problem = register(sent).await.problem(422, "consent_required");
        assert!(problem["detail"].as_str().unwrap().contains(VERSION), "{problem}");
    }
    assert_eq!(count(&app, "users").await, 0);
    register(Some(VERSION)).await.expect(201);
    let pair = app.client.sign_in(NEO).await;
    assert_eq!(consents(&app, &pair).await, [VERSION]);
    let call = app.client.post("/api/v1/me/export").bearer(&pair.access);
    let export = call.send().await.expect(200).json();
    assert_eq!(export["consents"][0]["version"], VERSION);
}

#[tokio::test]
async fn where_none_is_asked_for_nothing_is_stored() {
    let app = TestApp::start().await;
    let body = json!({ "email": NEO, "password": PASSWORD, "consent": "2026-11" });
    app.client.post("/api/v1/auth/register").json(&body).send().await.expect(201);
    assert_eq!(count(&app, "consents").await, 0);
}

#[tokio::test]
async fn a_registration_by_proof_needs_it_with_the_proof_also_on_the_page() {
    let changes = [("ADMIN_REGISTRATION", "verify"), ASKED];
    let post = Post::start_with(CatcherOptions::default(), &changes).await;
    let app = &post.app;
    let register = app.client.post("/api/v1/auth/register");
    let early = json!({ "email": NEO, "consent": VERSION });
    register.json(&early).send().await.problem(422, "validation_failed");
    let asked = app.client.post("/api/v1/auth/register").json(&json!({ "email": NEO }));
    let flow = asked.send().await.expect(202).field("/flow");
    let code = code_in(&post.next_mail(NEO, 0).await);
    let mut body = json!({ "flow": flow, "code": code, "password": PASSWORD });
    let verify = async |body: &Value| app.client.post("/api/v1/auth/email/verify").json(body).send().await;
    verify(&body).await.problem(422, "consent_required");
    assert_eq!(count(app, "users").await, 0);
    body["consent"] = json!(VERSION);
    let pair = verify(&body).await.pair();
    assert_eq!(consents(app, &pair).await, [VERSION]);

    let other = "trinity@example.org";
    app.client.post("/api/v1/auth/register").json(&json!({ "email": other })).send().await.expect(202);
    let mail = post.next_mail(other, 0).await;
    let (_, rest) = mail.text.split_once("/account/confirm#").unwrap();
    let token: String = rest.chars().take_while(|letter| !letter.is_whitespace()).collect();
    let mut page = Visitor::new(app);
    page.open("/account/confirm").await.expect(200);
    // The page asks only after it knows that the link is valid.
    page.submit("/account/confirm", &[("token", &token)]).await.expect(200);
    let tick = format!("name=\"consent\" value=\"{VERSION}\">");
    assert!(page.page.contains(&tick), "{}", page.page);
    let submit = async |consent: &str| {
        let fields = [("token", token.as_str()), ("password", PASSWORD), ("consent", consent)];
        page.clone().submit("/account/confirm", &fields).await
    };
    submit("").await.expect(422);
    submit(VERSION).await.expect(303);
    let pair = sign_in(app, other, PASSWORD).send().await.pair();
    assert_eq!(consents(app, &pair).await, [VERSION]);
}

#[tokio::test]
async fn an_account_by_a_provider_needs_it_from_the_start_of_the_sign_in_on() {
    let cinema = Cinema::start_with(&[ASKED, ("ADMIN_OAUTH_UNTRUSTED_EMAIL", "ask")]).await;
    cinema.add_person(GitHub, "neo", Some(NEO), true);
    cinema.add_person(Yandex, "neo", Some("elsewhere@example.org"), true);
    let mut browser = cinema.browser();
    browser.try_to_sign_in(GitHub, "neo").await.problem(422, "consent_required");
    assert_eq!(count(&cinema.app, "users").await, 0);

    let sign_in = async |provider, consent: &str| {
        let mut browser = cinema.browser();
        let at = browser.start_flow(provider, &format!("?consent={consent}")).await;
        let back = browser.choose(&at, "neo").await;
        (browser.call_back(&back).await, browser)
    };
    sign_in(GitHub, "2026-11").await.0.problem(422, "consent_required");
    let pair = sign_in(GitHub, VERSION).await.0.pair();
    assert_eq!(consents(&cinema.app, &pair).await, [VERSION]);
    // An account that exists needs none.
    let again = cinema.browser().sign_in(GitHub, "neo").await;
    assert_eq!(user_of(&again), user_of(&pair));

    // What follows from a sign-in has the consent of its start.
    let (offered, browser) = sign_in(Yandex, VERSION).await;
    let flow = offered.problem(409, "email_proof_offered")["flow"].as_str().unwrap().to_owned();
    let skipped = browser.skip(&flow).await.pair();
    assert_eq!(consents(&cinema.app, &skipped).await, [VERSION]);
}

#[tokio::test]
async fn without_it_a_user_of_a_provider_can_neither_skip_nor_decline() {
    let cinema = Cinema::start_with(&[("ADMIN_OAUTH_UNTRUSTED_EMAIL", "ask")]).await;
    cinema.app.client.register(NEO).await.expect(201);
    let mut vars = cinema.app.vars.clone();
    vars.insert(ASKED.0, VERSION.to_owned());
    let asking = TestApp::launch_on(vars).await;
    asking.await_ready().await;
    cinema.add_person(GitHub, "neo", Some(NEO), true);
    cinema.add_person(Yandex, "neo", Some("elsewhere@example.org"), true);
    let mut browser = cinema.browser();
    let (flow, _) = browser.must_confirm(GitHub, "neo").await;
    let shown = browser.show_link(&flow).await.expect(200).json();
    let decline = asking.client.post("/api/v1/oauth/link/decline");
    let decline = decline.header("cookie", browser.cookie().unwrap());
    let body = json!({ "flow": flow, "created_in": shown["account"]["created_in"] });
    decline.json(&body).send().await.problem(422, "consent_required");
    let (flow, _) = browser.is_offered(Yandex, "neo").await;
    let skip = asking.client.post("/api/v1/oauth/link/skip").header("cookie", browser.cookie().unwrap());
    skip.json(&json!({ "flow": flow })).send().await.problem(422, "consent_required");
    assert_eq!(count(&cinema.app, "users").await, 1);
}

#[tokio::test]
async fn an_invited_user_consents_when_the_password_is_set() {
    let (post, _) = invited().await;
    sets_a_first_password(&post, 0).await;
}

#[tokio::test]
async fn the_same_by_any_other_link_for_a_first_password() {
    let (post, user) = invited().await;
    let root = superuser(&post.app).await;
    let body = json!({ "reason": "The invitation was lost." });
    let path = format!("/api/v1/admin/users/{user}/send-reset");
    post.next_mail(NEO, 0).await;
    post.app.client.post(&path).bearer(&root.access).json(&body).send().await.expect(202);
    sets_a_first_password(&post, 1).await;

    let (post, _) = invited().await;
    post.next_mail(NEO, 0).await;
    post.change("update auth.account_links set expires_at = clock_timestamp() - interval '1 second'").await;
    let forgot = post.app.client.post("/api/v1/auth/password/forgot").json(&json!({ "email": NEO }));
    forgot.send().await.expect(202);
    sets_a_first_password(&post, 1).await;
}

#[tokio::test]
async fn a_provider_that_enters_an_account_of_an_operator_needs_it_too() {
    let cinema = Cinema::start_with(&[ASKED]).await;
    let sql = "insert into auth.users (id, email, email_key, display_name)
               values (gen_random_uuid(), $1, $1, 'Made by an operator')";
    let sql_client = cinema.app.sql().await;
    sql_client.execute(sql, &[&NEO]).await.unwrap();
    let invite = "insert into auth.account_links (token_hash, user_id, purpose, email_key, expires_at)
                  select sha256('a'), id, 'invitation', email_key, clock_timestamp() + interval '1 hour' from auth.users";
    sql_client.execute(invite, &[]).await.unwrap();
    cinema.add_person(GitHub, "neo", Some(NEO), true);
    let mut browser = cinema.browser();
    browser.try_to_sign_in(GitHub, "neo").await.problem(422, "consent_required");
    assert_eq!(count(&cinema.app, "oauth_accounts").await, 0);
    let at = browser.start_flow(GitHub, &format!("?consent={VERSION}")).await;
    let back = browser.choose(&at, "neo").await;
    let pair = browser.call_back(&back).await.pair();
    assert_eq!(consents(&cinema.app, &pair).await, [VERSION]);
    // A user who has entered the account is not asked.
    cinema.browser().sign_in(GitHub, "neo").await;
}

/// A user without a password, invited by an operator.
async fn invited() -> (Post, String) {
    let post = Post::start().await;
    let root = superuser(&post.app).await;
    let body = json!({ "email": NEO, "reason": "New colleague." });
    let invite = post.app.client.post("/api/v1/admin/users").bearer(&root.access).json(&body);
    let user = invite.send().await.expect(201).field("/user_id");
    (post, user)
}

/// The link of the mail after `before` others sets a first password with the consent only.
async fn sets_a_first_password(post: &Post, before: usize) {
    let mail = post.next_mail(NEO, before).await;
    let (_, rest) = mail.text.split_once("/account/reset#").unwrap();
    let token: String = rest.chars().take_while(|letter| !letter.is_whitespace()).collect();
    let mut vars = post.app.vars.clone();
    vars.insert(ASKED.0, VERSION.to_owned());
    let asking = TestApp::launch_on(vars).await;
    asking.await_ready().await;
    let mut body = json!({ "token": token, "new_password": PASSWORD });
    let reset =
        async |body: &Value| asking.client.post("/api/v1/auth/password/reset").json(body).send().await;
    reset(&body).await.problem(422, "consent_required");
    body["consent"] = json!(VERSION);
    reset(&body).await.expect(204);
    let pair = sign_in(&asking, NEO, PASSWORD).send().await.pair();
    assert_eq!(consents(&asking, &pair).await, [VERSION]);
}
