//! `PUT /api/v1/me/password`, `/me/email` and `/me/login`.

use serde_json::{Value, json};

use crate::support::{PASSWORD, Pair, Reply, TestApp};
use crate::witness::{alive, change_password, claims, dead, refresh, sign_in, standing};

const NEW: &str = "another horse, another battery";

async fn put(app: &TestApp, what: &str, access: &str, body: &Value) -> Reply {
    app.client.put(&format!("/api/v1/me/{what}")).bearer(access).json(body).send().await
}

/// The pair that was kept, and one of another session.
async fn two_sessions(app: &TestApp) -> (Pair, Pair) {
    let kept = app.client.new_user("neo@example.org").await;
    (kept, app.client.sign_in("neo@example.org").await)
}

/// What every credential change guarantees.
async fn only_the_new_pair_lives(app: &TestApp, kept: &Pair, other: &Pair, new: &Pair) {
    assert_eq!(new.session, kept.session);
    assert!(claims(&new.access)["gen"].as_u64() > claims(&kept.access)["gen"].as_u64());
    dead(app, &kept.access).await;
    dead(app, &other.access).await;
    standing(app, &new.access).await;
    refresh(app, &other.refresh).send().await.problem(401, "session_revoked");
    refresh(app, &kept.refresh).send().await.problem(401, "session_revoked");
    let next = refresh(app, &new.refresh).send().await.pair();
    standing(app, &next.access).await;
}

#[tokio::test]
async fn a_new_password_ends_every_other_session() {
    let app = TestApp::start().await;
    let (kept, other) = two_sessions(&app).await;

    let new = change_password(&app, &kept.access, NEW).send().await.pair();

    only_the_new_pair_lives(&app, &kept, &other, &new).await;
    sign_in(&app, "neo@example.org", PASSWORD).send().await.problem(401, "invalid_credentials");
    sign_in(&app, "neo@example.org", NEW).send().await.pair();
}

#[tokio::test]
async fn a_new_address_ends_every_other_session() {
    let app = TestApp::start().await;
    let (kept, other) = two_sessions(&app).await;
    let body = json!({ "email": "Thomas@Example.org", "current_password": PASSWORD });

    let new = put(&app, "email", &kept.access, &body).await.pair();

    only_the_new_pair_lives(&app, &kept, &other, &new).await;
    sign_in(&app, "neo@example.org", PASSWORD).send().await.problem(401, "invalid_credentials");
    sign_in(&app, "thomas@example.org", PASSWORD).send().await.pair();
}

#[tokio::test]
async fn a_new_login_ends_every_other_session() {
    let app = TestApp::start().await;
    let (kept, other) = two_sessions(&app).await;
    let body = json!({ "login": "the_one", "current_password": PASSWORD });

    let new = put(&app, "login", &kept.access, &body).await.pair();

    only_the_new_pair_lives(&app, &kept, &other, &new).await;
    let by_login = json!({ "login": "THE_ONE", "password": PASSWORD });
    app.client.post("/api/v1/auth/login").json(&by_login).send().await.pair();
}

#[tokio::test]
async fn the_current_password_is_asked_for() {
    let app = TestApp::start().await;
    let pair = app.client.new_user("neo@example.org").await;
    for (what, body) in [
        ("password", json!({ "current_password": "wrong", "new_password": NEW })),
        ("email", json!({ "email": "thomas@example.org", "current_password": "wrong" })),
        ("login", json!({ "login": "the_one", "current_password": "wrong" })),
    ] {
        // `problem` checks that only a 401 has a challenge.
        put(&app, what, &pair.access, &body).await.problem(403, "current_password_wrong");
    }
    for (what, body) in [
        ("password", json!({ "new_password": NEW })),
        ("email", json!({ "email": "thomas@example.org" })),
        ("login", json!({ "login": "the_one" })),
    ] {
        put(&app, what, &pair.access, &body).await.problem(422, "validation_failed");
    }
    alive(&app, &pair.access).await;
}

#[tokio::test]
async fn a_name_in_use_is_refused_and_no_session_ends() {
    let app = TestApp::start().await;
    let taken = json!({ "email": "trinity@example.org", "login": "trinity", "password": PASSWORD });
    app.client.post("/api/v1/auth/register").json(&taken).send().await.expect(201);
    let (kept, other) = two_sessions(&app).await;

    let email = json!({ "email": "Trinity@example.org", "current_password": PASSWORD });
    put(&app, "email", &kept.access, &email).await.problem(409, "email_taken");
    let login = json!({ "login": "Trinity", "current_password": PASSWORD });
    put(&app, "login", &kept.access, &login).await.problem(409, "login_taken");

    // The responses tell which names exist, so both are counted with the registrations of the client.
    let metrics = app.ops.get("/metrics").send().await.expect(200).text;
    let line = "usher_admin_attempts_total{bucket=\"registrations\",outcome=\"failed\"} 2";
    assert!(metrics.contains(line), "{metrics}");
    standing(&app, &kept.access).await;
    standing(&app, &other.access).await;
}

#[tokio::test]
async fn bad_new_credentials_are_refused() {
    let app = TestApp::start().await;
    let pair = app.client.new_user("neo@example.org").await;
    for (what, body, code) in [
        ("password", json!({ "current_password": PASSWORD, "new_password": "short" }), "password_weak"),
        ("password", json!({ "current_password": PASSWORD, "new_password": "12345678" }), "password_weak"),
        (
            "password",
            json!({ "current_password": PASSWORD, "new_password": "neo@example.org" }),
            "password_weak",
        ),
        ("password", json!({ "current_password": PASSWORD, "new_password": PASSWORD }), "password_reused"),
        ("email", json!({ "email": "neo", "current_password": PASSWORD }), "validation_failed"),
        ("login", json!({ "login": "n", "current_password": PASSWORD }), "validation_failed"),
        ("login", json!({ "login": "root", "current_password": PASSWORD }), "validation_failed"),
    ] {
        put(&app, what, &pair.access, &body).await.problem(422, code);
    }
}

#[tokio::test]
async fn a_new_password_based_on_a_name_is_refused() {
    let app = TestApp::start().await;
    let pair = app.client.new_user("neo@example.org").await;
    let change = |new: &str| json!({ "current_password": PASSWORD, "new_password": new });
    let names = [
        ("display_name", "Qwilleran Vorpalis"),
        ("first_name", "Zyxomatique"),
        ("last_name", "Brandelhofer-Wust"),
    ];
    for (member, name) in names {
        let patch = json!({ member: name });
        app.client.patch("/api/v1/me").bearer(&pair.access).json(&patch).send().await.expect(200);
        let problem = put(&app, "password", &pair.access, &change(name)).await.problem(422, "password_weak");
        assert_eq!(problem["errors"][0]["code"], "password_own_words", "{member}");
    }
    let forget = json!({ "display_name": null });
    app.client.patch("/api/v1/me").bearer(&pair.access).json(&forget).send().await.expect(200);
    put(&app, "password", &pair.access, &change(names[0].1)).await.pair();
}

#[tokio::test]
async fn the_next_owner_of_a_freed_address_gets_nothing_of_the_previous_one() {
    let app = TestApp::start().await;
    let first = app.client.new_user("neo@example.org").await;
    let body = json!({ "email": "thomas@example.org", "current_password": PASSWORD });
    let moved = put(&app, "email", &first.access, &body).await.pair();

    let second = app.client.new_user("neo@example.org").await;

    assert_ne!(claims(&second.access)["sub"], claims(&first.access)["sub"]);
    dead(&app, &first.access).await;
    let me = app.client.get("/api/v1/me").bearer(&moved.access).send().await.expect(200).json();
    assert_eq!(me["email"], "thomas@example.org");
}
