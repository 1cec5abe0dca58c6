//! `POST /api/v1/auth/register`.

use admin::passwords::Party;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{PASSWORD, Reply, TestApp};

async fn register(app: &TestApp, body: &Value) -> Reply {
    app.client.post("/api/v1/auth/register").json(body).send().await
}

#[tokio::test]
async fn an_address_is_registered_once() {
    let app = TestApp::start().await;
    let body = json!({ "email": "Neo@Example.org", "login": "Neo_1", "password": PASSWORD,
                       "display_name": "Нео", "locale": "ru-RU" });

    let made = register(&app, &body).await.expect(201).json();
    assert_eq!(made["email"], "Neo@Example.org");
    assert_eq!(
        (&made["login"], &made["display_name"], &made["locale"]),
        (&json!("Neo_1"), &json!("Нео"), &json!("ru-RU"))
    );
    assert!(made["user_id"].as_str().is_some_and(|id| id.len() == 36));
    assert!(made.get("password").is_none());

    register(&app, &body).await.problem(409, "email_taken");
    let again = json!({ "email": "nEO@EXAMPLE.org", "password": PASSWORD });
    register(&app, &again).await.problem(409, "email_taken");
    let same_login = json!({ "email": "trinity@example.org", "login": "neo_1", "password": PASSWORD });
    register(&app, &same_login).await.problem(409, "login_taken");
}

#[tokio::test]
async fn of_many_concurrent_registrations_one_succeeds_and_none_is_an_error() {
    let app = TestApp::start().await;
    let replies = join_all((0..12).map(|_| app.client.register("neo@example.org"))).await;
    assert_eq!(replies.iter().filter(|reply| reply.status == 201).count(), 1);
    for reply in replies.into_iter().filter(|reply| reply.status != 201) {
        reply.problem(409, "email_taken");
    }
}

#[tokio::test]
async fn no_user_is_registered_while_registration_is_closed() {
    let app = TestApp::start_with(&[("ADMIN_REGISTRATION", "closed")]).await;
    app.client.register("neo@example.org").await.problem(403, "registration_closed");
}

#[tokio::test]
async fn every_invalid_field_is_named() {
    let app = TestApp::start().await;
    let body =
        json!({ "email": "neo", "login": "n", "password": PASSWORD, "display_name": "", "locale": "?" });
    let problem = register(&app, &body).await.problem(422, "validation_failed");
    let fields: Vec<_> = problem["errors"].as_array().unwrap().iter().map(|error| &error["field"]).collect();
    assert_eq!(fields, ["display_name", "email", "locale", "login"]);
}

#[tokio::test]
async fn bad_fields_are_refused_alone() {
    let app = TestApp::start().await;
    let long = format!("{}@example.org", "a".repeat(250));
    for (body, field) in [
        (json!({ "email": "neo@localhost", "password": PASSWORD }), "email"),
        (json!({ "email": long, "password": PASSWORD }), "email"),
        (json!({ "email": 7, "password": PASSWORD }), "email"),
        (json!({ "password": PASSWORD }), "email"),
        (json!({ "email": "neo@example.org" }), "password"),
        (json!({ "email": "neo@example.org", "password": PASSWORD, "login": "neo@matrix" }), "login"),
        (json!({ "email": "neo@example.org", "password": PASSWORD, "login": "admin" }), "login"),
        (json!({ "email": "neo@example.org", "password": PASSWORD, "login": "neo anderson" }), "login"),
        (json!({ "email": "neo@example.org", "password": PASSWORD, "login": "I\u{307}x" }), "login"),
        (json!({ "email": "neo@example.org", "password": PASSWORD, "is_superuser": true }), "is_superuser"),
        (json!({ "email": "neo@example.org", "password": PASSWORD, "roles": ["admin"] }), "roles"),
        (json!({ "email": "neo@example.org", "password": PASSWORD, "user_id": "7" }), "user_id"),
        (
            json!({ "email": "neo@example.org", "password": PASSWORD, "email_verified_at": "now" }),
            "email_verified_at",
        ),
    ] {
        let problem = register(&app, &body).await.problem(422, "validation_failed");
        assert_eq!(problem["errors"][0]["field"], field, "{body}");
    }
}

#[tokio::test]
async fn weak_passwords_are_refused_with_reasons() {
    let app = TestApp::start().await;
    for (password, reason) in [
        ("short", "password_too_short"),
        ("12345678", "password_pattern"),
        ("password1", "password_common"),
        ("thomas.anderson", "password_own_words"),
        (&"long ".repeat(26), "password_too_long"),
        ("tab\tand bell \u{7}", "password_unprintable"),
    ] {
        let body = json!({ "email": "thomas.anderson@example.org", "password": password });
        let problem = register(&app, &body).await.problem(422, "password_weak");
        assert_eq!(problem["errors"][0]["field"], "password");
        assert_eq!(problem["errors"][0]["code"], reason, "{password}");
    }
}

#[tokio::test]
async fn nul_is_refused_in_every_field() {
    let app = TestApp::start().await;
    for field in ["email", "password", "login", "display_name", "locale"] {
        let mut body = json!({ "email": "neo@example.org", "password": PASSWORD });
        body[field] = json!("neo\0neo@example.org");
        register(&app, &body).await.problem(422, "validation_failed");
    }
}

#[tokio::test]
async fn registration_is_refused_at_once_when_too_many_hash() {
    let app = TestApp::start_with(&[("ADMIN_HASH_THREADS", "1"), ("ADMIN_HASH_WAIT", "0s")]).await;
    let place = app.context.hasher.reserve(Party::Operator).unwrap();
    app.client.register("neo@example.org").await.problem(503, "overloaded");
    drop(place);
    app.client.register("neo@example.org").await.expect(201);
}

#[tokio::test]
async fn a_password_is_stored_as_argon2id_and_nowhere_else() {
    let app = TestApp::start().await;
    app.client.register("neo@example.org").await.expect(201);
    let row =
        app.sql().await.query_one("select password_hash, users::text from auth.users", &[]).await.unwrap();
    assert!(row.get::<_, &str>(0).starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    assert!(!row.get::<_, &str>(1).contains(PASSWORD));
}
