//! The commands of operators and their effects.

use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::support::{Command, PASSWORD, TestApp, TestDatabase, Vars, prefix, until, variables};

#[tokio::test]
async fn the_version_is_printed_without_any_configuration() {
    let out = Command::new(&Vars::new(), &["--version"]).run().await.succeeded();
    assert_eq!(out, format!("admin {}\n", env!("CARGO_PKG_VERSION")));
    Command::new(&Vars::new(), &["--help"]).run().await.succeeded();
}

#[tokio::test]
async fn every_configuration_error_is_reported_at_once_with_exit_code_64() {
    let vars = Vars::from([("ADMIN_LISTEN", "8001".to_owned()), ("DATABASE_URL", "s3cret".to_owned())]);
    let of_commands = ["DATABASE_URL", "ADMIN_MASTER_KEYS", "ADMIN_ISSUER"];
    let only_of_serve = ["REDIS_URL", "ADMIN_LISTEN", "ADMIN_AUDIENCE"];
    for (args, serves) in [(&["serve"][..], true), (&["keys", "list"], false)] {
        let ended = Command::new(&vars, args).run().await;
        assert_eq!(ended.code, 64, "{ended:?}");
        assert!(of_commands.iter().all(|name| ended.err.contains(name)), "{ended:?}");
        assert!(only_of_serve.iter().all(|name| ended.err.contains(name) == serves), "{ended:?}");
        assert!(!ended.err.contains("s3cret"));
    }
}

#[tokio::test]
async fn no_mistake_that_does_not_concern_a_command_stops_it() {
    let database = TestDatabase::migrated().await;
    let mut vars = variables(&database.url, &prefix());
    vars.remove("REDIS_URL");
    vars.insert("ADMIN_OAUTH_GOOGLE_CLIENT_SECRET", "without an identifier".to_owned());
    Command::new(&vars, &["keys", "list"]).run().await.succeeded();
    Command::new(&vars, &["audit", "verify"]).run().await.succeeded();
}

#[tokio::test]
async fn unknown_commands_are_refused_with_2() {
    let ended = Command::new(&Vars::new(), &["frobnicate"]).run().await;
    assert_eq!(ended.code, 2, "{ended:?}");
}

#[tokio::test]
async fn wrong_usage_of_every_command_ends_with_2() {
    let vars = variables("postgres://unknown@127.0.0.1:1/nowhere", &prefix());
    for args in [
        &["--frobnicate"][..],
        &["serve", "now"],
        &["health", "--all"],
        &["migrate", "up"],
        &["superuser"],
        &["superuser", "create"],
        &["superuser", "create", "not-an-address"],
        &["users", "create"],
        &["users", "create", "--email", "not-an-address"],
        &["keys", "burn"],
        &["keys", "rotate", "--when"],
        &["keys", "list", "all"],
        &["keys", "kill"],
        &["roles", "create"],
        &["roles", "create", "Capital"],
        &["roles", "create", "a", "--permission", "films"],
        &["roles", "create", "a", "--inherits", "B"],
        &["roles", "protect", ""],
        &["roles", "release", "a b"],
        &["roles", "assign", "neo@example.org"],
        &["roles", "assign", "neo@example.org", "A"],
        &["roles", "assign", "neo@example.org", "a", "--until", "tomorrow"],
        &["roles", "assign", "neo@example.org", "a", "--until", "9999-12-31T23:59:59Z"],
        &["sessions", "end-all"],
        &["sessions", "end-all", "--no"],
        &["audit", "verify", "--since", "yesterday"],
        &["audit", "list", "now"],
        &["audit", "list", "--action", "sneezed"],
        &["users", "find"],
        &["users", "find", "anna", "--limit", "0"],
        &["roles", "delete", "a"],
        &["sessions", "end", "anna", "not-a-uuid"],
        &["completions", "dos"],
        &["hash"],
        &["hash", "calibrate", "--yaml"],
    ] {
        let ended = Command::new(&vars, args).run().await;
        assert_eq!(ended.code, 2, "{args:?}: {ended:?}");
        assert!(!ended.err.is_empty() && ended.out.is_empty(), "{args:?}: {ended:?}");
    }
}

#[tokio::test]
async fn misspelt_variables_are_named_by_every_command() {
    let database = TestDatabase::migrated().await;
    let mut vars = variables(&database.url, &prefix());
    vars.insert("ADMIN_REGISTRATON", "closed".to_owned());
    vars.insert("ADMIN_OAUTH_GOGLE_CLIENT_ID", "a".to_owned());
    vars.insert("ADMIN_PORT_8001_TCP", "tcp://10.0.0.1:8001".to_owned());
    for args in [&["keys", "list"][..], &["audit", "verify"], &["migrate"], &["health"]] {
        let ended = Command::new(&vars, args).run().await;
        let warnings: Vec<&str> = ended.err.lines().filter(|line| line.contains("warning")).collect();
        assert_eq!(
            warnings,
            [
                "admin: warning: ADMIN_OAUTH_GOGLE_CLIENT_ID is set, but this program does not know it; did you mean \
                 ADMIN_OAUTH_GOOGLE_CLIENT_ID?",
                "admin: warning: ADMIN_REGISTRATON is set, but this program does not know it; did you mean \
                 ADMIN_REGISTRATION?",
            ],
            "{args:?}"
        );
    }
    vars.insert("ADMIN_OPS_LISTEN", "tcp:127.0.0.1:0".to_owned());
    let ended = Command::new(&vars, &["serve"]).run_until_told().await;
    let named = |name: &str| ended.err.lines().filter(|line| line.contains(name)).count();
    assert_eq!(
        (named("ADMIN_REGISTRATON"), named("ADMIN_PORT_8001_TCP"), ended.code),
        (1, 0, 0),
        "{ended:?}"
    );
    vars.remove("ADMIN_MASTER_KEYS");
    vars.insert("ADMIN_MASTER_KEY", "a".to_owned());
    let ended = Command::new(&vars, &["serve"]).run().await;
    assert!(ended.code == 64 && ended.err.contains("did you mean ADMIN_MASTER_KEYS?"), "{ended:?}");
}

#[tokio::test]
async fn another_master_key_of_the_same_number_is_told_from_tampering() {
    let app = TestApp::start().await;
    Command::new(&app.vars, &["roles", "create", "before"]).run().await.succeeded();
    let mut vars = app.vars.clone();
    vars.insert("ADMIN_MASTER_KEYS", "1:m1YGbnayZpMvJZfqMoxh0ikvjiudpTrf/SsjrIbUagE=".to_owned());
    let commands = [
        &["audit", "verify"][..],
        &["keys", "list"],
        &["keys", "rotate", "--force"],
        &["keys", "kill", "x"],
        &["roles", "create", "after"],
        &["roles", "protect", "before"],
        &["roles", "assign", "neo@example.org", "before"],
        &["sessions", "end-all", "--yes"],
        &["superuser", "create", "boss@cinema.test"],
        &["serve"],
    ];
    for args in commands {
        let ended = Command::new(&vars, args).input(PASSWORD).run().await;
        assert_eq!(ended.code, 64, "{args:?}: {ended:?}");
        assert!(ended.err.contains("master key 1 is not the one that sealed"), "{args:?}: {ended:?}");
    }
    // Nothing was sealed with it.
    let said = Command::new(&app.vars, &["audit", "verify"]).run().await.succeeded();
    assert!(said.contains("1 rows"), "{said}");
}

#[tokio::test]
async fn a_key_that_was_used_before_there_were_check_values_is_recognised_by_what_it_sealed() {
    let app = TestApp::start().await;
    let sql = app.sql().await;
    let forget = "delete from auth.master_keys";
    let count = "select count(*) from auth.master_keys";
    sql.batch_execute(forget).await.unwrap();
    let mut vars = app.vars.clone();
    vars.insert("ADMIN_MASTER_KEYS", "1:m1YGbnayZpMvJZfqMoxh0ikvjiudpTrf/SsjrIbUagE=".to_owned());
    let ended = Command::new(&vars, &["audit", "verify"]).run().await;
    assert!(ended.code == 64 && ended.err.contains("is not the one that sealed"), "{ended:?}");
    // Verifying writes nothing.
    Command::new(&app.vars, &["audit", "verify"]).run().await.succeeded();
    assert_eq!(sql.query_one(count, &[]).await.unwrap().get::<_, i64>(0), 0);
    Command::new(&app.vars, &["keys", "list"]).run().await.succeeded();
    assert_eq!(sql.query_one(count, &[]).await.unwrap().get::<_, i64>(0), 0);
    Command::new(&app.vars, &["roles", "create", "after"]).run().await.succeeded();
    assert_eq!(sql.query_one(count, &[]).await.unwrap().get::<_, i64>(0), 1);
}

#[tokio::test]
async fn a_command_that_only_reads_decides_not_which_key_has_a_number() {
    let app = TestApp::start().await;
    let used = &app.vars["ADMIN_MASTER_KEYS"];
    let with = |key: &str| {
        let mut vars = app.vars.clone();
        vars.insert("ADMIN_MASTER_KEYS", format!("9:{key},{used}"));
        vars
    };
    let mistyped = with("uAvl9cb5KvuCX9MrUQOhawFG6TbuH2NkyH3jCoPij6A=");
    for args in [&["keys", "list"][..], &["roles", "list"], &["superuser", "list"]] {
        Command::new(&mistyped, args).run().await.succeeded();
    }
    let right = with("m1YGbnayZpMvJZfqMoxh0ikvjiudpTrf/SsjrIbUagE=");
    Command::new(&right, &["roles", "create", "after"]).run().await.succeeded();
    let ended = Command::new(&mistyped, &["keys", "list"]).run().await;
    assert!(ended.code == 64 && ended.err.contains("master key 9 is not the one"), "{ended:?}");
}

#[tokio::test]
async fn a_changed_check_value_is_called_what_it_is() {
    let app = TestApp::start().await;
    let change = "update auth.master_keys set check_value = sha256('other')::bytea";
    let change = change.replace("sha256('other')::bytea", "substr(sha256('other'), 1, 16)");
    app.sql().await.batch_execute(&change).await.unwrap();
    let ended = Command::new(&app.vars, &["audit", "verify"]).run().await;
    assert!(ended.code == 1 && ended.err.contains("auth.master_keys was changed"), "{ended:?}");
}

#[tokio::test]
async fn a_weak_master_key_is_refused() {
    for key in
        ["AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="]
    {
        let mut vars = variables("postgres://unknown@127.0.0.1:1/nowhere", &prefix());
        vars.insert("ADMIN_MASTER_KEYS", format!("1:{key}"));
        for args in [&["serve"][..], &["keys", "list"]] {
            let ended = Command::new(&vars, args).run().await;
            assert!(ended.code == 64 && ended.err.contains("32 random bytes"), "{ended:?}");
            assert!(!ended.err.contains(key), "{ended:?}");
        }
    }
}

#[tokio::test]
async fn without_a_command_the_help_is_printed_with_2() {
    for args in [&[][..], &["keys"]] {
        let ended = Command::new(&Vars::new(), args).run().await;
        assert_eq!(ended.code, 2, "{ended:?}");
        assert!(ended.err.contains("Usage:") && ended.err.contains("Commands:"), "{ended:?}");
    }
}

#[tokio::test]
async fn migrating_needs_only_the_database_and_is_done_once() {
    let database = TestDatabase::empty().await;
    let vars = Vars::from([("DATABASE_URL", database.url.clone())]);
    let first = Command::new(&vars, &["migrate"]).run().await.succeeded();
    assert!(first.starts_with("Applied "), "{first}");
    let second = Command::new(&vars, &["migrate"]).run().await.succeeded();
    assert_eq!(second, "The schema is up to date.\n");
}

#[tokio::test]
async fn replicas_may_migrate_at_once() {
    let database = TestDatabase::empty().await;
    let vars = Vars::from([("DATABASE_URL", database.url.clone())]);
    let runs = (0..4).map(|_| Command::new(&vars, &["migrate"]).run());
    let said: Vec<_> =
        futures_util::future::join_all(runs).await.into_iter().map(|run| run.succeeded()).collect();
    assert_eq!(said.iter().filter(|said| said.starts_with("Applied")).count(), 1, "{said:?}");
}

#[tokio::test]
async fn serving_on_an_old_schema_ends_with_1_and_the_command_to_run() {
    let database = TestDatabase::empty().await;
    let ended = Command::new(&variables(&database.url, &prefix()), &["serve"]).run().await;
    assert_eq!(ended.code, 1);
    assert!(ended.err.contains("admin migrate"), "{ended:?}");
}

#[tokio::test]
async fn an_unreachable_postgres_is_reported_in_one_sentence() {
    let vars = Vars::from([("DATABASE_URL", "postgres://admin:s3cret@127.0.0.1:1/usher".to_owned())]);
    let ended = Command::new(&vars, &["migrate"]).run().await;
    assert_eq!(ended.code, 1);
    assert!(ended.err.contains("PostgreSQL") && !ended.err.contains("s3cret"), "{ended:?}");
    assert_eq!(ended.err.lines().count(), 1, "{ended:?}");
}

#[tokio::test]
async fn a_superuser_is_made_with_a_password_from_standard_input() {
    let app = TestApp::start().await;
    let create = ["superuser", "create", "boss@cinema.test"];
    let said = Command::new(&app.vars, &create).input(&format!("{PASSWORD}\n")).run().await.succeeded();
    assert!(said.contains("superuser"), "{said}");
    app.client.sign_in("boss@cinema.test").await;
    let told = "select action || ' by ' || actor_kind from auth.audit_log";
    let told: String = app.sql().await.query_one(told, &[]).await.unwrap().get(0);
    assert_eq!(told, "superuser_given by command");

    let again = Command::new(&app.vars, &create).input(PASSWORD).run().await;
    assert!(again.code == 1 && again.err.contains("already exists"), "{again:?}");
    for (input, why) in [("", "no password"), ("12345678\n", "too weak")] {
        let weak =
            Command::new(&app.vars, &["superuser", "create", "x@cinema.test"]).input(input).run().await;
        assert!(weak.code == 1 && weak.err.contains(why), "{weak:?}");
    }
}

#[tokio::test]
async fn a_user_is_created_on_the_command_line_with_an_address_that_is_proven_only_if_the_operator_says_so() {
    let app = TestApp::start().await;
    for (email, flags, is_verified) in [
        ("viewer@cinema.test", &["--password-stdin"][..], false),
        ("known@cinema.test", &["--verified"], true),
    ] {
        let create = [&["users", "create", "--email", email], flags].concat();
        let said = Command::new(&app.vars, &create).input(&format!("{PASSWORD}\n")).run().await.succeeded();
        assert!(said.starts_with("Created the user "), "{said}");
        let pair = app.client.sign_in(email).await;
        let me = app.client.get("/api/v1/me").bearer(&pair.access).send().await.expect(200).json();
        assert_eq!((&me["email_verified"], &me["is_superuser"]), (&json!(is_verified), &json!(false)));
        let again = Command::new(&app.vars, &create).input(PASSWORD).run().await;
        assert!(again.code == 1 && again.err.contains("already exists"), "{again:?}");
    }
    let told = "select string_agg(distinct action || ' by ' || actor_kind, ', ') from auth.audit_log";
    let told: String = app.sql().await.query_one(told, &[]).await.unwrap().get(0);
    assert_eq!(told, "user_created by command");
}

#[tokio::test]
async fn a_role_that_is_assigned_is_in_the_next_token_and_the_old_one_needs_a_refresh() {
    let app = TestApp::start().await;
    let pair = app.client.new_user("viewer@cinema.test").await;
    let said = Command::new(&app.vars, &["roles", "create", "subscriber"]).run().await.succeeded();
    assert_eq!(said, "Created the role subscriber.\n");
    let assign = ["roles", "assign", "viewer@cinema.test", "subscriber"];
    Command::new(&app.vars, &assign).run().await.succeeded();

    app.log.await_count(1).await;
    let refreshed = app.client.refresh(&pair.refresh).await.pair();
    let me = app.client.get("/api/v1/me").bearer(&refreshed.access).send().await.expect(200).json();
    assert_eq!(me["roles"][0]["name"], "subscriber");
    let again = Command::new(&app.vars, &assign).run().await.succeeded();
    assert!(again.contains("already"), "{again}");
}

#[tokio::test]
async fn roles_that_cannot_be_are_refused_with_a_sentence() {
    let app = TestApp::start().await;
    Command::new(&app.vars, &["roles", "create", "subscriber"]).run().await.succeeded();
    for args in
        [&["roles", "create", "subscriber"][..], &["roles", "assign", "unknown@cinema.test", "subscriber"]]
    {
        let ended = Command::new(&app.vars, args).run().await;
        assert!(ended.code == 1 && ended.err.starts_with("admin: "), "{ended:?}");
        assert_eq!(ended.err.lines().count(), 1, "{ended:?}");
    }
}

#[tokio::test]
async fn a_served_program_stops_at_a_signal_with_0_and_logs_no_secret() {
    let database = TestDatabase::migrated().await;
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("ops.sock");
    let mut vars = variables(&database.url, &prefix());
    vars.insert("ADMIN_OPS_LISTEN", format!("unix:{}", socket.display()));
    let running = tokio::spawn(Command::new(&vars, &["serve"]).run_until_told());
    until("it listens", async || tokio::net::UnixStream::connect(&socket).await.ok()).await;
    // The log levels are changed at run time.
    let ask = async |line: &str| {
        let mut stream = tokio::net::UnixStream::connect(&socket).await.unwrap();
        stream
            .write_all(format!("{line} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").as_bytes())
            .await
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    };
    assert!(ask("GET /log-levels").await.ends_with("\r\n\r\ninfo\n"));
    assert!(ask("PUT /log-levels?admin=debug").await.starts_with("HTTP/1.1 400"));
    assert!(ask("PUT /log-levels?info,admin=debug").await.starts_with("HTTP/1.1 200"));
    assert!(ask("GET /log-levels").await.ends_with("\r\n\r\ninfo,admin=debug\n"));

    let ended = tokio::time::timeout(Duration::from_secs(30), running).await.unwrap().unwrap();

    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.err.contains("\"message\":\"Stopped.\""), "{ended:?}");
    assert!(!ended.err.contains("uAvl9cb5KvuCX9MrUQOhawFG6TbuH2NkyH3jCoPij6A="));
}

#[tokio::test]
async fn it_asks_itself_whether_it_is_ready() {
    let app = TestApp::start().await;
    let ops = app.ops.base().replace("http://", "tcp:");
    let health = async |address: &str| {
        let vars = std::collections::HashMap::from([("ADMIN_OPS_LISTEN", address.to_owned())]);
        Command::new(&vars, &["health"]).run().await
    };
    health(&ops).await.succeeded();
    let wrong = health("9001").await;
    assert!(wrong.code == 64 && wrong.err.contains("ADMIN_OPS_LISTEN"), "{wrong:?}");
    app.sql().await.batch_execute("alter table auth.schema_history rename to gone").await.unwrap();
    let ended = health(&ops).await;
    assert!(ended.code == 1 && ended.err.contains("migrations"), "{ended:?}");
}

#[tokio::test]
async fn what_the_machine_can_hash_is_measured_without_any_other_configuration() {
    let vars = Vars::from([("ADMIN_HASH_THREADS", "1".to_owned())]);
    let ended = Command::new(&vars, &["hash", "calibrate", "--json"]).run().await;
    assert_eq!(ended.code, 0, "{}", ended.err);
    let measured: serde_json::Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(measured["threads"], 1);
    assert!(measured["sign_ins_per_second"].as_f64().is_some_and(|rate| rate > 0.0), "{measured}");
    let rows = measured["parameters"].as_array().unwrap();
    assert_eq!((rows.len(), &rows[0]["configured"]), (5, &serde_json::Value::Bool(true)));
    assert!(rows.iter().all(|row| row["hash_ms"].as_f64().is_some_and(|time| time > 0.0)), "{measured}");

    let weak = Vars::from([("ADMIN_HASH_PARAMETERS", "m=1024,t=1".to_owned())]);
    let ended = Command::new(&weak, &["hash", "calibrate"]).run().await;
    assert_eq!(ended.code, 64);
    assert!(
        ended.err.contains("ADMIN_HASH_PARAMETERS") && ended.err.contains("m=19456,t=2"),
        "{}",
        ended.err
    );
}
