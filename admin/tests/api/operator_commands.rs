//! The commands of operators that do what their API does.

use serde_json::Value;

use crate::support::{Command, PASSWORD, TestApp, Vars};
use crate::witness::{alive, dead, sign_in, superuser, user_of};

const NEO: &str = "neo@example.org";

async fn run(app: &TestApp, args: &[&str]) -> String {
    Command::new(&app.vars, args).run().await.succeeded()
}

/// The JSON objects that a command prints.
async fn json(app: &TestApp, args: &[&str]) -> Vec<Value> {
    let out = run(app, &[args, &["--json"]].concat()).await;
    out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn users_are_found_shown_disabled_enabled_and_signed_out() {
    let app = TestApp::start().await;
    let pair = app.client.new_user(NEO).await;
    let found = json(&app, &["users", "find", "neo"]).await;
    assert_eq!((found.len(), &found[0]["email"]), (1, &Value::from(NEO)));
    let shown = run(&app, &["users", "find", "NEO"]).await;
    assert!(shown.starts_with("ID ") && shown.contains(NEO) && shown.contains("active"), "{shown}");
    assert_eq!(json(&app, &["users", "find", "trinity"]).await, Vec::<Value>::new());
    let shown = json(&app, &["users", "show", NEO]).await.remove(0);
    assert_eq!(shown["sessions"]["items"][0]["session_id"], Value::from(pair.session.to_string()));

    run(&app, &["users", "disable", NEO]).await;
    dead(&app, &pair.access).await;
    sign_in(&app, NEO, PASSWORD).send().await.problem(401, "invalid_credentials");
    run(&app, &["users", "enable", NEO]).await;
    let pair = app.client.sign_in(NEO).await;
    run(&app, &["users", "sign-out", NEO]).await;
    dead(&app, &pair.access).await;

    let (one, other) = (app.client.sign_in(NEO).await, app.client.sign_in(NEO).await);
    let listed = json(&app, &["sessions", "list", NEO]).await;
    let known: Vec<_> = listed.iter().map(|session| session["session_id"].clone()).collect();
    assert!(known.contains(&Value::from(one.session.to_string())), "{listed:?}");
    let listed = run(&app, &["sessions", "list", NEO]).await;
    assert!(listed.starts_with("SESSION") && listed.contains(&other.session.to_string()), "{listed}");
    run(&app, &["sessions", "end", NEO, &one.session.to_string()]).await;
    dead(&app, &one.access).await;
    alive(&app, &other.access).await;

    let unknown = Command::new(&app.vars, &["users", "disable", "trinity"]).run().await;
    assert!(unknown.code == 1 && unknown.err.contains("no user has this"), "{unknown:?}");
    let actions: Vec<_> = json(&app, &["audit", "list", "--target", &user_of(&pair).to_string()]).await;
    let actions: Vec<_> = actions.iter().map(|entry| entry["action"].as_str().unwrap()).collect();
    assert!(
        ["session_ended", "sessions_ended", "user_enabled", "user_disabled"]
            .iter()
            .all(|it| actions.contains(it)),
        "{actions:?}"
    );
    assert_eq!(json(&app, &["audit", "list", "--user", NEO]).await.len(), actions.len());
    let table = run(&app, &["audit", "list", "--action", "user_disabled"]).await;
    assert!(table.lines().count() == 2 && table.contains("command"), "{table}");
}

#[tokio::test]
async fn superusers_are_listed_made_and_unmade_but_never_the_last_one() {
    let app = TestApp::start().await;
    superuser(&app).await;
    app.client.register(NEO).await.expect(201);
    run(&app, &["superuser", "grant", NEO]).await;
    assert_eq!(json(&app, &["superuser", "list"]).await.len(), 2);
    run(&app, &["superuser", "revoke", NEO]).await;
    let left = json(&app, &["superuser", "list"]).await.remove(0);
    let id = left["user_id"].as_str().unwrap();
    let refused = Command::new(&app.vars, &["superuser", "revoke", id]).run().await;
    assert_eq!(refused.code, 1, "{refused:?}");
    assert_eq!(json(&app, &["superuser", "list"]).await.len(), 1);
}

#[tokio::test]
async fn roles_are_listed_changed_taken_and_deleted() {
    let app = TestApp::start().await;
    app.client.register(NEO).await.expect(201);
    run(&app, &["roles", "create", "subscriber", "--permission", "films:watch"]).await;
    run(&app, &["roles", "permit", "subscriber", "films:list"]).await;
    assert!(run(&app, &["roles", "permit", "subscriber", "films:list"]).await.contains("already"));
    run(&app, &["roles", "forbid", "subscriber", "films:watch"]).await;
    assert!(run(&app, &["roles", "forbid", "subscriber", "films:watch"]).await.contains("did not have"));
    let role = json(&app, &["roles", "list"]).await.remove(0);
    assert_eq!(json(&app, &["roles", "show", "subscriber"]).await, std::slice::from_ref(&role));
    assert!(run(&app, &["roles", "show", "subscriber"]).await.contains("films:list"));
    let unknown = Command::new(&app.vars, &["roles", "show", "viewer"]).run().await;
    assert_eq!(unknown.code, 1, "{unknown:?}");
    assert_eq!(role["permissions"], serde_json::json!(["films:list"]));
    run(&app, &["roles", "assign", NEO, "subscriber"]).await;
    run(&app, &["roles", "unassign", NEO, "subscriber"]).await;
    assert_eq!(json(&app, &["users", "show", NEO]).await[0]["roles"], serde_json::json!([]));
    run(&app, &["roles", "delete", "subscriber", "--yes"]).await;
    assert_eq!(json(&app, &["roles", "list"]).await, Vec::<Value>::new());
    let gone = Command::new(&app.vars, &["roles", "permit", "subscriber", "films:list"]).run().await;
    assert_eq!(gone.code, 1, "{gone:?}");
}

#[tokio::test]
async fn doctor_says_what_is_missing() {
    let app = TestApp::start().await;
    let well = run(&app, &["doctor"]).await;
    for check in
        ["configuration", "database", "schema", "clock", "master keys", "signing keys", "redis", "mail"]
    {
        assert!(well.contains(check), "{check}: {well}");
    }
    assert!(!well.contains("FAILED"), "{well}");
    let changed = |name, value: &str| {
        let mut vars: Vars = app.vars.clone();
        vars.insert(name, value.to_owned());
        vars
    };
    for (vars, code, says) in [
        (changed("REDIS_URL", "redis://127.0.0.1:1"), 1, "Redis cannot be used"),
        (changed("DATABASE_URL", "postgres://usher@127.0.0.1:1/usher"), 1, "PostgreSQL cannot be used"),
        (changed("ADMIN_MASTER_KEYS", "1:m1YGbnayZpMvJZfqMoxh0ikvjiudpTrf/SsjrIbUagE="), 1, "master keys"),
        (changed("ADMIN_LISTEN", "8001"), 1, "ADMIN_LISTEN"),
    ] {
        let ended = Command::new(&vars, &["doctor"]).run().await;
        assert_eq!(ended.code, code, "{ended:?}");
        assert!(ended.out.lines().any(|line| line.starts_with("FAILED") && line.contains(says)), "{ended:?}");
    }
}

#[tokio::test]
async fn the_manual_and_the_completions_need_no_configuration() {
    let none = Vars::new();
    let manual = Command::new(&none, &["manual"]).run().await.succeeded();
    assert!(manual.starts_with(".ie") || manual.contains(".TH"), "{manual}");
    assert!(manual.contains("send\\-reset"), "every command has a page");
    for shell in ["bash", "zsh", "fish"] {
        let script = Command::new(&none, &["completions", shell]).run().await.succeeded();
        assert!(script.contains("sign-out"), "{shell}");
    }
}

#[tokio::test]
async fn doctor_names_missing_partitions_and_what_the_redis_user_may_not_do() {
    let app = TestApp::start().await;
    let sql = app.sql().await;
    // The service makes the months ahead after its start.
    let made = "(auth.audit_log) has partitions for this month and the next 3.";
    let well = crate::support::until("all months are made", async || {
        let said = run(&app, &["doctor"]).await;
        said.contains(made).then_some(said)
    });
    let well = well.await;
    assert!(well.contains("The login history (auth.login_history) has partitions for this month"), "{well}");
    assert!(well.contains("Redis lets this service run its scripts."), "{well}");
    let ahead = "select c.oid::regclass::text from pg_inherits i join pg_class c on c.oid = i.inhrelid
                 where i.inhparent = 'auth.audit_log'::regclass and c.relname not like '%default'
                   and c.relname > 'audit_log_' || to_char(now() at time zone 'UTC', 'YYYY_MM')";
    for row in sql.query(ahead, &[]).await.unwrap() {
        sql.batch_execute(&format!("drop table {}", row.get::<_, String>(0))).await.unwrap();
    }
    let noted = run(&app, &["doctor"]).await;
    assert!(noted.contains("(auth.audit_log) has no partition for the next month"), "{noted}");

    let name = format!("doctor-{}", crate::support::new_id().simple());
    let mut redis = crate::support::redis_of(&app.vars["REDIS_URL"]).await;
    for (rights, says) in
        [("-publish", "PUBLISH on "), ("-@scripting", "does not let this service run scripts")]
    {
        let _: () = redis::cmd("ACL")
            .arg(&["SETUSER", &name, "on", ">secret", "~*", "&*", "+@all", rights])
            .query_async(&mut redis)
            .await
            .unwrap();
        let mut vars: Vars = app.vars.clone();
        let url = vars["REDIS_URL"].replace("redis://", &format!("redis://{name}:secret@"));
        vars.insert("REDIS_URL", url);
        let ended = Command::new(&vars, &["doctor"]).run().await;
        assert_eq!(ended.code, 1, "{ended:?}");
        assert!(ended.out.lines().any(|line| line.starts_with("FAILED") && line.contains(says)), "{ended:?}");
    }
    let _: () = redis::cmd("ACL").arg(&["DELUSER", &name]).query_async(&mut redis).await.unwrap();
}

#[tokio::test]
async fn what_commands_read_of_users_is_audited_once_an_hour() {
    let app = TestApp::start().await;
    let pair = app.client.new_user(NEO).await;
    for _ in 0..2 {
        run(&app, &["users", "show", NEO]).await;
        run(&app, &["users", "find", "neo"]).await;
        run(&app, &["superuser", "list"]).await;
    }
    let noted = "select action, target_id, texts::text || detail::text from auth.audit_log
                 where actor_kind = 'command' and actor_id is null and action in ('user_viewed', 'users_searched')
                 order by seq";
    let noted: Vec<(String, String)> =
        app.sql().await.query(noted, &[]).await.unwrap().iter().map(|row| (row.get(0), row.get(1))).collect();
    let user = user_of(&pair).to_string();
    assert_eq!(noted.len(), 2, "{noted:?}");
    assert_eq!(noted[0], ("user_viewed".to_owned(), user));
    assert_eq!(noted[1].0, "users_searched");
    // A reader with an account is noted apart.
    let root = superuser(&app).await;
    let path = format!("/api/v1/admin/users/{}", noted[0].1);
    app.client.get(&path).bearer(&root.access).send().await.expect(200);
    let views = json(&app, &["audit", "list", "--action", "user_viewed"]).await;
    assert_eq!(views.len(), 2, "{views:?}");
}

#[tokio::test]
async fn intruders_are_evicted_by_the_command_with_a_reason() {
    let app = TestApp::start().await;
    let pair = app.client.new_user(NEO).await;
    let link = "insert into auth.oauth_accounts (provider, subject, user_id, linked_rule)
                select 'github', 'thief', id, 4 from auth.users";
    app.sql().await.batch_execute(link).await.unwrap();
    let refused = Command::new(&app.vars, &["users", "evict", NEO]).run().await;
    assert_eq!(refused.code, 2, "{refused:?}");
    let said = run(&app, &["users", "evict", NEO, "--reason", "A stranger was signed in"]).await;
    assert!(said.contains("1 session(s) are revoked. Unlinked: github."), "{said}");
    dead(&app, &pair.access).await;
    let audited = "select actor_kind, texts ->> 'reason' from auth.audit_log where action = 'user_evicted'";
    let audited = app.sql().await.query_one(audited, &[]).await.unwrap();
    let audited: (&str, &str) = (audited.get(0), audited.get(1));
    assert_eq!(audited, ("command", "A stranger was signed in"));
}

#[tokio::test]
async fn a_user_is_shown_with_all_that_support_needs_to_know() {
    let app = TestApp::start().await;
    let pair = app.client.new_user(NEO).await;
    let shown = json(&app, &["users", "show", NEO]).await.remove(0);
    assert_eq!((&shown["email_verified"], &shown["has_password"]), (&Value::from(false), &Value::from(true)));
    for none in ["frozen_until", "erase_at", "recovery_at"] {
        assert!(shown.get(none).is_some_and(Value::is_null), "{none}: {shown}");
    }
    assert_eq!(shown["accounts"]["items"], serde_json::json!([]));
    let sql = app.sql().await;
    let id = user_of(&pair);
    for change in [
        "update auth.users set verified_email_key = email_key, password_hash = null where id = $1",
        "insert into auth.oauth_accounts (provider, subject, user_id, linked_rule, is_email_vouched)
         values ('github', '1', $1, 9, false)",
        "insert into auth.email_changes (user_id, email, email_key, token_hash, device_epoch, undo_until, frozen_until)
         values ($1, 'former@example.org', 'former@example.org', sha256('a'), 0,
                 clock_timestamp() + interval '72 hours', clock_timestamp() + interval '72 hours')",
        "insert into auth.recoveries (user_id, email_key, effective_at)
         values ($1, 'neo@example.org', clock_timestamp() + interval '72 hours')",
    ] {
        sql.execute(change, &[&id]).await.unwrap();
    }
    run(&app, &["users", "erase", NEO, "--reason", "Asked by letter."]).await;
    let shown = json(&app, &["users", "show", NEO]).await.remove(0);
    assert_eq!((&shown["email_verified"], &shown["has_password"]), (&Value::from(true), &Value::from(false)));
    assert_eq!(shown["accounts"]["items"][0]["provider"], "github");
    for moment in ["frozen_until", "erase_at", "recovery_at"] {
        assert!(shown[moment].is_string(), "{moment}: {shown}");
    }
    let text = run(&app, &["users", "show", NEO]).await;
    for part in [
        "a proven address, no password, and linked: github",
        "frozen until",
        "erased",
        "unless a session objects",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    // The route shows the same.
    let root = superuser(&app).await;
    let path = format!("/api/v1/admin/users/{id}");
    let route = app.client.get(&path).bearer(&root.access).send().await.expect(200).json();
    for member in ["email_verified", "has_password", "frozen_until", "erase_at", "recovery_at", "accounts"] {
        assert_eq!(route[member], shown[member], "{member}");
    }
}

#[tokio::test]
async fn an_invitation_is_printed_as_json_without_its_link() {
    let app = TestApp::start_with(&[
        ("ADMIN_MAIL_URL", "smtp://127.0.0.1:1"),
        ("ADMIN_MAIL_TLS", "none"),
        ("ADMIN_MAIL_FROM", "no-reply@cinema.example"),
        ("ADMIN_PUBLIC_URL", "https://cinema.example"),
    ])
    .await;
    let args = ["users", "invite", "trinity@example.org", "--reason", "New colleague."];
    let invited = json(&app, &args).await.remove(0);
    assert_eq!(invited.as_object().unwrap().keys().collect::<Vec<_>>(), ["user_id"]);
    let again = Command::new(&app.vars, &args).run().await;
    assert!(again.code == 1 && again.err.contains("send-reset"), "{again:?}");
    let both = Command::new(&app.vars, &[args.as_slice(), &["--json", "--print"]].concat()).run().await;
    assert_eq!(both.code, 2, "{both:?}");
}
