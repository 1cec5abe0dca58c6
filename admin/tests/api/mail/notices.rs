//! Notices by mail, and in `GET /api/v1/me/notices`.

use serde_json::{Value, json};

use super::Post;
use crate::support::{PASSWORD, Pair, TestApp};
use crate::witness::{change_password, items_of, superuser, user_of};

const NEO: &str = "Neo@example.org";
const NEW: &str = "another horse, another battery";
const AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

async fn kinds(app: &TestApp, access: &str) -> Vec<String> {
    let list = app.client.get("/api/v1/me/notices").bearer(access).send().await.expect(200).json();
    items_of(&list).iter().map(|item| item["kind"].as_str().unwrap().to_owned()).collect()
}

async fn put(app: &TestApp, what: &str, pair: &Pair, body: &Value) -> Pair {
    app.client.put(&format!("/api/v1/me/{what}")).bearer(&pair.access).json(body).send().await.pair()
}

#[tokio::test]
async fn a_changed_password_is_told_by_mail_and_in_the_list() {
    let post = Post::start().await;
    let app = &post.app;
    let pair = app.client.new_user(NEO).await;

    let call = change_password(app, &pair.access, NEW);
    let pair = call.header("user-agent", AGENT).header("x-forwarded-for", "198.51.100.7").send().await.pair();

    let mail = post.mails(1).await.remove(0);
    assert_eq!((mail.from.as_str(), mail.to.as_slice()), ("no-reply@cinema.example", &[NEO.to_owned()][..]));
    assert_eq!(mail.subject, "Your password was changed");
    for fact in ["Firefox, Linux", "198.51.100.0/24", "UTC", "https://cinema.example/"] {
        assert!(mail.text.contains(fact) && mail.html.contains(fact), "{fact}: {mail:?}");
    }
    assert!(mail.message_id.ends_with("@cinema.example"), "{mail:?}");
    assert!(!String::from_utf8_lossy(&mail.raw).contains("Gecko"), "no raw user agent");
    post.until_count("true", 0).await;

    let list = app.client.get("/api/v1/me/notices").bearer(&pair.access).send().await.expect(200).json();
    let notice = &list["items"][0];
    assert_eq!(notice["kind"], "password_changed");
    assert_eq!(
        (&notice["client"], &notice["network"]),
        (&json!("Firefox, Linux"), &json!("198.51.100.0/24"))
    );
    assert_eq!(post.metric("usher_admin_mail_sent_total{kind=\"password_changed\"}").await, 1.0);
}

#[tokio::test]
async fn the_list_does_not_need_mail() {
    let app = TestApp::start().await;
    let pair = app.client.new_user(NEO).await;
    let pair = change_password(&app, &pair.access, NEW).send().await.pair();
    assert_eq!(kinds(&app, &pair.access).await, ["password_changed"]);
    let waiting = "select count(*) from auth.mail_outbox";
    assert_eq!(app.sql().await.query_one(waiting, &[]).await.unwrap().get::<_, i64>(0), 0);
}

#[tokio::test]
async fn both_addresses_are_told_of_a_change() {
    let post = Post::start().await;
    let pair = post.app.client.new_user(NEO).await;
    let body = json!({ "email": "thomas@example.org", "current_password": PASSWORD });
    let pair = put(&post.app, "email", &pair, &body).await;
    let mut told: Vec<_> =
        post.mails(2).await.into_iter().map(|mail| (mail.to.concat(), mail.subject)).collect();
    told.sort();
    let expected = [
        (NEO, "The e-mail address of your account was changed"),
        ("thomas@example.org", "Your e-mail address was changed"),
    ];
    assert_eq!(told, expected.map(|(to, subject)| (to.to_owned(), subject.to_owned())));

    let body = json!({ "login": "the_one", "current_password": PASSWORD });
    put(&post.app, "login", &pair, &body).await;
    let last = post.mails(3).await.pop().unwrap();
    assert_eq!(
        (last.to.concat(), last.subject.as_str()),
        ("thomas@example.org".to_owned(), "Your login name was changed")
    );
    assert!(!last.text.contains("the_one") && !last.html.contains("the_one"), "no name in a mail");
}

#[tokio::test]
async fn a_new_device_is_told_and_a_known_one_or_the_first_is_not() {
    let post = Post::start().await;
    let app = &post.app;
    let first = app.client.new_user(NEO).await;
    let body = json!({ "email": NEO, "password": PASSWORD, "device_token": first.device });
    let known = app.client.post("/api/v1/auth/login").json(&body).send().await.pair();
    assert!(kinds(app, &known.access).await.is_empty());

    let body = json!({ "email": NEO, "password": PASSWORD, "device_name": "Stolen <b>box" });
    let call = app.client.post("/api/v1/auth/login").json(&body).header("user-agent", AGENT);
    let new = call.send().await.pair();

    assert_eq!(kinds(app, &new.access).await, ["new_device"]);
    let mail = post.mails(1).await.remove(0);
    assert_eq!(mail.subject, "New sign-in to your account");
    assert!(!mail.text.contains("Stolen") && !mail.html.contains("Stolen"), "no device name in a mail");
}

#[tokio::test]
async fn notices_of_one_kind_and_hour_are_one_further_mail() {
    let post = Post::start().await;
    let app = &post.app;
    app.client.new_user(NEO).await;
    app.client.sign_in(NEO).await;
    post.mails(1).await;
    for _ in 0..3 {
        app.client.sign_in(NEO).await;
    }
    post.until_count("times = 3 and next_attempt_at > clock_timestamp()", 1).await;
    post.retry().await;
    let mail = post.mails(2).await.remove(1);
    assert!(mail.text.contains("This happened 3 times within one hour."), "{mail:?}");
    post.until_count("true", 0).await;
}

#[tokio::test]
async fn a_mail_is_in_the_language_of_the_account_or_else_of_the_request() {
    let post = Post::start().await;
    let app = &post.app;
    let pair = app.client.new_user(NEO).await;
    let call = change_password(app, &pair.access, NEW);
    let pair = call.header("accept-language", "de, ru;q=0.8, en;q=0.1").send().await.pair();
    assert_eq!(post.mails(1).await[0].subject, "Ваш пароль изменён");
    let body = json!({ "locale": "ru-RU" });
    app.client.patch("/api/v1/me").bearer(&pair.access).json(&body).send().await.expect(200);
    let body = json!({ "login": "the_one", "current_password": NEW });
    let call = app.client.put("/api/v1/me/login").bearer(&pair.access).json(&body);
    call.header("accept-language", "en").send().await.pair();
    let mail = post.mails(2).await.remove(1);
    assert_eq!(mail.subject, "Ваш логин изменён");
    assert!(mail.text.contains("Логин вашего аккаунта изменён."), "{mail:?}");
}

#[tokio::test]
async fn a_refresh_from_elsewhere_is_told() {
    let post = Post::start().await;
    let app = &post.app;
    let pair = app.client.new_user(NEO).await;
    let elsewhere = app.client.post("/api/v1/auth/refresh").json(&json!({ "refresh_token": pair.refresh }));
    let pair =
        elsewhere.header("x-forwarded-for", "203.0.113.7").header("user-agent", AGENT).send().await.pair();
    assert_eq!(kinds(app, &pair.access).await, ["refresh_elsewhere"]);
    assert_eq!(post.mails(1).await[0].subject, "Your account was used from another place");
}

#[tokio::test]
async fn what_operators_do_to_an_account_is_told_without_their_address() {
    let post = Post::start().await;
    let app = &post.app;
    let (root, pair) = (superuser(app).await, app.client.new_user(NEO).await);
    let user = user_of(&pair);
    for action in ["disable", "enable", "evict"] {
        let path = format!("/api/v1/admin/users/{user}/{action}");
        let call = app.client.post(&path).bearer(&root.access).header("x-forwarded-for", "203.0.113.9");
        assert!(call.send().await.status < 300);
    }
    let role = json!({ "name": "support", "permissions": ["users:read"] });
    app.client.post("/api/v1/roles").bearer(&root.access).json(&role).send().await.expect(201);
    let role = json!({ "name": "viewer", "permissions": ["films:watch"] });
    app.client.post("/api/v1/roles").bearer(&root.access).json(&role).send().await.expect(201);
    for role in ["viewer", "support"] {
        let path = format!("/api/v1/users/{user}/roles/{role}");
        let call = app.client.put(&path).bearer(&root.access).json(&json!({}));
        assert!(call.send().await.status < 300);
    }
    let pair = app.client.sign_in(NEO).await;
    let kinds: Vec<_> =
        kinds(app, &pair.access).await.into_iter().filter(|kind| kind != "new_device").collect();
    assert_eq!(kinds, ["rights_granted", "evicted", "account_enabled", "account_disabled"]);
    let to_neo = async || Some(post.catcher.mails()).filter(|mails| mails.len() >= 3);
    let mails = crate::support::until("mails of an account that has no rights", to_neo).await;
    assert!(mails.iter().all(|mail| !mail.text.contains("203.0.113")), "{mails:?}");
}

#[tokio::test]
async fn the_unproven_address_of_an_operator_gets_no_notice() {
    let post = Post::start().await;
    let app = &post.app;
    let pair = app.client.new_user(NEO).await;
    app.sql().await.batch_execute("update auth.users set is_superuser = true").await.unwrap();
    let pair = change_password(app, &pair.access, NEW).send().await.pair();
    assert_eq!(kinds(app, &pair.access).await, ["password_changed"]);
    post.until_count("true", 0).await;
    app.sql().await.batch_execute("update auth.users set verified_email_key = email_key").await.unwrap();
    let body = json!({ "login": "the_one", "current_password": NEW });
    put(app, "login", &pair, &body).await;
    assert_eq!(post.mails(1).await[0].subject, "Your login name was changed");
}

#[tokio::test]
async fn the_newest_twenty_notices_of_a_kind_are_kept_for_thirty_days() {
    let app = TestApp::start().await;
    let pair = app.client.new_user(NEO).await;
    let sql = app.sql().await;
    let fill = "insert into auth.notices (id, user_id, kind, occurred_at)
                select gen_random_uuid(), $1, 'new_device', clock_timestamp() - number * interval '5 hours'
                from generate_series(1, 250) as number";
    sql.execute(fill, &[&user_of(&pair)]).await.unwrap();
    let list = kinds(&app, &pair.access).await;
    assert_eq!(list.len(), 30 * 24 / 5 - 1, "those of the last 30 days");
    let pair = change_password(&app, &pair.access, NEW).send().await.pair();
    let body = json!({ "email": NEO, "password": NEW });
    app.client.post("/api/v1/auth/login").json(&body).send().await.pair();
    let kinds = kinds(&app, &pair.access).await;
    assert_eq!(kinds.iter().filter(|kind| *kind == "new_device").count(), 20);
    // Many of one kind remove none of another.
    assert!(kinds.contains(&"password_changed".to_owned()));
}

/// A server may take `+` for an ordinary letter, so the mailboxes may be two.
#[tokio::test]
async fn notices_of_two_accounts_are_two_mails_even_if_their_addresses_look_like_one_mailbox() {
    let post = Post::start().await;
    let app = &post.app;
    for email in [NEO, "neo+cinema@example.org"] {
        app.client.new_user(email).await;
        for _ in 0..3 {
            app.client.sign_in(email).await;
        }
    }
    post.until_count("times = 2 and next_attempt_at > clock_timestamp()", 2).await;
}
