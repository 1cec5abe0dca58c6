//! Checks of permissions, and their explanations.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::support::{Pair, TestApp};
use crate::witness::{assign, assign_until, holder, items_of, make_role, now, superuser, user_of};

async fn ask(app: &TestApp, what: &str, pair: &Pair, body: &Value) -> Value {
    let path = format!("/api/v1/authz/{what}");
    app.client.post(&path).bearer(&pair.access).json(body).send().await.expect(200).json()
}

/// Films: a subscriber watches, premium inherits that and downloads.
async fn cinema(app: &TestApp) {
    make_role(app, "subscriber", &["films:watch"], &[]).await;
    make_role(app, "premium", &["films:download"], &["subscriber"]).await;
    make_role(app, "curator", &["films:*"], &[]).await;
}

#[tokio::test]
async fn one_asks_about_oneself() {
    let app = TestApp::start().await;
    cinema(&app).await;
    app.client.register("neo@example.org").await.expect(201);
    assign(&app, "neo@example.org", "premium").await;
    let neo = app.client.sign_in("neo@example.org").await;
    let asked = ["films:watch", "films:download", "films:rate", "films:watch"];

    let all = ask(&app, "check", &neo, &json!({ "permissions": asked })).await;
    assert_eq!(all["allowed"], false);
    assert_eq!(all["results"], json!({ "films:watch": true, "films:download": true, "films:rate": false }));
    let any = ask(&app, "check", &neo, &json!({ "permissions": asked, "any": true })).await;
    assert_eq!(any["allowed"], true);
    let own = json!({ "user_id": user_of(&neo), "permissions": ["films:watch"] });
    assert_eq!(ask(&app, "check", &neo, &own).await["allowed"], true);
}

#[tokio::test]
async fn an_explanation_tells_every_way_with_its_end() {
    let app = TestApp::start().await;
    cinema(&app).await;
    app.client.register("neo@example.org").await.expect(201);
    assign(&app, "neo@example.org", "premium").await;
    let end = Timestamp::from_second(4_000_000_000).unwrap();
    assign_until(&app, "neo@example.org", "curator", Some(end)).await.unwrap();
    let neo = app.client.sign_in("neo@example.org").await;

    let told = ask(&app, "explain", &neo, &json!({ "permissions": ["films:watch", "users:read"] })).await;

    assert_eq!(told["user_id"], user_of(&neo).to_string());
    assert_eq!(told["allowed"], false);
    let curator = json!({ "role": "curator", "inherited": [], "permission": "films:*", "expires_at": end });
    let premium = json!({ "role": "premium", "inherited": ["subscriber"], "permission": "films:watch", "expires_at": null });
    let ways = json!({ "allowed": true, "superuser": false, "paths": [curator, premium] });
    assert_eq!(told["results"]["films:watch"], ways);
    assert_eq!(told["results"]["users:read"], json!({ "allowed": false, "superuser": false, "paths": [] }));
}

#[tokio::test]
async fn questions_about_other_users_require_the_right() {
    let app = TestApp::start().await;
    cinema(&app).await;
    let neo = app.client.new_user("neo@example.org").await;
    let trinity = app.client.new_user("trinity@example.org").await;
    assign(&app, "neo@example.org", "subscriber").await;
    let body = json!({ "user_id": user_of(&neo), "permissions": ["films:watch"] });
    for what in ["check", "explain"] {
        let path = format!("/api/v1/authz/{what}");
        app.client.post(&path).bearer(&trinity.access).json(&body).send().await.problem(404, "not_found");
        app.client.post(&path).json(&body).send().await.problem(401, "token_missing");
        let checker = holder(&app, &format!("{what}@example.org"), &["authz:check"]).await;
        assert_eq!(ask(&app, what, &checker, &body).await["allowed"], true);
        let unknown = json!({ "user_id": uuid::Uuid::nil(), "permissions": ["films:watch"] });
        app.client.post(&path).bearer(&checker.access).json(&unknown).send().await.problem(404, "not_found");
    }
}

#[tokio::test]
async fn a_superuser_may_do_everything_and_a_disabled_user_nothing() {
    let app = TestApp::start().await;
    cinema(&app).await;
    let root = superuser(&app).await;
    let neo = app.client.new_user("neo@example.org").await;
    assign(&app, "neo@example.org", "subscriber").await;
    let anything = json!({ "permissions": ["any:thing"] });
    assert_eq!(ask(&app, "check", &root, &anything).await["allowed"], true);
    let why = ask(&app, "explain", &root, &anything).await["results"]["any:thing"].clone();
    assert_eq!(why, json!({ "allowed": true, "superuser": true, "paths": [] }));

    let body = json!({ "user_id": user_of(&neo), "permissions": ["films:watch"] });
    assert_eq!(ask(&app, "check", &root, &body).await["allowed"], true);
    let disable = "update auth.users set status = 'disabled' where email_key = 'neo@example.org'";
    app.sql().await.batch_execute(disable).await.unwrap();
    assert_eq!(ask(&app, "check", &root, &body).await["allowed"], false);
    assert_eq!(ask(&app, "explain", &root, &body).await["results"]["films:watch"]["paths"], json!([]));
}

#[tokio::test]
async fn an_assignment_that_has_ended_grants_nothing_though_it_is_still_written() {
    let app = TestApp::start().await;
    cinema(&app).await;
    let neo = app.client.new_user("neo@example.org").await;
    // The assignment is not ended while the definitions are locked.
    let holder = crate::locks::holding(&app, "lock table auth.role_map in access exclusive mode").await;
    let write = "insert into auth.user_roles (user_id, role_id, expires_at)
                 select u.id, r.id, clock_timestamp() - interval '1 s' from auth.users u, auth.roles r";
    app.sql().await.batch_execute(write).await.unwrap();
    let me = ask(&app, "check", &neo, &json!({ "permissions": ["films:watch"] })).await;
    assert_eq!(me["allowed"], false);
    let written = "select count(*) from auth.user_roles";
    assert_eq!(app.sql().await.query_one(written, &[]).await.unwrap().get::<_, i64>(0), 3);
    crate::locks::let_go(&holder, "select 1").await;
}

#[tokio::test]
async fn an_invalid_question_names_the_field() {
    let app = TestApp::start().await;
    let neo = app.client.new_user("neo@example.org").await;
    let many: Vec<_> = (0..101).map(|n| format!("films:p{n}")).collect();
    for (body, field) in [
        (json!({ "permissions": [] }), "permissions"),
        (json!({ "permissions": many }), "permissions"),
        (json!({ "permissions": ["films:watch", "films:*"] }), "permissions[1]"),
        (json!({ "permissions": ["films"] }), "permissions[0]"),
        (json!({ "permissions": ["films:watch"], "user_id": "neo" }), "user_id"),
        (json!({ "permissions": ["films:watch"], "roles": [] }), "roles"),
        (json!({}), "permissions"),
    ] {
        for what in ["check", "explain"] {
            let path = format!("/api/v1/authz/{what}");
            let reply = app.client.post(&path).bearer(&neo.access).json(&body).send().await;
            let problem = reply.problem(422, "validation_failed");
            assert_eq!(problem["errors"][0]["field"], field, "{problem}");
        }
    }
}

#[tokio::test]
async fn a_users_own_permissions_are_listed_with_their_expiry() {
    let app = TestApp::start().await;
    cinema(&app).await;
    app.client.register("neo@example.org").await.expect(201);
    assign(&app, "neo@example.org", "premium").await;
    let end = Timestamp::from_microsecond((now() + Duration::from_secs(3600)).as_microsecond()).unwrap();
    assign_until(&app, "neo@example.org", "curator", Some(end)).await.unwrap();
    let neo = app.client.sign_in("neo@example.org").await;

    let own = app.client.get("/api/v1/me/permissions").bearer(&neo.access).send().await.expect(200).json();

    assert_eq!(own["superuser"], false);
    let item = |permission: &str, end: Value| json!({ "permission": permission, "expires_at": end });
    // A permission that lasts longer than the area that covers it is listed beside it.
    let items =
        [item("films:*", json!(end)), item("films:download", Value::Null), item("films:watch", Value::Null)];
    assert_eq!(items_of(&own), items);
}
