//! Assigning and revoking roles through the API.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::support::TestApp;
use crate::witness::{
    alive, assign, assign_until, claims, holder, items_of, make_role, now, outdated, refresh, roles_of,
    standing, superuser, user_of,
};

fn of(user: impl std::fmt::Display, role: &str) -> String {
    format!("/api/v1/users/{user}/roles/{role}")
}

fn in_future(seconds: u64) -> Timestamp {
    now() + Duration::from_secs(seconds)
}

#[tokio::test]
async fn a_role_is_given_shown_and_taken_and_tokens_follow() {
    let app = TestApp::start().await;
    let root = superuser(&app).await;
    let neo = app.client.new_user("neo@example.org").await;
    let id = user_of(&neo);
    make_role(&app, "subscriber", &[], &[]).await;
    let path = of(id, "subscriber");

    let body = json!({ "expires_at": "2099-12-31T00:00:00Z", "reason": "Paid." });
    let given = app.client.put(&path).bearer(&root.access).json(&body).send().await.expect(201).json();
    assert_eq!(given["expires_at"], "2099-12-31T00:00:00Z");
    assert_eq!(given["granted_by"], user_of(&root).to_string());
    outdated(&app, &neo.access).await;
    let neo = refresh(&app, &neo.refresh).send().await.pair();
    assert_eq!(roles_of(&neo.access), ["subscriber"]);

    let again = app.client.put(&path).bearer(&root.access).json(&body).send().await.expect(200).json();
    assert_eq!(again, given);
    standing(&app, &neo.access).await;
    let list = app.client.get(&format!("/api/v1/users/{id}/roles")).bearer(&neo.access).send().await;
    assert_eq!(items_of(&list.expect(200).json()), [given]);
    let shown = app.client.get(&path).bearer(&neo.access).send().await.expect(200).json();
    assert_eq!(shown, json!({ "assigned": true, "expires_at": "2099-12-31T00:00:00Z" }));

    let reason = json!({ "expires_at": "2099-12-31T00:00:00Z", "reason": "Paid again." });
    let noted = app.client.put(&path).bearer(&root.access).json(&reason).send().await.expect(200).json();
    assert_eq!(noted["reason"], "Paid again.");
    standing(&app, &neo.access).await;

    app.client.delete(&path).bearer(&root.access).send().await.expect(204);
    outdated(&app, &neo.access).await;
    let neo = refresh(&app, &neo.refresh).send().await.pair();
    assert_eq!(roles_of(&neo.access), [""; 0]);
    app.client.delete(&path).bearer(&root.access).send().await.expect(204);
    standing(&app, &neo.access).await;
    let shown = app.client.get(&path).bearer(&neo.access).send().await.expect(200).json();
    assert_eq!(shown, json!({ "assigned": false, "expires_at": null }));
}

#[tokio::test]
async fn an_end_that_is_moved_makes_tokens_old_and_bounds_the_next() {
    let app = TestApp::start().await;
    let root = superuser(&app).await.access;
    let neo = app.client.new_user("neo@example.org").await;
    make_role(&app, "trial", &[], &[]).await;
    let path = of(user_of(&neo), "trial");
    app.client.put(&path).bearer(&root).send().await.expect(201);
    let neo = refresh(&app, &neo.refresh).send().await.pair();

    let body = json!({ "expires_at": in_future(60) });
    app.client.put(&path).bearer(&root).json(&body).send().await.expect(200);

    outdated(&app, &neo.access).await;
    let next = claims(&refresh(&app, &neo.refresh).send().await.pair().access);
    let life = next["exp"].as_u64().unwrap() - next["iat"].as_u64().unwrap();
    assert!((50..=60).contains(&life), "{life}");
}

#[tokio::test]
async fn an_invalid_assignment_names_the_field() {
    let app = TestApp::start().await;
    let root = superuser(&app).await.access;
    let neo = app.client.new_user("neo@example.org").await;
    make_role(&app, "subscriber", &[], &[]).await;
    let path = of(user_of(&neo), "subscriber");
    let wrong = async |body: Value| {
        let reply = app.client.put(&path).bearer(&root).json(&body).send().await;
        reply.problem(422, "validation_failed")["errors"][0]["field"].as_str().unwrap().to_owned()
    };
    assert_eq!(wrong(json!({ "expires_at": "2020-01-01T00:00:00Z" })).await, "expires_at");
    assert_eq!(wrong(json!({ "expires_at": "tomorrow" })).await, "expires_at");
    assert_eq!(wrong(json!({ "reason": "" })).await, "reason");
    for name in ["is_superuser", "roles", "user_id", "granted_by", "granted_at"] {
        assert_eq!(wrong(json!({ name: true })).await, name);
    }
    alive(&app, &neo.access).await;
    let unknown = of(user_of(&neo), "pilot");
    app.client.get(&unknown).bearer(&root).send().await.problem(404, "not_found");
    for path in [of(user_of(&neo), "pilot"), of(uuid::Uuid::nil(), "subscriber"), of("neo", "subscriber")] {
        app.client.put(&path).bearer(&root).send().await.problem(404, "not_found");
        app.client.delete(&path).bearer(&root).send().await.problem(404, "not_found");
        app.client.get(&path).bearer(&root).send().await.problem(404, "not_found");
    }
}

#[tokio::test]
async fn more_roles_than_a_header_takes_are_refused() {
    let app = TestApp::start().await;
    let root = superuser(&app).await.access;
    let neo = app.client.new_user("neo@example.org").await;
    let fill = "with made as (
                    insert into auth.roles (id, name)
                    select gen_random_uuid(), 'role-' || lpad(n::text, 27, '0') from generate_series(1, 62) n
                    returning id
                )
                insert into auth.user_roles (user_id, role_id)
                select u.id, made.id from auth.users u, made where u.email_key = 'neo@example.org'";
    app.sql().await.batch_execute(fill).await.unwrap();
    make_role(&app, "ab", &[], &[]).await;

    let reply = app.client.put(&of(user_of(&neo), "ab")).bearer(&root).send().await;

    reply.problem(409, "limit_reached");
    standing(&app, &neo.access).await;
}

#[tokio::test]
async fn a_role_is_granted_only_by_an_operator_with_its_permissions_and_for_no_longer() {
    let app = TestApp::start().await;
    let neo = user_of(&app.client.new_user("neo@example.org").await);
    make_role(&app, "viewer", &[], &[]).await;
    make_role(&app, "subscriber", &["films:watch"], &["viewer"]).await;
    make_role(&app, "other", &[], &[]).await;
    let manager = holder(&app, "manager@example.org", &["roles:assign", "films:watch"]).await;
    let end = in_future(3600);
    assign_until(&app, "manager@example.org", "subscriber", Some(end)).await.unwrap();
    let manager = refresh(&app, &manager.refresh).send().await.pair().access;
    let give = async |role: &str, body: Value| {
        let reply = app.client.put(&of(neo, role)).bearer(&manager).json(&body).send().await;
        if reply.status == 403 {
            reply.problem(403, "privilege_escalation")["status"].clone()
        } else {
            json!(reply.status)
        }
    };

    assert_eq!(give("other", json!({})).await, 403);
    assert_eq!(give("subscriber", json!({})).await, 403);
    assert_eq!(give("subscriber", json!({ "expires_at": end + Duration::from_secs(1) })).await, 403);
    assert_eq!(give("subscriber", json!({ "expires_at": in_future(600) })).await, 201);
    assert_eq!(give("viewer", json!({ "expires_at": in_future(600) })).await, 201);
}

#[tokio::test]
async fn only_superusers_grant_and_revoke_roles_of_superusers() {
    let app = TestApp::start().await;
    let root = superuser(&app).await;
    make_role(&app, "viewer", &[], &[]).await;
    let manager = holder(&app, "manager@example.org", &["*"]).await.access;
    let path = of(user_of(&root), "viewer");
    app.client.put(&path).bearer(&manager).send().await.problem(403, "forbidden");
    app.client.delete(&path).bearer(&manager).send().await.problem(403, "forbidden");
    standing(&app, &root.access).await;
    app.client.put(&path).bearer(&root.access).send().await.expect(201);
}

#[tokio::test]
async fn a_users_own_roles_do_not_reveal_which_roles_exist() {
    let app = TestApp::start().await;
    let neo = app.client.new_user("neo@example.org").await;
    make_role(&app, "secret", &[], &[]).await;
    for role in ["secret", "nothing"] {
        let shown = app.client.get(&of(user_of(&neo), role)).bearer(&neo.access).send().await.expect(200);
        assert_eq!(shown.json(), json!({ "assigned": false, "expires_at": null }));
    }
}

#[tokio::test]
async fn a_holder_of_every_permission_grants_every_role() {
    let app = TestApp::start().await;
    let neo = user_of(&app.client.new_user("neo@example.org").await);
    make_role(&app, "subscriber", &["films:watch"], &[]).await;
    let manager = holder(&app, "manager@example.org", &["*"]).await.access;
    app.client.put(&of(neo, "subscriber")).bearer(&manager).send().await.expect(201);
}

#[tokio::test]
async fn a_right_that_was_taken_while_the_request_waited_is_not_used() {
    let app = TestApp::start().await;
    let neo = user_of(&app.client.new_user("neo@example.org").await);
    make_role(&app, "subscriber", &[], &[]).await;
    let manager = holder(&app, "manager@example.org", &["roles:assign"]).await;
    assign(&app, "manager@example.org", "subscriber").await;
    let manager = refresh(&app, &manager.refresh).send().await.pair();
    let holder = crate::locks::holding(&app, "select from auth.users for update").await;

    let path = of(neo, "subscriber");
    let giving = crate::witness::beside(app.client.put(&path).bearer(&manager.access));
    crate::witness::blocked(&holder, 1).await;
    let take = "delete from auth.user_roles where role_id in
                    (select role_id from auth.role_permissions where permission = 'roles:assign')";
    crate::locks::let_go(&holder, take).await;

    giving.await.unwrap().problem(404, "not_found");
    let count: i64 =
        app.sql().await.query_one("select count(*) from auth.user_roles", &[]).await.unwrap().get(0);
    assert_eq!(count, 1);
}

#[tokio::test]
async fn two_users_who_act_on_each_other_do_not_block_each_other() {
    let app = TestApp::start().await;
    make_role(&app, "subscriber", &[], &[]).await;
    let (one, other) = (superuser(&app).await, superuser(&app).await);
    for _ in 0..10 {
        let (a, b) = (of(user_of(&one), "subscriber"), of(user_of(&other), "subscriber"));
        let (first, second) = tokio::join!(
            app.client.put(&b).bearer(&one.access).send(),
            app.client.put(&a).bearer(&other.access).send(),
        );
        // The second caller was assigned a role, so its token is outdated: but no one waits without end.
        for reply in [first, second] {
            assert!([200, 201, 401].contains(&reply.status), "{reply:?}");
        }
        app.sql().await.batch_execute("delete from auth.user_roles").await.unwrap();
    }
}
