//! Rank: no user acts on another one, or changes a role, that has a permission of this service which they lack.

use reqwest::Method;
use serde_json::json;

use super::rights::{Case, Scene, cases, with_mail};
use crate::support::TestApp;
use crate::witness::{assign, holder, make_role, refresh, superuser, user_of};

/// What an operator of support holds.
const SUPPORT: [&str; 6] =
    ["users:write", "users:recover", "users:export", "users:erase", "sessions:end", "roles:assign"];

/// The calls that act on a user, except those of superusers, in an order in which each can be made once.
fn acts() -> Vec<Case> {
    let is_act = |case: &Case| case.is_upon && case.method != Method::GET && case.right.is_some();
    cases().into_iter().filter(is_act).collect()
}

/// The access token of a user with these permissions and the role of the scene, which the calls assign.
async fn operator(scene: &Scene, name: &str, permissions: &[&str]) -> String {
    let email = format!("{name}@operators.test");
    let pair = holder(&scene.app, &email, permissions).await;
    assign(&scene.app, &email, &scene.role).await;
    refresh(&scene.app, &pair.refresh).send().await.pair().access
}

async fn permit(scene: &Scene, number: usize, permission: &str) {
    let role = format!("rank-{number}");
    make_role(&scene.app, &role, &[permission], &[]).await;
    let give = "insert into auth.user_roles (user_id, role_id) select $1, id from auth.roles where name = $2";
    scene.app.sql().await.execute(give, &[&scene.person, &role]).await.unwrap();
}

async fn change(scene: &Scene, set: &str) {
    let sql = format!("update auth.users set {set} where id = $1");
    scene.app.sql().await.execute(&sql, &[&scene.person]).await.unwrap();
}

#[tokio::test]
async fn no_call_acts_on_a_user_who_holds_more() {
    let app = with_mail(&[("ADMIN_RANKED_AREAS", "billing")]).await;
    let mut scene = Scene::new(app, "first").await;
    let _other = superuser(&scene.app).await;
    for (number, permission) in
        ["*", "users:read", "users:*", "audit:read", "billing:refund"].into_iter().enumerate()
    {
        scene = Scene::new(scene.app, &format!("p{number}")).await;
        permit(&scene, number, permission).await;
        let support = operator(&scene, &format!("o{number}"), &SUPPORT).await;
        for is_disabled in [false, true] {
            if is_disabled {
                change(&scene, "status = 'disabled'").await;
            }
            for case in acts() {
                let problem = scene.call(&case, Some(&support)).await.problem(403, "forbidden");
                let detail = problem["detail"].as_str().unwrap();
                assert!(!detail.contains(permission), "{permission} {} {}", case.method, case.route);
            }
        }
    }
    for (number, status) in ["active", "disabled"].into_iter().enumerate() {
        scene = Scene::new(scene.app, &format!("s{number}")).await;
        change(&scene, &format!("is_superuser = true, status = '{status}'")).await;
        let mut all = SUPPORT.to_vec();
        all.push("*");
        let support = operator(&scene, &format!("x{number}"), &all).await;
        for case in acts() {
            scene.call(&case, Some(&support)).await.problem(403, "forbidden");
        }
    }
}

#[tokio::test]
async fn support_helps_subscribers_and_equals() {
    let app = with_mail(&[("ADMIN_RANKED_AREAS", "billing")]).await;
    let mut scene = Scene::new(app, "first").await;
    for (number, permission) in ["films:*", "users:unknown", "users:write"].into_iter().enumerate() {
        scene = Scene::new(scene.app, &format!("p{number}")).await;
        permit(&scene, number, permission).await;
        let support = operator(&scene, &format!("o{number}"), &SUPPORT).await;
        for case in acts() {
            // An operator gets no link by mail at an address that was never verified.
            change(&scene, "verified_email_key = email_key").await;
            let reply = scene.call(&case, Some(&support)).await;
            // Rights are not moved by a merge.
            if case.route.ends_with("/merge") && permission == "users:write" {
                reply.problem(403, "forbidden");
                continue;
            }
            assert!(
                (200..300).contains(&reply.status),
                "{permission} {} {}: {reply:?}",
                case.method,
                case.route
            );
        }
    }
}

#[tokio::test]
async fn nobody_disables_their_own_account() {
    let app = TestApp::start().await;
    let (root, _other) = (superuser(&app).await, superuser(&app).await);
    let support = holder(&app, "support@example.org", &SUPPORT).await;
    for pair in [&root, &support] {
        let path = format!("/api/v1/admin/users/{}/disable", user_of(pair));
        app.client.post(&path).bearer(&pair.access).send().await.problem(403, "forbidden");
        app.client.get("/api/v1/me").bearer(&pair.access).send().await.expect(200);
    }
}

#[tokio::test]
async fn a_role_with_a_permission_of_this_service_is_changed_only_by_its_holders() {
    let app = with_mail(&[("ADMIN_RANKED_AREAS", "billing")]).await;
    make_role(&app, "direct", &["users:write", "films:watch"], &[]).await;
    make_role(&app, "heir", &["films:watch"], &["direct"]).await;
    make_role(&app, "cashier", &["billing:refund", "films:watch"], &[]).await;
    let writer = holder(&app, "writer@example.org", &["roles:write", "films:watch"]).await.access;
    let equal =
        holder(&app, "equal@example.org", &["roles:write", "users:write", "billing:*", "films:watch"])
            .await
            .access;
    let calls = async |role: &str, access: &str| {
        let path = format!("/api/v1/roles/{role}");
        let permission = format!("{path}/permissions/films:watch");
        let patch = json!({ "title": "T" });
        let mut replies = vec![app.client.patch(&path).bearer(access).json(&patch).send().await];
        replies.push(app.client.delete(&permission).bearer(access).send().await);
        replies.push(app.client.put(&permission).bearer(access).send().await);
        replies.push(app.client.delete(&path).bearer(access).send().await);
        replies
    };
    for role in ["heir", "direct", "cashier"] {
        for reply in calls(role, &writer).await {
            reply.problem(403, "forbidden");
        }
        for reply in calls(role, &equal).await {
            assert!((200..300).contains(&reply.status), "{role}: {reply:?}");
        }
    }
}

/// A thief of a fresh token could otherwise lift the limits of the owner's account.
#[tokio::test]
async fn nobody_changes_their_own_account_as_an_operator() {
    let app = TestApp::start().await;
    let (root, _second) = (superuser(&app).await, superuser(&app).await);
    let own = |path: &str| format!("/api/v1/admin/users/{}{path}", user_of(&root));
    for path in ["/disable", "/enable", "/unlock", "/evict", "/logout-all", "/send-reset"] {
        let call = app.client.post(&own(path)).bearer(&root.access).json(&json!({ "reason": "x" }));
        let call =
            if path == "/send-reset" { call } else { app.client.post(&own(path)).bearer(&root.access) };
        call.send().await.problem(403, "forbidden");
    }
    let body = json!({ "email": "other@example.org", "reason": "x" });
    app.client.put(&own("/email")).bearer(&root.access).json(&body).send().await.problem(403, "forbidden");
    app.client.delete(&own("/superuser")).bearer(&root.access).send().await.problem(403, "forbidden");
    app.client.put(&own("/superuser")).bearer(&root.access).send().await.problem(403, "forbidden");
}
