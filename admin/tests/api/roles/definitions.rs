//! Creating, changing and deleting roles through the API.

use serde_json::{Value, json};
use shared::role::RoleName;

use crate::support::{Call, Client, TestApp, until};
use crate::witness::{assign, items_of, make_role, refresh, roles_of, standing, superuser, text_of, user_of};

pub(super) const ROLES: &str = "/api/v1/roles";

pub(super) fn of(role: &str) -> String {
    format!("{ROLES}/{role}")
}

pub(super) fn create(client: &Client, token: &str, body: &Value) -> Call {
    client.post(ROLES).bearer(token).json(body)
}

pub(super) fn change(client: &Client, token: &str, role: &str, body: &Value) -> Call {
    client.patch(&of(role)).bearer(token).json(body)
}

#[tokio::test]
async fn a_role_is_made_shown_changed_and_deleted() {
    let app = TestApp::start().await;
    let root = superuser(&app).await.access;
    let client = &app.client;
    let body = json!({ "name": "premium", "title": "Premium", "permissions": ["films:*", "films:*"] });

    let made = create(client, &root, &body).send().await.expect(201);
    let role = made.json();
    assert_eq!(made.header("location"), of(&text_of(&role, "role_id")));
    assert_eq!(role["permissions"], json!(["films:*"]));
    assert_eq!((&role["is_system"], &role["description"]), (&json!(false), &Value::Null));

    for name in ["premium", &text_of(&role, "role_id")] {
        let shown = client.get(&of(name)).bearer(&root).send().await.expect(200);
        assert_eq!(shown.json(), role);
        assert_eq!(shown.header("etag"), made.header("etag"));
    }
    let listed = client.get(ROLES).bearer(&root).send().await.expect(200).json();
    assert_eq!(items_of(&listed), std::slice::from_ref(&role));

    let patch =
        json!({ "title": null, "description": "Everything.\nAlways.", "permissions": ["films:watch"] });
    let changed = change(client, &root, "premium", &patch).send().await.expect(200);
    assert_eq!(changed.json()["title"], Value::Null);
    assert_eq!(changed.json()["permissions"], json!(["films:watch"]));
    assert_ne!(changed.header("etag"), made.header("etag"));

    client.delete(&of("premium")).bearer(&root).send().await.expect(204);
    client.get(&of("premium")).bearer(&root).send().await.problem(404, "not_found");
    client.delete(&of("premium")).bearer(&root).send().await.problem(404, "not_found");
}

#[tokio::test]
async fn a_change_without_effect_creates_no_new_version() {
    let app = TestApp::start().await;
    let root = superuser(&app).await.access;
    make_role(&app, "premium", &["films:watch"], &[]).await;
    let before = app.client.get(&of("premium")).bearer(&root).send().await.expect(200);

    let same = json!({ "name": "premium", "permissions": ["films:watch"], "title": null });
    let after = change(&app.client, &root, "premium", &same).send().await.expect(200);
    let put = app.client.put(&of("premium/permissions/films:watch")).bearer(&root).send().await.expect(200);

    assert_eq!(before.header("etag"), after.header("etag"));
    assert_eq!(before.header("etag"), put.header("etag"));
}

#[tokio::test]
async fn a_change_made_for_another_version_is_refused() {
    let app = TestApp::start().await;
    let root = superuser(&app).await.access;
    make_role(&app, "premium", &[], &[]).await;
    let first = app.client.get(&of("premium")).bearer(&root).send().await;
    let first = first.header("etag");
    let title = |title: &str| json!({ "title": title });
    let changed = change(&app.client, &root, "premium", &title("A")).header("if-match", first).send().await;
    let second = changed.expect(200);

    let stale = change(&app.client, &root, "premium", &title("B")).header("if-match", first).send().await;
    stale.problem(412, "precondition_failed");
    for path in ["premium", "premium?dry_run=1"] {
        let stale = app.client.delete(&of(path)).bearer(&root).header("if-match", first).send().await;
        stale.problem(412, "precondition_failed");
    }
    let path = of("premium/permissions/films:watch");
    let stale = app.client.put(&path).bearer(&root).header("if-match", first).send().await;
    stale.problem(412, "precondition_failed");
    let shown = app.client.get(&of("premium")).bearer(&root).send().await;
    assert_eq!(shown.json()["title"], "A");
    let current = second.header("etag");
    app.client.delete(&of("premium")).bearer(&root).header("if-match", current).send().await.expect(204);
}

#[tokio::test]
async fn single_permissions_are_given_and_taken_and_again() {
    let app = TestApp::start().await;
    let root = superuser(&app).await.access;
    make_role(&app, "premium", &[], &[]).await;
    for (text, path) in [("films:*", "films%3A%2a"), ("*", "*"), ("films:watch", "films:watch")] {
        let path = of(&format!("premium/permissions/{path}"));
        app.client.get(&path).bearer(&root).send().await.problem(404, "not_found");
        for status in [201, 200] {
            let put = app.client.put(&path).bearer(&root).send().await.expect(status);
            assert_eq!(put.json(), json!({ "permission": text }));
        }
        assert_eq!(app.client.get(&path).bearer(&root).send().await.expect(200).json()["permission"], text);
        for _ in 0..2 {
            app.client.delete(&path).bearer(&root).send().await.expect(204);
        }
        app.client.get(&path).bearer(&root).send().await.problem(404, "not_found");
    }
    for bad in ["films", "films:", "Films:watch", "films%253Awatch", "%00"] {
        let path = of(&format!("premium/permissions/{bad}"));
        app.client.put(&path).bearer(&root).send().await.problem(404, "not_found");
    }
}

#[tokio::test]
async fn permissions_of_roles_are_listed_with_those_that_admin_checks() {
    let app = TestApp::start().await;
    let root = superuser(&app).await.access;
    make_role(&app, "a", &["films:watch", "roles:read"], &[]).await;
    make_role(&app, "b", &["films:watch"], &[]).await;

    let list = app.client.get("/api/v1/permissions").bearer(&root).send().await.expect(200).json();

    let find = |text: &str| items_of(&list).into_iter().find(|item| item["permission"] == text).unwrap();
    assert_eq!(find("films:watch")["roles"], json!(["a", "b"]));
    assert_eq!(find("films:watch")["description"], Value::Null);
    assert_eq!(find("roles:read")["roles"], json!(["a"]));
    assert!(find("roles:read")["description"].is_string());
    assert_eq!(find("audit:read")["roles"], json!([]));
}

#[tokio::test]
async fn inheritance_has_no_circle() {
    let app = TestApp::start().await;
    let root = superuser(&app).await.access;
    make_role(&app, "a", &[], &[]).await;
    make_role(&app, "b", &[], &["a"]).await;
    make_role(&app, "c", &[], &["b"]).await;

    for parent in ["a", "b", "c"] {
        let reply = change(&app.client, &root, "a", &json!({ "inherits": [parent] })).send().await;
        reply.problem(422, "role_cycle");
    }
    change(&app.client, &root, "c", &json!({ "inherits": ["a", "b"] })).send().await.expect(200);
}

#[tokio::test]
async fn two_changes_at_once_cannot_close_a_circle_together() {
    let app = TestApp::start().await;
    let root = superuser(&app).await.access;
    make_role(&app, "a", &[], &[]).await;
    make_role(&app, "b", &[], &[]).await;
    for _ in 0..10 {
        let (to_b, to_a) = (json!({ "inherits": ["b"] }), json!({ "inherits": ["a"] }));
        let (one, other) = tokio::join!(
            change(&app.client, &root, "a", &to_b).send(),
            change(&app.client, &root, "b", &to_a).send(),
        );
        let mut statuses = [one.status, other.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 422], "{one:?} {other:?}");
        for role in ["a", "b"] {
            change(&app.client, &root, role, &json!({ "inherits": [] })).send().await.expect(200);
        }
    }
}

#[tokio::test]
async fn an_invalid_role_names_the_field() {
    let app = TestApp::start().await;
    let root = superuser(&app).await.access;
    let fields = async |body: Value| {
        let problem = create(&app.client, &root, &body).send().await.problem(422, "validation_failed");
        let errors = problem["errors"].as_array().unwrap().clone();
        errors.iter().map(|error| text_of(error, "field")).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(fields(json!({ "name": "Premium" })).await, "name");
    assert_eq!(fields(json!({ "name": "a", "title": "" })).await, "title");
    assert_eq!(fields(json!({ "name": "a", "description": "\u{7}" })).await, "description");
    let bad = json!({ "name": "a", "permissions": ["films:watch", "films"], "inherits": ["A"] });
    assert_eq!(fields(bad).await, "inherits[0] permissions[1]");
    assert_eq!(fields(json!({ "name": "a", "inherits": ["b"] })).await, "inherits");
    for name in ["is_superuser", "roles", "user_id", "is_system", "role_id"] {
        assert_eq!(fields(json!({ "name": "a", name: true })).await, name);
    }
    make_role(&app, "a", &[], &[]).await;
    let reply = change(&app.client, &root, "a", &json!({ "name": null })).send().await;
    reply.problem(422, "validation_failed");
    for name in ["is_superuser", "roles", "user_id", "is_system", "role_id"] {
        let reply = change(&app.client, &root, "a", &json!({ name: true })).send().await;
        assert_eq!(reply.problem(422, "validation_failed")["errors"][0]["field"], name);
    }
}

#[tokio::test]
async fn a_name_is_used_once_and_not_again_while_tokens_carry_it() {
    let app = TestApp::start().await;
    let root = superuser(&app).await.access;
    let body = |name: &str| json!({ "name": name });
    create(&app.client, &root, &body("a")).send().await.expect(201);
    create(&app.client, &root, &body("a")).send().await.problem(409, "role_exists");
    create(&app.client, &root, &body("b")).send().await.expect(201);
    change(&app.client, &root, "b", &body("a")).send().await.problem(409, "role_exists");
    change(&app.client, &root, "b", &body("c")).send().await.expect(200);
    app.client.delete(&of("a")).bearer(&root).send().await.expect(204);

    for gone in ["a", "b"] {
        create(&app.client, &root, &body(gone)).send().await.problem(409, "role_name_retired");
    }
    change(&app.client, &root, "c", &body("a")).send().await.problem(409, "role_name_retired");
    // Its own former name can only mean this role.
    change(&app.client, &root, "c", &body("b")).send().await.expect(200);
    create(&app.client, &root, &body("b")).send().await.problem(409, "role_exists");
    create(&app.client, &root, &body("c")).send().await.problem(409, "role_name_retired");
    let sql = app.sql().await;
    let kept = "select extract(epoch from min(until) - clock_timestamp())::float8 as kept from auth.retired_role_names";
    let kept: f64 = sql.query_one(kept, &[]).await.unwrap().get("kept");
    assert!((15.0 * 60.0..=20.0 * 60.0).contains(&kept), "{kept}");
    sql.batch_execute("update auth.retired_role_names set until = clock_timestamp()").await.unwrap();
    create(&app.client, &root, &body("a")).send().await.expect(201);
}

#[tokio::test]
async fn a_new_name_leaves_the_tokens_of_its_holders_and_is_in_the_next_ones() {
    let app = TestApp::start().await;
    let root = superuser(&app).await.access;
    let neo = app.client.new_user("neo@example.org").await;
    assign(&app, "neo@example.org", "subscriber").await;
    let neo = refresh(&app, &neo.refresh).send().await.pair();

    change(&app.client, &root, "subscriber", &json!({ "name": "viewer" })).send().await.expect(200);

    standing(&app, &neo.access).await;
    let next = refresh(&app, &neo.refresh).send().await.pair();
    assert_eq!(roles_of(&next.access), ["viewer"]);
    let published = until("the map has both names", async || {
        let (_, published) = app.log.role_map().await?;
        let names: Vec<_> = published.map.iter().map(|(name, _)| name.as_str().to_owned()).collect();
        (names == ["subscriber", "viewer"]).then_some(published)
    })
    .await;
    let former = published.map.get(&"subscriber".parse().unwrap()).unwrap();
    assert!(former.permissions.is_empty());
    assert_eq!(former.inherits.iter().map(RoleName::as_str).collect::<Vec<_>>(), ["viewer"]);

    // Once no token can carry the former name, it is available, and means its new role alone.
    app.sql()
        .await
        .batch_execute("update auth.retired_role_names set until = clock_timestamp()")
        .await
        .unwrap();
    create(&app.client, &root, &json!({ "name": "subscriber" })).send().await.expect(201);
    until("the map has the new role", async || {
        let (_, published) = app.log.role_map().await?;
        published
            .map
            .get(&"subscriber".parse().unwrap())
            .is_some_and(|role| role.inherits.is_empty())
            .then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_role_with_very_many_holders_is_renamed_at_once() {
    let app = TestApp::start().await;
    let root = superuser(&app).await.access;
    make_role(&app, "a", &[], &[]).await;
    let many = "with made as (
                    insert into auth.users (id, login, login_key)
                    select gen_random_uuid(), 'user-' || n, 'user-' || n from generate_series(1, 10001) n
                    returning id
                )
                insert into auth.user_roles (user_id, role_id)
                select made.id, r.id from made cross join auth.roles r where r.name = 'a'";
    app.sql().await.batch_execute(many).await.unwrap();
    change(&app.client, &root, "a", &json!({ "name": "a-longer-name" })).send().await.expect(200);
    let generations =
        "select count(*) from auth.users where token_generation > 1 and login_key like 'user-%'";
    let changed: i64 = app.sql().await.query_one(generations, &[]).await.unwrap().get(0);
    assert_eq!(changed, 0, "no holder is touched");
    let roles = "insert into auth.roles (id, name) select gen_random_uuid(), 'role-' || n from generate_series(1, 62) n";
    app.sql().await.batch_execute(roles).await.unwrap();
    let longest = json!({ "name": "a".repeat(32) });
    change(&app.client, &root, "a-longer-name", &longest).send().await.problem(409, "limit_reached");
    change(&app.client, &root, "a-longer-name", &json!({ "name": "short" })).send().await.expect(200);
}

#[tokio::test]
async fn deleting_or_narrowing_a_role_revokes_no_token() {
    let app = TestApp::start().await;
    let root = superuser(&app).await.access;
    let neo = app.client.new_user("neo@example.org").await;
    make_role(&app, "subscriber", &["films:watch"], &[]).await;
    assign(&app, "neo@example.org", "subscriber").await;
    let neo = refresh(&app, &neo.refresh).send().await.pair();

    change(&app.client, &root, "subscriber", &json!({ "permissions": [] })).send().await.expect(200);
    standing(&app, &neo.access).await;
    app.client.delete(&of("subscriber")).bearer(&root).send().await.expect(204);

    standing(&app, &neo.access).await;
    let me = app.client.get("/api/v1/me").bearer(&neo.access).send().await.expect(200).json();
    assert_eq!(me["roles"], json!([]));
}

#[tokio::test]
async fn a_dry_run_lists_the_users_and_their_losses_and_changes_nothing() {
    let app = TestApp::start().await;
    let root = superuser(&app).await.access;
    make_role(&app, "viewer", &["films:list"], &[]).await;
    make_role(&app, "subscriber", &["films:watch", "films:rate"], &["viewer"]).await;
    make_role(&app, "premium", &["films:download"], &["subscriber"]).await;
    make_role(&app, "critic", &["films:rate"], &[]).await;
    let mut people = Vec::new();
    for (email, roles) in [
        ("neo@example.org", &["subscriber"][..]),
        ("trinity@example.org", &["premium", "critic"]),
        ("morpheus@example.org", &["viewer"]),
    ] {
        people.push(user_of(&app.client.new_user(email).await).to_string());
        for role in roles {
            assign(&app, email, role).await;
        }
    }
    let path = of("subscriber?dry_run=1");

    let told = app.client.delete(&path).bearer(&root).send().await.expect(200).json();

    assert_eq!(told["people"], 2);
    assert_eq!(told["inherited_by"], json!(["premium"]));
    let neo = json!({ "user_id": people[0], "roles": ["subscriber", "viewer"],
                      "permissions": ["films:list", "films:rate", "films:watch"] });
    let trinity = json!({ "user_id": people[1], "roles": ["subscriber", "viewer"],
                          "permissions": ["films:list", "films:watch"] });
    assert_eq!(items_of(&told), [neo.clone(), trinity.clone()]);
    assert_eq!(told["next_cursor"], Value::Null);

    let first = app.client.delete(&format!("{path}&limit=1")).bearer(&root).send().await.expect(200).json();
    assert_eq!(items_of(&first), [neo]);
    let cursor = text_of(&first, "next_cursor");
    let next = app.client.delete(&format!("{path}&limit=1&cursor={cursor}")).bearer(&root).send().await;
    assert_eq!(items_of(&next.expect(200).json()), [trinity]);
    app.client.get(&of("subscriber")).bearer(&root).send().await.expect(200);
}

#[tokio::test]
async fn a_query_is_as_strict_as_a_body() {
    let app = TestApp::start().await;
    let root = superuser(&app).await.access;
    make_role(&app, "a", &[], &[]).await;
    for query in [
        "limit=5",
        "cursor=0193a1b2-7c4d-7e8f-9a0b-1c2d3e4f5a6b",
        "dry_run=0&limit=1",
        "dry_run=yes",
        "dry_run=1&dry_run=0",
        "dryrun=1",
        "dry_run=1&limit=0",
        "dry_run=1&cursor=x",
    ] {
        let reply = app.client.delete(&of(&format!("a?{query}"))).bearer(&root).send().await;
        reply.problem(422, "validation_failed");
    }
    app.client.get(&of("a")).bearer(&root).send().await.expect(200);
}
