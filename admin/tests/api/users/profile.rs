//! `GET` and `PATCH /api/v1/me`.

use jiff::Timestamp;
use mock_providers::Provider::{GitHub, Google};
use serde_json::{Value, json};

use crate::support::{Call, Cinema, TestApp};
use crate::witness::{assign, claims};

fn patch(app: &TestApp, access: &str, body: &Value) -> Call {
    app.client.patch("/api/v1/me").bearer(access).json(body)
}

#[tokio::test]
async fn a_profile_shows_its_owner_with_roles() {
    let app = TestApp::start().await;
    app.client.register("neo@example.org").await.expect(201);
    assign(&app, "neo@example.org", "subscriber").await;
    let pair = app.client.sign_in("neo@example.org").await;

    let me = app.client.get("/api/v1/me").bearer(&pair.access).send().await.expect(200);
    assert!(me.header("etag").starts_with('"'));
    let me = me.json();
    assert_eq!(me["email"], "neo@example.org");
    assert_eq!(me["roles"], json!([{ "name": "subscriber", "title": null }]));
    assert_eq!((&me["login"], &me["first_name"]), (&Value::Null, &Value::Null));
    assert!(me.get("password_hash").is_none());
}

#[tokio::test]
async fn a_profile_says_how_its_owner_signs_in() {
    let cinema = Cinema::start().await;
    let app = &cinema.app;
    let me = async |access: &str| app.client.get("/api/v1/me").bearer(access).send().await.expect(200).json();

    let neo = app.client.new_user("neo@example.org").await;
    let by_password = me(&neo.access).await;
    assert_eq!((&by_password["has_password"], &by_password["email_verified"]), (&json!(true), &json!(false)));
    assert_eq!(by_password["linked_providers"], json!([]));

    let mut browser = cinema.browser();
    let anna = browser.sign_in(GitHub, "anna").await;
    browser.try_to_link(&anna, Google, "anna").await.expect(200);
    let by_provider = me(&anna.access).await;
    assert_eq!((&by_provider["has_password"], &by_provider["email_verified"]), (&json!(false), &json!(true)));
    assert_eq!(by_provider["linked_providers"], json!(["github", "google"]));

    let title = "update auth.roles set title = 'Subscriber'";
    assign(app, "neo@example.org", "subscriber").await;
    app.sql().await.batch_execute(title).await.unwrap();
    let neo = app.client.sign_in("neo@example.org").await;
    let me = me(&neo.access).await;
    assert_eq!(me["roles"], json!([{ "name": "subscriber", "title": "Subscriber" }]));
    let signed_in: Timestamp = me["auth_time"].as_str().unwrap().parse().unwrap();
    assert_eq!(claims(&neo.access)["auth_time"], signed_in.as_second());
}

#[tokio::test]
async fn a_merge_patch_sets_clears_and_keeps() {
    let app = TestApp::start().await;
    let pair = app.client.new_user("neo@example.org").await;
    let all = json!({ "display_name": "Нео", "first_name": "Thomas", "last_name": "Anderson",
                      "phone": "+79991234567", "locale": "ru" });
    patch(&app, &pair.access, &all).send().await.expect(200);

    let me = patch(&app, &pair.access, &json!({ "first_name": null, "locale": "en" }))
        .send()
        .await
        .expect(200)
        .json();

    assert_eq!((&me["first_name"], &me["locale"]), (&Value::Null, &json!("en")));
    assert_eq!(
        (&me["display_name"], &me["last_name"], &me["phone"]),
        (&json!("Нео"), &json!("Anderson"), &json!("+79991234567"))
    );
    let again = app.client.get("/api/v1/me").bearer(&pair.access).send().await.expect(200).json();
    assert_eq!(again, me);
}

#[tokio::test]
async fn a_change_of_another_version_is_refused() {
    let app = TestApp::start().await;
    let pair = app.client.new_user("neo@example.org").await;
    let first = app.client.get("/api/v1/me").bearer(&pair.access).send().await;
    let tag = first.header("etag").to_owned();
    let change = json!({ "display_name": "Neo" });

    let changed = patch(&app, &pair.access, &change).header("if-match", &tag).send().await.expect(200);
    assert_ne!(changed.header("etag"), tag);
    patch(&app, &pair.access, &change)
        .header("if-match", &tag)
        .send()
        .await
        .problem(412, "precondition_failed");
    patch(&app, &pair.access, &change)
        .header("if-match", "W/\"2\"")
        .send()
        .await
        .problem(412, "precondition_failed");
    patch(&app, &pair.access, &change).header("if-match", "*").send().await.expect(200);
}

#[tokio::test]
async fn unknown_profile_fields_cannot_be_patched() {
    let app = TestApp::start().await;
    let pair = app.client.new_user("neo@example.org").await;
    for body in [
        json!({ "email": "trinity@example.org" }),
        json!({ "is_superuser": true }),
        json!({ "roles": ["admin"] }),
        json!({ "user_id": "7" }),
        json!({ "status": "active" }),
        json!({ "display_name": 7 }),
        json!({ "phone": "89991234567" }),
        json!({ "locale": "русский" }),
        json!({ "first_name": "a\u{0}b" }),
    ] {
        patch(&app, &pair.access, &body).send().await.problem(422, "validation_failed");
    }
}

#[tokio::test]
async fn a_profile_requires_a_token() {
    let app = TestApp::start().await;
    app.client.get("/api/v1/me").send().await.problem(401, "token_missing");
    app.client.patch("/api/v1/me").json(&json!({})).send().await.problem(401, "token_missing");
}
