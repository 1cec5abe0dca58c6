//! Names are in the order of their bytes, whatever the collation of the database: sidecars refuse a token whose roles have
//! another order.

use serde_json::{Value, json};

use crate::support::TestApp;
use crate::witness::{assign, items_of, make_role, roles_of, standing, superuser, user_of};

/// In the order of bytes. The collation of a language has `a_1` first.
const NAMES: [&str; 3] = ["a-1", "a1", "a_1"];

/// An initdb with the provider ICU gives every column such a collation. Triggers do not allow to change a column that they
/// name.
const COLLATE: &str = "do $$ declare one record; begin
        for one in select tgname, tgrelid::regclass as of from pg_trigger
                   where tgrelid in ('auth.roles'::regclass, 'auth.role_permissions'::regclass) and not tgisinternal loop
            execute format('drop trigger %I on %s', one.tgname, one.of);
        end loop; end $$;
    alter table auth.roles alter column name type text collate \"en-x-icu\";
    alter table auth.role_permissions alter column permission type text collate \"en-x-icu\"";

/// A service whose database sorts names as a language does, with roles of these names.
async fn start() -> TestApp {
    let app = TestApp::start().await;
    let sql = app.sql().await;
    sql.batch_execute(COLLATE).await.unwrap();
    for name in NAMES {
        make_role(&app, name, &["films:watch"], &[]).await;
    }
    let sorted = "select array_agg(name order by name) from auth.roles where name = any($1)";
    let sorted: Vec<String> = sql.query_one(sorted, &[&&NAMES[..]]).await.unwrap().get(0);
    assert_ne!(sorted, NAMES, "the database sorts otherwise");
    app
}

/// The members `name` of the items of a list that are one of [`NAMES`].
fn named(list: &Value, name: &str) -> Vec<String> {
    let names = items_of(list).into_iter().map(|item| item[name].as_str().unwrap().to_owned());
    names.filter(|name| NAMES.contains(&name.as_str())).collect()
}

#[tokio::test]
async fn the_roles_in_a_token_are_in_the_order_of_their_bytes() {
    let app = start().await;
    app.client.register("neo@example.org").await.expect(201);
    for name in ["a1", "a_1", "a-1"] {
        assign(&app, "neo@example.org", name).await;
    }
    let pair = app.client.sign_in("neo@example.org").await;
    assert_eq!(roles_of(&pair.access), NAMES);
    standing(&app, &pair.access).await;
}

#[tokio::test]
async fn lists_of_names_are_in_the_order_of_their_bytes() {
    let app = start().await;
    let permissions = ["films:a-1", "films:a1", "films:a_1"];
    make_role(&app, "heir", &permissions, &NAMES).await;
    let root = superuser(&app).await;
    app.client.register("neo@example.org").await.expect(201);
    for name in NAMES {
        assign(&app, "neo@example.org", name).await;
    }
    let neo = app.client.sign_in("neo@example.org").await;
    let ask = async |path: &str| app.client.get(path).bearer(&root.access).send().await.expect(200).json();

    assert_eq!(named(&ask("/api/v1/roles").await, "name"), NAMES);
    let heir = ask("/api/v1/roles/heir").await;
    assert_eq!((&heir["permissions"], &heir["inherits"]), (&json!(permissions), &json!(NAMES)));
    let user = user_of(&neo);
    assert_eq!(named(&ask(&format!("/api/v1/users/{user}/roles")).await, "role"), NAMES);
    let me = app.client.get("/api/v1/me").bearer(&neo.access).send().await.expect(200).json();
    let own: Vec<&Value> = me["roles"].as_array().unwrap().iter().map(|role| &role["name"]).collect();
    assert_eq!(json!(own), json!(NAMES));
}
