//! Names that others see, names that look alike, and addresses in every spelling.

use serde_json::{Value, json};

use crate::support::{Command, PASSWORD, Reply, TestApp};
use crate::witness::{sign_in, standing};

async fn register(app: &TestApp, login: &str) -> Reply {
    let body =
        json!({ "email": format!("{}@example.org", hex(login)), "login": login, "password": PASSWORD });
    app.client.post("/api/v1/auth/register").json(&body).send().await
}

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

fn first_code(problem: &Value) -> &str {
    problem["errors"][0]["code"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn a_login_that_looks_like_another_one_is_taken() {
    let app = TestApp::start().await;
    register(&app, "scope").await.expect(201);
    register(&app, "anna1").await.expect(201);
    for taken in ["ѕсоре", "SCOPE", "annal"] {
        register(&app, taken).await.problem(409, "login_taken");
    }
    let mixed = register(&app, "sсope").await.problem(422, "validation_failed");
    assert_eq!(first_code(&mixed), "login_mixed_scripts");
    let reserved = register(&app, "r00t").await.problem(422, "validation_failed");
    assert_eq!(first_code(&reserved), "login_reserved");
    let pair = app.client.new_user("neo@example.org").await;
    let change = json!({ "login": "ѕсоре", "current_password": PASSWORD });
    app.client
        .put("/api/v1/me/login")
        .bearer(&pair.access)
        .json(&change)
        .send()
        .await
        .problem(409, "login_taken");
}

#[tokio::test]
async fn logins_that_looked_alike_before_keep_their_owners() {
    let app = TestApp::start().await;
    for login in ["scope", "anna1"] {
        register(&app, login).await.expect(201);
    }
    let sql = app.sql().await;
    // As the previous version of this program left them.
    sql.batch_execute(
        "update auth.users set login_skeleton = null, login_skeleton_of = null, login_skeleton_unicode = null;
         insert into auth.users (id, login, login_key) values (gen_random_uuid(), 'ѕсоре', 'ѕсоре')",
    )
    .await
    .unwrap();
    let out = Command::new(&app.vars, &["migrate"]).run().await.succeeded();
    assert!(out.contains("look-alike forms of 3 login name(s)"), "{out}");
    let rows = sql
        .query(
            "select login, login_skeleton from auth.users where login_key is not null order by created_at",
            &[],
        )
        .await
        .unwrap();
    let has_skeleton: Vec<(String, bool)> =
        rows.iter().map(|row| (row.get(0), row.get::<_, Option<String>>(1).is_some())).collect();
    assert_eq!(has_skeleton.iter().filter(|(_, has)| *has).count(), 2, "{has_skeleton:?}");
    assert!(has_skeleton.contains(&("anna1".to_owned(), true)));
    register(&app, "annal").await.problem(409, "login_taken");
    let out = Command::new(&app.vars, &["migrate"]).run().await.succeeded();
    assert!(!out.contains("look-alike"), "{out}");
}

#[tokio::test]
async fn names_that_others_see_can_be_seen() {
    let app = TestApp::start().await;
    let pair = app.client.new_user("neo@example.org").await;
    for name in ["\u{202e}oeN", "\u{2800}", "N\u{200b}eo", "a\u{2028}b", "\u{3164}"] {
        for member in ["display_name", "first_name", "last_name"] {
            let patch = json!({ member: name });
            let reply = app.client.patch("/api/v1/me").bearer(&pair.access).json(&patch).send().await;
            assert_eq!(first_code(&reply.problem(422, "validation_failed")), "field_invalid", "{name:?}");
        }
        let device = json!({ "email": "neo@example.org", "password": PASSWORD, "device_name": name });
        let reply = app.client.post("/api/v1/auth/login").json(&device).send().await;
        assert_eq!(first_code(&reply.problem(422, "validation_failed")), "field_invalid", "{name:?}");
    }
    let patch = json!({ "display_name": "Jose\u{301} 👨\u{200d}👩\u{200d}👧" });
    app.client.patch("/api/v1/me").bearer(&pair.access).json(&patch).send().await.expect(200);
}

#[tokio::test]
async fn spaces_around_an_identifier_do_not_matter_but_those_of_a_password_do() {
    let app = TestApp::start().await;
    let body = json!({ "email": " neo@example.org\n", "login": " neo ", "password": PASSWORD });
    let made = app.client.post("/api/v1/auth/register").json(&body).send().await.expect(201).json();
    assert_eq!((&made["email"], &made["login"]), (&json!("neo@example.org"), &json!("neo")));
    sign_in(&app, "  neo@example.org ", PASSWORD).send().await.pair();
    sign_in(&app, "neo@example.org", &format!("{PASSWORD} "))
        .send()
        .await
        .problem(401, "invalid_credentials");
    let by_login = json!({ "login": "\tneo ", "password": PASSWORD });
    app.client.post("/api/v1/auth/login").json(&by_login).send().await.pair();
}

#[tokio::test]
async fn the_lower_case_form_of_an_account_signs_in() {
    let app = TestApp::start().await;
    for name in ["İnce", "Straße", "ΝΊΚΟΣ", "नमस्ते"] {
        let body = json!({ "email": format!("{name}@example.org"), "login": name, "password": PASSWORD });
        app.client.post("/api/v1/auth/register").json(&body).send().await.expect(201);
        let lower = name.to_lowercase();
        sign_in(&app, &format!("{lower}@example.org"), PASSWORD).send().await.pair();
        let body = json!({ "login": lower, "password": PASSWORD });
        app.client.post("/api/v1/auth/login").json(&body).send().await.pair();
    }
}

#[tokio::test]
async fn saving_what_is_already_so_changes_nothing() {
    let app = TestApp::start().await;
    let kept = app.client.new_user("neo@example.org").await;
    let login = json!({ "login": "neo", "current_password": PASSWORD });
    let kept = app.client.put("/api/v1/me/login").bearer(&kept.access).json(&login).send().await.pair();
    let other = app.client.sign_in("neo@example.org").await;
    let history = |access: String| {
        let call = app.client.get("/api/v1/me/login-history").bearer(&access);
        async move { call.send().await.expect(200).json()["items"].as_array().map(Vec::len) }
    };
    let before = history(other.access.clone()).await;

    let email = json!({ "email": "neo@example.org", "current_password": PASSWORD });
    let pair = app.client.put("/api/v1/me/email").bearer(&kept.access).json(&email).send().await.pair();
    let pair = app.client.put("/api/v1/me/login").bearer(&pair.access).json(&login).send().await.pair();

    standing(&app, &pair.access).await;
    standing(&app, &other.access).await;
    assert_eq!(history(other.access.clone()).await, before);

    let name = json!({ "first_name": "Thomas" });
    let save = || app.client.patch("/api/v1/me").bearer(&other.access).json(&name).send();
    let first = save().await.expect(200).header("etag").to_owned();
    assert_eq!(save().await.expect(200).header("etag"), first);
    let changed = json!({ "first_name": "Neo" });
    let reply = app.client.patch("/api/v1/me").bearer(&other.access).json(&changed).send().await;
    assert_ne!(reply.expect(200).header("etag"), first);
}

#[tokio::test]
async fn the_operator_sets_the_shortest_password() {
    let app = TestApp::start_with(&[("ADMIN_PASSWORD_MIN", "16")]).await;
    let register = |password: &str| {
        let body = json!({ "email": "neo@example.org", "password": password });
        app.client.post("/api/v1/auth/register").json(&body).send()
    };
    let problem = register("vM7#qLx2!kP0wQz").await.problem(422, "password_weak");
    assert_eq!(first_code(&problem), "password_too_short");
    register("vM7#qLx2!kP0wQzR").await.expect(201);
    let made =
        Command::new(&app.vars, &["superuser", "create", "boss@example.org"]).input("vM7#qLx2!kP0wQz").run();
    assert!(made.await.err.contains("at least 16 characters"));
    let vars = [("ADMIN_PASSWORD_MIN", "7".to_owned())];
    let mut all = app.vars.clone();
    all.extend(vars);
    assert_eq!(Command::new(&all, &["keys", "list"]).run().await.code, 64);
}
