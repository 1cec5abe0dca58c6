//! The audit log: written together with the recorded action, and tamper-evident.

mod retention;

use futures_util::{StreamExt as _, stream};
use serde_json::{Value, json};

use crate::locks::{holding, let_go};
use crate::support::{Command, ISSUER, TestApp, new_id};
use crate::witness::{assign, beside, blocked, holder, items_of, make_role, superuser, text_of, user_of};

const AUDIT: &str = "/api/v1/admin/audit";

/// A service with a few rows in its log.
async fn busy() -> TestApp {
    let app = TestApp::start().await;
    app.client.register("neo@example.org").await.expect(201);
    for role in ["a", "b", "c"] {
        make_role(&app, role, &[], &[]).await;
        assign(&app, "neo@example.org", role).await;
    }
    app
}

/// The output of `admin audit verify`, and whether it succeeded.
async fn verify(app: &TestApp, args: &[&str]) -> (bool, String) {
    let args = [&["audit", "verify"], args].concat();
    let ended = Command::new(&app.vars, &args).run().await;
    (ended.code == 0, ended.out + &ended.err)
}

#[tokio::test]
async fn a_change_is_recorded_with_actor_action_target_time_address_and_request() {
    let app = TestApp::start().await;
    let root = superuser(&app).await;
    let neo = user_of(&app.client.new_user("neo@example.org").await);
    make_role(&app, "subscriber", &[], &[]).await;
    let path = format!("/api/v1/users/{neo}/roles/subscriber");
    let body = json!({ "reason": "Paid.", "expires_at": "2099-12-31T00:00:00Z" });
    let call = app.client.put(&path).bearer(&root.access).json(&body);
    call.header("x-request-id", "r-17").header("x-forwarded-for", "198.51.100.7").send().await.expect(201);

    let log = app.client.get(AUDIT).bearer(&root.access).send().await.expect(200).json();

    let items = items_of(&log);
    assert_eq!(items.len(), 2);
    let entry = &items[0];
    assert_eq!(entry["seq"], 2);
    assert_eq!((&entry["actor_kind"], &entry["actor_id"]), (&json!("user"), &json!(user_of(&root))));
    assert_eq!(entry["action"], "role_assigned");
    assert_eq!((&entry["target_kind"], &entry["target_id"]), (&json!("user"), &json!(neo)));
    assert_eq!((&entry["address"], &entry["request_id"]), (&json!("198.51.100.7"), &json!("r-17")));
    assert_eq!(entry["detail"]["role"], "subscriber");
    assert_eq!(entry["detail"]["reason"], "Paid.");
    assert_eq!((&items[1]["actor_kind"], &items[1]["actor_id"]), (&json!("command"), &Value::Null));
    assert!(verify(&app, &[]).await.0);
}

#[tokio::test]
async fn unchanged_or_failed_actions_are_not_recorded() {
    let app = TestApp::start().await;
    let root = superuser(&app).await.access;
    make_role(&app, "a", &[], &[]).await;
    let neo = user_of(&app.client.new_user("neo@example.org").await);
    app.client.put(&format!("/api/v1/users/{neo}/roles/a")).bearer(&root).send().await.expect(201);
    let count = async || items_of(&app.client.get(AUDIT).bearer(&root).send().await.expect(200).json()).len();
    let before = count().await;

    app.client.put(&format!("/api/v1/users/{neo}/roles/a")).bearer(&root).send().await.expect(200);
    app.client.post("/api/v1/roles").bearer(&root).json(&json!({ "name": "a" })).send().await.expect(409);
    app.client.patch("/api/v1/roles/a").bearer(&root).json(&json!({ "name": "a" })).send().await.expect(200);
    app.client.delete(&format!("/api/v1/users/{neo}/roles/b")).bearer(&root).send().await.expect(404);
    app.client.post(&format!("/api/v1/admin/users/{neo}/enable")).bearer(&root).send().await.expect(204);

    assert_eq!(count().await, before);
}

#[tokio::test]
async fn the_log_is_filtered_and_paged() {
    let app = busy().await;
    let reader = holder(&app, "reader@example.org", &["audit:read"]).await.access;
    let seqs = async |query: &str| {
        let log = app.client.get(&format!("{AUDIT}?{query}")).bearer(&reader).send().await.expect(200).json();
        let next = log["next_cursor"].as_str().map(str::to_owned);
        (items_of(&log).iter().map(|item| item["seq"].as_i64().unwrap()).collect::<Vec<_>>(), next)
    };
    let (first, cursor) = seqs("limit=3").await;
    assert_eq!(first, [8, 7, 6]);
    assert_eq!(seqs(&format!("limit=3&cursor={}", cursor.unwrap())).await.0, [5, 4, 3]);
    assert_eq!(seqs("action=role_created").await.0, [7, 5, 3, 1]);
    let neo = "select id::text from auth.users where email_key = 'neo@example.org'";
    let neo: String = app.sql().await.query_one(neo, &[]).await.unwrap().get(0);
    assert_eq!(seqs(&format!("target={neo}")).await, (vec![6, 4, 2], None));
    assert_eq!(seqs(&format!("actor={neo}")).await.0, [0_i64; 0]);
    for bad in ["actor=neo", "action=nothing", "target=", "cursor=0", "cursor=x", "limit=0", "who=me"] {
        let reply = app.client.get(&format!("{AUDIT}?{bad}")).bearer(&reader).send().await;
        reply.problem(422, "validation_failed");
    }
}

#[tokio::test]
async fn an_unchanged_log_is_verified() {
    let app = TestApp::start().await;
    let (is_whole, said) = verify(&app, &[]).await;
    assert!(is_whole && said.contains("0 rows"), "{said}");
    let app = busy().await;
    let (is_whole, said) = verify(&app, &[]).await;
    assert!(is_whole && said.contains("6 rows"), "{said}");
}

/// Allows rows that the service never writes.
const UNCHECKED: &str = "do $$ declare part text; begin
                         alter table auth.audit_log drop constraint audit_log_seq_is_positive;
                         for part in select inhrelid::regclass::text from pg_inherits
                                     where inhparent = 'auth.audit_log'::regclass loop
                             execute 'alter table ' || part || ' drop constraint if exists audit_log_seq_is_positive';
                         end loop;
                     end $$";

#[tokio::test]
async fn every_change_of_the_log_is_detected_with_its_row() {
    let change =
        |column: &str, value: &str| format!("update auth.audit_log set {column} = {value} where seq = 3");
    let swap = "update auth.audit_log set seq = -seq where seq in (3, 4);
                update auth.audit_log set seq = 7 + seq where seq < 0";
    let remove_and_close_up = "delete from auth.audit_log where seq = 3;
                update auth.audit_log set seq = -seq where seq > 3;
                update auth.audit_log set seq = -seq - 1 where seq < 0;
                update auth.audit_head set seq = 5";
    let insert = "insert into auth.audit_log select 7, occurred_at, actor_kind, actor_id, action, target_kind, target_id,
                      detail, address, request_id, seal_key, seal from auth.audit_log where seq = 6";
    let before_all = "insert into auth.audit_log select 0, occurred_at, actor_kind, actor_id, action, target_kind, target_id,
                      detail, address, request_id, seal_key, seal from auth.audit_log where seq = 1";
    let touched = [
        (change("actor_id", "gen_random_uuid()"), "row 3 was changed"),
        (change("action", "'role_taken'"), "row 3 was changed"),
        (change("target_id", "target_id || 'x'"), "row 3 was changed"),
        (change("detail", "'{}'"), "row 3 was changed"),
        (change("occurred_at", "occurred_at + interval '1 us'"), "row 3 was changed"),
        (change("address", "'10.0.0.1'"), "row 3 was changed"),
        (change("request_id", "''"), "row 3 was changed"),
        (change("format", "1"), "row 3 was changed"),
        (change("texts", "'{}'"), "row 3 was changed"),
        (change("texts_commitment", "decode(repeat('00', 32), 'hex')"), "row 3 was changed"),
        (change("address_salt", "decode(repeat('00', 32), 'hex')"), "row 3 was changed"),
        (change("occurred_at", "'infinity'"), "row 3 was changed"),
        (before_all.to_owned(), "row 0 was changed"),
        (change("seal", "decode(repeat('00', 32), 'hex')"), "row 3 was changed"),
        (change("seal_key", "2"), "master key 2"),
        (swap.to_owned(), "row 3 was changed"),
        ("delete from auth.audit_log where seq = 3".to_owned(), "row 3 is missing"),
        ("delete from auth.audit_log where seq = 1".to_owned(), "row 1 is missing"),
        ("delete from auth.audit_log where seq = 6".to_owned(), "ends at row 5, but 6"),
        ("delete from auth.audit_log".to_owned(), "ends at row 0, but 6"),
        (remove_and_close_up.to_owned(), "row 3 was changed"),
        (insert.to_owned(), "row 7 was changed"),
    ];
    let app = busy().await;
    let sql = app.sql().await;
    sql.batch_execute(UNCHECKED).await.unwrap();
    sql.batch_execute(
        "create table public.kept as table auth.audit_log; create table public.head as table auth.audit_head",
    )
    .await
    .unwrap();
    for (touch, expected) in touched {
        sql.batch_execute(&touch).await.unwrap();
        let (is_whole, said) = verify(&app, &[]).await;
        assert!(!is_whole && said.contains(expected), "{touch}: {said}");
        sql.batch_execute(
            "truncate auth.audit_log; insert into auth.audit_log table public.kept;
             update auth.audit_head set (seq, occurred_at, seal) = (select seq, occurred_at, seal from public.head)",
        )
        .await
        .unwrap();
        assert!(verify(&app, &[]).await.0, "put back after {touch}");
    }
}

#[tokio::test]
async fn an_address_that_was_widened_to_a_network_is_found() {
    let app = TestApp::start().await;
    let root = superuser(&app).await.access;
    let body = json!({ "name": "a" });
    app.client.post("/api/v1/roles").bearer(&root).json(&body).send().await.expect(201);
    assert!(verify(&app, &[]).await.0);
    app.sql()
        .await
        .batch_execute("update auth.audit_log set address = set_masklen(address, 8)")
        .await
        .unwrap();
    let (is_whole, said) = verify(&app, &[]).await;
    assert!(!is_whole && said.contains("row 1 was changed"), "{said}");
}

#[tokio::test]
async fn a_row_that_a_replaced_key_sealed_after_the_newer_one_is_found() {
    let (old, new) =
        ("uAvl9cb5KvuCX9MrUQOhawFG6TbuH2NkyH3jCoPij6A=", "m1YGbnayZpMvJZfqMoxh0ikvjiudpTrf/SsjrIbUagE=");
    let app = busy().await;
    let make = async |keys: String, role: &str| {
        let mut vars = app.vars.clone();
        vars.insert("ADMIN_MASTER_KEYS", keys);
        Command::new(&vars, &["roles", "create", role]).run().await.succeeded();
        let ended = Command::new(&vars, &["audit", "verify"]).run().await;
        (ended.code == 0, ended.out + &ended.err)
    };
    let both = format!("2:{new},1:{old}");
    let (is_whole, said) = make(both.clone(), "d").await;
    assert!(is_whole, "{said}");

    let (_, _) = make(format!("1:{old},2:{new}"), "e").await;

    let (is_whole, said) = make(both, "f").await;
    assert!(!is_whole && said.contains("row 8 ") && said.contains("master key 1"), "{said}");
}

/// While admins are restarted with a new master key, one by one, those with the former key alone would seal rows after the newer key.
#[tokio::test]
async fn an_admin_without_the_key_of_the_last_row_does_not_continue_the_log() {
    let new = "m1YGbnayZpMvJZfqMoxh0ikvjiudpTrf/SsjrIbUagE=";
    let app = busy().await;
    let root = superuser(&app).await;
    let mut both = app.vars.clone();
    both.insert("ADMIN_MASTER_KEYS", format!("2:{new},{}", app.vars["ADMIN_MASTER_KEYS"]));
    Command::new(&both, &["roles", "create", "d"]).run().await.succeeded();

    let ended = Command::new(&app.vars, &["roles", "create", "e"]).run().await;
    assert!(
        ended.code == 1 && ended.err.contains("master key 2, which is not in ADMIN_MASTER_KEYS"),
        "{ended:?}"
    );
    let call = app.client.post("/api/v1/roles").bearer(&root.access).json(&json!({ "name": "e" }));
    call.send().await.problem(503, "dependency_unavailable");

    Command::new(&both, &["roles", "create", "e"]).run().await.succeeded();
    let ended = Command::new(&both, &["audit", "verify"]).run().await;
    assert_eq!(ended.code, 0, "{ended:?}");
}

#[tokio::test]
async fn a_log_truncated_with_its_head_is_detected_by_a_saved_head() {
    let app = busy().await;
    let (_, said) = verify(&app, &[]).await;
    let place = said.split_whitespace().find(|word| word.starts_with("6:")).unwrap().to_owned();
    assert!(verify(&app, &["--since", &place]).await.0);
    make_role(&app, "d", &[], &[]).await;
    assert!(verify(&app, &["--since", &place]).await.0);

    let cut = "delete from auth.audit_log where seq > 5;
               update auth.audit_head set (seq, occurred_at, seal) =
                   (select seq, occurred_at, seal from auth.audit_log where seq = 5)";
    app.sql().await.batch_execute(cut).await.unwrap();
    let (is_whole, said) = verify(&app, &["--since", &place]).await;
    assert!(!is_whole && said.contains("ends at row 5, but 6"), "{said}");
    make_role(&app, "e", &[], &[]).await;
    let (is_whole, said) = verify(&app, &["--since", &place]).await;
    assert!(!is_whole && said.contains("row 6 ") && said.contains("rewritten"), "{said}");
    let (is_whole, said) = verify(&app, &["--since", "6:00"]).await;
    assert!(!is_whole && said.contains("64 hex digits"), "{said}");
}

#[tokio::test]
async fn key_changes_are_recorded() {
    let app = TestApp::start().await;
    let rotated = Command::new(&app.vars, &["keys", "rotate", "--force"]).run().await.succeeded();
    let kid =
        rotated.lines().find(|line| line.contains("active")).unwrap().split_whitespace().next().unwrap();
    Command::new(&app.vars, &["keys", "kill", kid]).run().await.succeeded();
    let sql = "select array_agg(action || ' ' || target_id order by seq) from auth.audit_log";
    let told: Vec<String> = app.sql().await.query_one(sql, &[]).await.unwrap().get(0);
    assert_eq!(told, [format!("keys_rotated {kid}"), format!("key_killed {kid}")]);
    assert!(verify(&app, &[]).await.0);
}

#[tokio::test]
async fn concurrent_writers_make_one_chain() {
    let app = TestApp::start().await;
    let root = superuser(&app).await.access;
    let calls = (0..40).map(|n| {
        let body = json!({ "name": format!("role-{n}") });
        app.client.post("/api/v1/roles").bearer(&root).json(&body).send()
    });
    // Eight at a time: they wait for each other, and forty would wait longer on a busy machine than a request may take.
    let replies: Vec<_> = stream::iter(calls).buffer_unordered(8).collect().await;
    for reply in replies {
        text_of(&reply.expect(201).json(), "role_id");
    }
    let (is_whole, said) = verify(&app, &[]).await;
    assert!(is_whole && said.contains("40 rows"), "{said}");
}

/// The entries of an action: its targets, oldest first.
async fn targets(app: &TestApp, action: &str) -> Vec<String> {
    let sql = "select target_id from auth.audit_log where action = $1 order by seq";
    app.sql().await.query(sql, &[&action]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn a_denied_call_is_recorded_once_for_each_route_whatever_it_names() {
    let app = TestApp::start().await;
    let neo = app.client.new_user("neo@example.org").await;
    let calls: Vec<String> = (0..20).map(|_| format!("/api/v1/admin/users/{}/disable", new_id())).collect();
    let replies = futures_util::future::join_all(
        calls.iter().map(|path| app.client.post(path).bearer(&neo.access).send()),
    );
    for reply in replies.await {
        reply.problem(404, "not_found");
    }
    for _ in 0..2 {
        app.client.get("/api/v1/roles").bearer(&neo.access).send().await.problem(403, "forbidden");
    }
    // A visitor is denied nothing that is worth an entry.
    app.client.get("/api/v1/roles").send().await.problem(401, "token_missing");

    let expected = ["POST /api/v1/admin/users/{id}/disable", "GET /api/v1/roles"];
    assert_eq!(targets(&app, "call_denied").await, expected);
    let actor =
        "select actor_id, detail ->> 'code' from auth.audit_log where action = 'call_denied' order by seq";
    let rows = app.sql().await.query(actor, &[]).await.unwrap();
    assert_eq!((rows[0].get(0), rows[0].get::<_, &str>(1)), (user_of(&neo), "not_found"));
    assert!(verify(&app, &[]).await.0);
}

#[tokio::test]
async fn a_higher_rank_or_a_privilege_that_is_missing_is_a_denied_call() {
    let app = TestApp::start().await;
    let root = superuser(&app).await;
    let support = holder(&app, "support@example.org", &["users:write", "roles:write"]).await;
    let path = format!("/api/v1/admin/users/{}/disable", user_of(&root));
    app.client.post(&path).bearer(&support.access).send().await.problem(403, "forbidden");
    let role = json!({ "name": "a", "permissions": ["films:watch"] });
    let call = app.client.post("/api/v1/roles").bearer(&support.access).json(&role);
    call.send().await.problem(403, "privilege_escalation");
    let expected = ["POST /api/v1/admin/users/{id}/disable", "POST /api/v1/roles"];
    assert_eq!(targets(&app, "call_denied").await, expected);
}

#[tokio::test]
async fn disabling_oneself_and_renaming_a_role_without_every_permission_are_denied_calls() {
    let app = TestApp::start().await;
    let support = holder(&app, "support@example.org", &["users:write", "roles:write"]).await;
    make_role(&app, "plain", &[], &[]).await;
    let path = format!("/api/v1/admin/users/{}/disable", user_of(&support));
    app.client.post(&path).bearer(&support.access).send().await.problem(403, "forbidden");
    let name = json!({ "name": "other" });
    let call = app.client.patch("/api/v1/roles/plain").bearer(&support.access).json(&name);
    call.send().await.problem(403, "privilege_escalation");
    let expected = ["POST /api/v1/admin/users/{id}/disable", "PATCH /api/v1/roles/{role}"];
    assert_eq!(targets(&app, "call_denied").await, expected);
}

#[tokio::test]
async fn a_superuser_who_is_none_any_more_is_denied() {
    let app = TestApp::start().await;
    let (root, other) = (superuser(&app).await, superuser(&app).await);
    let holder = holding(&app, "select from auth.users for update").await;
    let path = format!("/api/v1/admin/users/{}/superuser", user_of(&other));
    let waiting = beside(app.client.delete(&path).bearer(&root.access));
    blocked(&holder, 1).await;
    let taken = format!("update auth.users set is_superuser = false where id = '{}'", user_of(&root));
    let_go(&holder, &taken).await;
    waiting.await.unwrap().problem(403, "forbidden");
    assert_eq!(targets(&app, "call_denied").await, ["DELETE /api/v1/admin/users/{id}/superuser"]);
}

#[tokio::test]
async fn reading_the_data_of_others_is_recorded_once_an_hour() {
    let app = TestApp::start().await;
    let root = superuser(&app).await;
    let neo = user_of(&app.client.new_user("neo@example.org").await);
    let read = async |path: &str| app.client.get(path).bearer(&root.access).send().await;
    for what in ["", "/sessions", "/login-history", "/accounts"] {
        read(&format!("/api/v1/admin/users/{neo}{what}")).await.expect(200);
        read(&format!("/api/v1/admin/users/{}{what}", user_of(&root))).await.expect(200);
        read(&format!("/api/v1/admin/users/{}{what}", new_id())).await.expect(404);
    }
    read(&format!("/api/v1/users/{neo}/roles")).await.expect(200);
    let question = json!({ "user_id": neo, "permissions": ["films:watch"] });
    app.client.post("/api/v1/authz/check").bearer(&root.access).json(&question).send().await.expect(200);
    assert_eq!(targets(&app, "user_viewed").await, [neo.to_string()]);
    for _ in 0..2 {
        read("/api/v1/admin/users").await.expect(200);
    }
    assert_eq!(targets(&app, "users_searched").await, [ISSUER]);

    app.sql()
        .await
        .batch_execute("update auth.audit_log set occurred_at = occurred_at - interval '61 minutes'")
        .await
        .unwrap();
    read(&format!("/api/v1/admin/users/{neo}")).await.expect(200);
    assert_eq!(targets(&app, "user_viewed").await.len(), 2);
}

#[tokio::test]
async fn data_whose_reading_cannot_be_recorded_are_not_shown() {
    let app = TestApp::start().await;
    let root = superuser(&app).await;
    let neo = user_of(&app.client.new_user("neo@example.org").await);
    app.sql().await.batch_execute("alter table auth.audit_head rename to gone").await.unwrap();
    let reply = app.client.get(&format!("/api/v1/admin/users/{neo}")).bearer(&root.access).send().await;
    reply.problem(500, "internal");
}
