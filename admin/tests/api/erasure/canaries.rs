//! After an erasure nothing of the user is in any table, partition or key.

use mock_providers::Provider::{GitHub, X};
use serde_json::json;
use tokio_postgres::Client;
use uuid::Uuid;

use super::{flow, request, settle};
use crate::support::{Call, Cinema, Command, PASSWORD, Pair, TestApp};
use crate::witness::{assign, make_role, refresh, sign_in, superuser, user_of};

/// Texts that are of this user alone.
const CANARIES: [&str; 11] = [
    "canary.mail",
    "CanaryLogin",
    "canarylogin",
    "Canary Display",
    "CanaryFirst",
    "CanaryLast",
    "+79990001122",
    "CanaryBrowser",
    "203.0.113.77",
    "Canary Device",
    "Canary Reason",
];

const EMAIL: &str = "canary.mail@example.org";

/// Where a text is: table and row, in any column, as it is or in hexadecimal.
async fn found_in_tables(sql: &Client, texts: &[String]) -> Vec<String> {
    let tables = "select c.oid::regclass::text from pg_class c
                  where c.relnamespace = 'auth'::regnamespace and c.relkind = 'r' order by 1";
    let mut found = Vec::new();
    for table in sql.query(tables, &[]).await.unwrap() {
        let table: String = table.get(0);
        let rows = sql.query(&format!("select t::text from {table} t"), &[]).await.unwrap();
        for row in rows {
            let row: String = row.get(0);
            let row = row.to_lowercase();
            found.extend(
                texts.iter().filter(|text| row.contains(*text)).map(|text| format!("{table}: {text}: {row}")),
            );
        }
    }
    found
}

/// The same in all keys of the service.
async fn found_in_redis(app: &TestApp, texts: &[String]) -> Vec<String> {
    let mut redis = app.log.redis().await;
    let pattern = format!("{}*", app.vars["REDIS_PREFIX"]);
    let keys: Vec<String> = redis::cmd("KEYS").arg(&pattern).query_async(&mut redis).await.unwrap();
    let mut found = Vec::new();
    for key in keys {
        // DUMP has the value of any type, byte for byte if it is not compressed.
        let dump: Option<Vec<u8>> = redis::cmd("DUMP").arg(&key).query_async(&mut redis).await.unwrap();
        let content = format!("{key} {}", String::from_utf8_lossy(&dump.unwrap_or_default())).to_lowercase();
        found
            .extend(texts.iter().filter(|text| content.contains(*text)).map(|text| format!("{key}: {text}")));
    }
    found
}

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

/// A client whose address and program are canaries.
fn client(call: Call) -> Call {
    call.header("x-forwarded-for", "203.0.113.77").header("user-agent", "CanaryBrowser/1.0")
}

fn by_login(app: &TestApp) -> Call {
    app.client.post("/api/v1/auth/login").json(&json!({ "login": "canarylogin", "password": PASSWORD }))
}

/// The user does everything that leaves a trace. Returns the user and the last pair.
async fn live(cinema: &Cinema) -> (Uuid, Pair) {
    let app = &cinema.app;
    let root = superuser(app).await;
    let body = json!({ "email": EMAIL, "login": "CanaryLogin", "password": PASSWORD, "display_name": "Canary Display" });
    app.client.post("/api/v1/auth/register").json(&body).send().await.expect(201);
    let body = json!({ "email": EMAIL, "password": PASSWORD, "device_name": "Canary Device" });
    let pair = client(app.client.post("/api/v1/auth/login").json(&body)).send().await.pair();
    let user = user_of(&pair);
    let profile = json!({ "first_name": "CanaryFirst", "last_name": "CanaryLast", "phone": "+79990001122" });
    client(app.client.patch("/api/v1/me").bearer(&pair.access).json(&profile)).send().await.expect(200);
    for provider in [GitHub, X] {
        let mut browser = cinema.browser();
        cinema.add_person(provider, "canary-mail", Some("canary.mail@provider.example"), true);
        browser.try_to_link(&pair, provider, "canary-mail").await.expect(200);
    }
    let call = app.client.get("/api/v1/roles").bearer(&pair.access);
    client(call).send().await.problem(403, "forbidden");
    client(sign_in(app, EMAIL, "not the password")).send().await.problem(401, "invalid_credentials");
    client(app.client.post("/api/v1/auth/password/forgot").json(&json!({ "email": EMAIL })))
        .send()
        .await
        .expect(202);
    // The user becomes an operator, and acts.
    make_role(app, "support", &["users:write"], &[]).await;
    let grant = json!({ "reason": "Canary Reason" });
    let path = format!("/api/v1/users/{user}/roles/support");
    app.client.put(&path).bearer(&root.access).json(&grant).send().await.expect(201);
    assign(app, EMAIL, "support").await;
    let pair = client(refresh(app, &pair.refresh)).send().await.pair();
    let other = user_of(&app.client.new_user("other@example.org").await);
    let path = format!("/api/v1/admin/users/{other}/disable");
    client(app.client.post(&path).bearer(&pair.access)).send().await.expect(204);
    app.client
        .put(&format!("/api/v1/admin/users/{user}/email"))
        .bearer(&root.access)
        .json(&json!({ "email": "canary.mail2@example.org", "reason": "Canary Reason" }))
        .send()
        .await
        .expect(204);
    let rows = "insert into auth.email_changes (user_id, email, email_key, token_hash, device_epoch, undo_until)
                select id, 'Canary.Mail3@example.org', 'canary.mail3@example.org', sha256('3'), 0, clock_timestamp()
                from auth.users where login_key = 'canarylogin';
                insert into auth.recoveries (user_id, email_key, effective_at)
                select id, email_key, clock_timestamp() from auth.users where login_key = 'canarylogin'";
    app.sql().await.batch_execute(rows).await.unwrap();
    let pair = client(by_login(app)).send().await.pair();

    (user, pair)
}

#[tokio::test]
async fn nothing_of_the_user_is_left() {
    let mail = [
        // No server listens there: mails wait.
        ("ADMIN_MAIL_URL", "smtp://127.0.0.1:1"),
        ("ADMIN_MAIL_TLS", "none"),
        ("ADMIN_MAIL_FROM", "no-reply@cinema.example"),
        ("ADMIN_REGISTRATION", "open"),
    ];
    let cinema = Cinema::start_with(&mail).await;
    let app = &cinema.app;
    let (user, pair) = live(&cinema).await;

    let texts: Vec<String> = CANARIES
        .iter()
        .flat_map(|text| [text.to_lowercase(), hex(text), hex(&text.to_lowercase())])
        .collect();
    let sql = app.sql().await;
    let before = found_in_tables(&sql, &texts).await;
    for canary in CANARIES {
        assert!(before.iter().any(|found| found.contains(&canary.to_lowercase())), "{canary} was there");
    }

    client(app.client.post("/api/v1/me/erase").bearer(&pair.access)).send().await.expect(202);
    let problem = client(by_login(app)).send().await.problem(403, "erasure_pending");
    let flow = json!({ "flow": problem["flow"] });
    client(app.client.post("/api/v1/auth/erasure/erase-now").json(&flow)).send().await.expect(204);

    assert_eq!(found_in_tables(&sql, &texts).await, Vec::<String>::new());
    assert_eq!(found_in_redis(app, &texts).await, Vec::<String>::new());
    // The identifier is left in the audit log and in the record, and nowhere else.
    let places = found_in_tables(&sql, &[user.to_string()]).await;
    let elsewhere =
        |place: &&String| !place.starts_with("auth.audit_log") && !place.starts_with("auth.erasures:");
    assert_eq!(places.iter().filter(elsewhere).collect::<Vec<_>>(), Vec::<&String>::new());
    assert!(places.len() > 3, "{places:?}");
    assert_eq!(found_in_redis(app, &[user.to_string()]).await, Vec::<String>::new());
    let verified = Command::new(&app.vars, &["audit", "verify"]).run().await.succeeded();
    assert!(verified.contains("personal fields were erased"), "{verified}");
}

#[tokio::test]
async fn under_a_hold_the_history_stays_and_names_no_category() {
    let app = TestApp::start_with(&[("ADMIN_HISTORY_HOLD", "1095d")]).await;
    let pair = app.client.new_user(EMAIL).await;
    request(&app, &pair).await;
    settle(&app, "erase-now", &flow(&app, EMAIL).await).await.expect(204);
    let sql = app.sql().await;
    let kept = "select count(*) from auth.login_history where user_id = $1";
    assert!(sql.query_one(kept, &[&user_of(&pair)]).await.unwrap().get::<_, i64>(0) > 0);
    let named = "select 'login_history' = any(categories) from auth.erasures where user_id = $1";
    assert!(!sql.query_one(named, &[&user_of(&pair)]).await.unwrap().get::<_, bool>(0));
}
