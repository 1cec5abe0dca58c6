//! What the API refuses to change about roles.

use serde_json::json;

use super::definitions::{change, create, of};
use crate::support::{Call, Command, TestApp};
use crate::witness::{assign, holder, make_role, refresh, superuser};

#[tokio::test]
async fn only_the_command_line_changes_a_system_role() {
    let app = TestApp::start().await;
    let root = superuser(&app).await.access;
    make_role(&app, "base", &[], &[]).await;
    app.sql().await.batch_execute("update auth.roles set is_system = true").await.unwrap();

    let reply = change(&app.client, &root, "base", &json!({ "title": "x" })).send().await;
    reply.problem(403, "system_role");
    app.client.delete(&of("base")).bearer(&root).send().await.problem(403, "system_role");
    let dry = app.client.delete(&of("base?dry_run=1")).bearer(&root).send().await;
    dry.problem(403, "system_role");
    let path = of("base/permissions/films:watch");
    app.client.put(&path).bearer(&root).send().await.problem(403, "system_role");
    app.client.delete(&path).bearer(&root).send().await.problem(403, "system_role");
}

#[tokio::test]
async fn a_role_is_protected_and_released_by_the_command_line_and_its_parents_with_it() {
    let app = TestApp::start().await;
    let root = superuser(&app).await.access;
    make_role(&app, "parent", &[], &[]).await;
    make_role(&app, "base", &[], &["parent"]).await;
    let say = async |what: &str, role: &str| Command::new(&app.vars, &["roles", what, role]).run().await;

    say("protect", "base").await.succeeded();
    for role in ["base", "parent"] {
        app.client.delete(&of(role)).bearer(&root).send().await.problem(403, "system_role");
    }
    say("release", "base").await.succeeded();
    app.client.delete(&of("parent")).bearer(&root).send().await.expect(204);
    app.client.delete(&of("base")).bearer(&root).send().await.expect(204);
    let ended = say("protect", "base").await;
    assert!(ended.code == 1 && ended.err.contains("does not exist"), "{ended:?}");
}

#[tokio::test]
async fn a_rename_that_a_header_would_not_take_is_refused() {
    let app = TestApp::start().await;
    let root = superuser(&app).await.access;
    app.client.register("neo@example.org").await.expect(201);
    make_role(&app, "a", &[], &[]).await;
    assign(&app, "neo@example.org", "a").await;
    let fill = "with made as (
                    insert into auth.roles (id, name)
                    select gen_random_uuid(), 'role-' || lpad(n::text, 27, '0') from generate_series(1, 61) n
                    returning id
                )
                insert into auth.user_roles (user_id, role_id)
                select u.id, made.id from auth.users u, made where u.email_key = 'neo@example.org'";
    app.sql().await.batch_execute(fill).await.unwrap();

    let longer = json!({ "name": "a".repeat(32) });
    change(&app.client, &root, "a", &json!({ "name": "ab" })).send().await.expect(200);
    let reply = change(&app.client, &root, "ab", &longer).send().await;
    assert!(reply.status == 200, "{reply:?}");
    app.sql().await.batch_execute("update auth.roles set name = 'b' where name like 'aaa%'").await.unwrap();
    let one_more =
        "with made as (insert into auth.roles (id, name) values (gen_random_uuid(), 'cde') returning id)
                    insert into auth.user_roles (user_id, role_id)
                    select u.id, made.id from auth.users u, made where u.email_key = 'neo@example.org'";
    app.sql().await.batch_execute(one_more).await.unwrap();
    let too_long = json!({ "name": "b".repeat(32) });
    change(&app.client, &root, "b", &too_long).send().await.problem(409, "limit_reached");
    app.client.get(&of("b")).bearer(&root).send().await.expect(200);
}

#[tokio::test]
async fn a_role_gets_only_permissions_that_the_operator_holds() {
    let app = TestApp::start().await;
    make_role(&app, "guarded", &[], &[]).await;
    make_role(&app, "watching", &["films:watch"], &[]).await;
    let writer = holder(&app, "writer@example.org", &["roles:write", "films:watch"]).await;
    assign(&app, "writer@example.org", "watching").await;
    let writer = refresh(&app, &writer.refresh).send().await.pair().access;
    let client = &app.client;
    let escalates = async |call: Call| call.send().await.problem(403, "privilege_escalation");

    create(client, &writer, &json!({ "name": "a", "permissions": ["films:watch"] })).send().await.expect(201);
    create(client, &writer, &json!({ "name": "b", "inherits": ["watching"] })).send().await.expect(201);
    for body in [
        json!({ "name": "c", "permissions": ["films:*"] }),
        json!({ "name": "c", "permissions": ["*"] }),
        json!({ "name": "c", "permissions": ["films:watch", "users:read"] }),
        json!({ "name": "c", "inherits": ["guarded"] }),
    ] {
        escalates(create(client, &writer, &body)).await;
    }
    escalates(change(client, &writer, "a", &json!({ "permissions": ["films:rate"] }))).await;
    escalates(change(client, &writer, "a", &json!({ "inherits": ["guarded"] }))).await;
    // A location may require any name.
    escalates(change(client, &writer, "guarded", &json!({ "name": "mine" }))).await;
    escalates(change(client, &writer, "watching", &json!({ "name": "mine" }))).await;
    escalates(client.put(&of("a/permissions/roles:assign")).bearer(&writer)).await;
    // Another role may lose an inherited permission: made the role's own, it counts as new.
    make_role(&app, "parent", &["films:rate"], &[]).await;
    make_role(&app, "heir", &[], &["parent"]).await;
    escalates(client.put(&of("heir/permissions/films:rate")).bearer(&writer)).await;
    escalates(change(client, &writer, "heir", &json!({ "permissions": ["films:rate"], "inherits": [] })))
        .await;
    // Removing a permission grants nothing.
    change(client, &writer, "a", &json!({ "permissions": [] })).send().await.expect(200);
    client.delete(&of("guarded")).bearer(&writer).send().await.expect(204);
}

#[tokio::test]
async fn there_are_bounds() {
    let app = TestApp::start().await;
    let root = superuser(&app).await.access;
    let permissions = |count: usize| (0..count).map(|n| format!("films:p{n}")).collect::<Vec<_>>();
    let body = json!({ "name": "a", "permissions": permissions(200) });
    create(&app.client, &root, &body).send().await.expect(201);
    app.client.put(&of("a/permissions/one:more")).bearer(&root).send().await.problem(409, "limit_reached");
    let many = json!({ "name": "b", "permissions": permissions(201) });
    create(&app.client, &root, &many).send().await.problem(422, "validation_failed");

    let fill = "insert into auth.roles (id, name) select gen_random_uuid(), 'n-' || n from generate_series(1, 499) n";
    app.sql().await.batch_execute(fill).await.unwrap();
    create(&app.client, &root, &json!({ "name": "b" })).send().await.problem(409, "limit_reached");
    let parents: Vec<_> = (1..=33).map(|n| format!("n-{n}")).collect();
    change(&app.client, &root, "a", &json!({ "inherits": parents }))
        .send()
        .await
        .problem(422, "validation_failed");
}
