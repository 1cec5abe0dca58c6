//! What leaves the log, and what `admin audit verify` says before and after.

use serde_json::json;
use tokio_postgres::Client;

use super::verify;
use crate::support::{Command, TestApp, TestDatabase, connect, prefix, until, variables};
use crate::witness::{make_role, superuser, user_of};

/// A clock of the database that a test sets back: it hides the one of PostgreSQL.
const CLOCK: &str = "create schema fake;
    create table fake.shift (by interval not null);
    insert into fake.shift values (interval '0');
    create function fake.clock_timestamp() returns timestamptz language sql volatile
        as 'select pg_catalog.clock_timestamp() - (select by from fake.shift)';
    do $$ begin
        execute format('alter database %I set search_path = fake, pg_catalog, public', current_database());
    end $$";

/// The partition of the rows before the migration, which has all past months.
const DROP_FIRST: &str = "do $$ declare part text; begin
        for part in select inhrelid::regclass::text from pg_inherits
                    where inhparent = 'auth.audit_log'::regclass and inhrelid <> 'auth.audit_log_default'::regclass loop
            execute 'drop table ' || part;
        end loop;
    end $$";

/// A log with two rows in each of three months, of which two are old, and a service that drops these.
async fn dropped() -> (TestDatabase, Client, TestApp, String) {
    let database = TestDatabase::migrated().await;
    let sql = connect(&database.url).await;
    sql.batch_execute(DROP_FIRST).await.unwrap();
    sql.batch_execute(CLOCK).await.unwrap();
    let vars = variables(&database.url, &prefix());
    for (days, role) in [(100, "a"), (70, "b"), (0, "c")] {
        sql.execute("update fake.shift set by = make_interval(days => $1)", &[&days]).await.unwrap();
        for number in [1, 2] {
            let role = format!("{role}{number}");
            Command::new(&vars, &["roles", "create", &role]).run().await.succeeded();
        }
    }
    let first = TestApp::launch_on(vars.clone()).await;
    until("the months have partitions", async || {
        (first.context.metrics.audit_partitions_ahead.get() == 4).then_some(())
    })
    .await;
    assert_eq!(months(&sql).await, 3);
    let (is_whole, said) = verify(&first, &[]).await;
    assert!(is_whole && said.contains("6 rows"), "{said}");
    let place = said.split_whitespace().find(|word| word.starts_with("6:")).unwrap().to_owned();
    until("its first purge is complete", async || {
        sql.query_opt("select from auth.purges where name = 'audit_log'", &[]).await.unwrap().map(drop)
    })
    .await;
    sql.batch_execute("delete from auth.purges").await.unwrap();
    let mut vars = vars;
    vars.insert("ADMIN_AUDIT_RETENTION", "31d".to_owned());
    let app = TestApp::launch_on(vars).await;
    until("two months are dropped", async || (months(&sql).await == 1).then_some(())).await;
    (database, sql, app, place)
}

/// How many months have rows.
async fn months(sql: &Client) -> i64 {
    sql.query_one("select count(distinct tableoid) from auth.audit_log", &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn the_chain_begins_after_the_months_that_were_dropped() {
    let (_database, sql, app, place) = dropped().await;

    let (is_whole, said) = verify(&app, &[]).await;
    assert!(is_whole && said.contains("2 rows") && said.contains("Rows up to 4 were dropped"), "{said}");
    assert!(verify(&app, &["--since", &place]).await.0);
    Command::new(&app.vars, &["roles", "create", "d"]).run().await.succeeded();
    let (is_whole, said) = verify(&app, &["--since", &place]).await;
    assert!(is_whole && said.contains("3 rows"), "{said}");
    let old = format!("3:{}", "0".repeat(64));
    let (is_whole, said) = verify(&app, &["--since", &old]).await;
    assert!(!is_whole && said.contains("row 3 was dropped"), "{said}");

    let kept = "create table public.kept as table auth.audit_log; create table public.starts as table auth.audit_starts;
                create table public.head as table auth.audit_head";
    sql.batch_execute(kept).await.unwrap();
    for (touch, expected) in [
        ("delete from auth.audit_log where seq = 5", "row 5 is missing"),
        ("delete from auth.audit_log where seq = 6", "row 6 is missing"),
        ("delete from auth.audit_log where seq = 7", "ends at row 6, but 7"),
        ("delete from auth.audit_starts", "row 1 is missing"),
        ("delete from auth.audit_starts where seq = 4", "row 3 is missing"),
        ("update auth.audit_starts set seq = 5 where seq = 4; delete from auth.audit_log where seq = 5", "after row 5"),
        ("update auth.audit_starts set (seq, seal) = (select seq, seal from auth.audit_log where seq = 5) where seq = 4;
          delete from auth.audit_log where seq = 5", "after row 5"),
        ("update auth.audit_log set action = 'role_changed' where seq = 5", "row 5 was changed"),
    ] {
        sql.batch_execute(touch).await.unwrap();
        let (is_whole, said) = verify(&app, &[]).await;
        assert!(!is_whole && said.contains(expected), "{touch}: {said}");
        sql.batch_execute(
            "truncate auth.audit_log, auth.audit_starts; insert into auth.audit_log table public.kept;
             insert into auth.audit_starts table public.starts",
        )
        .await
        .unwrap();
        assert!(verify(&app, &[]).await.0, "put back after {touch}");
    }
}

#[tokio::test]
async fn a_month_that_lost_its_first_rows_is_not_dropped() {
    let database = TestDatabase::migrated().await;
    let sql = connect(&database.url).await;
    sql.batch_execute(DROP_FIRST).await.unwrap();
    sql.batch_execute(CLOCK).await.unwrap();
    let mut vars = variables(&database.url, &prefix());
    sql.batch_execute("update fake.shift set by = interval '100 days'").await.unwrap();
    for role in ["a", "b"] {
        Command::new(&vars, &["roles", "create", role]).run().await.succeeded();
    }
    sql.batch_execute("update fake.shift set by = interval '0'; delete from auth.audit_log where seq = 1")
        .await
        .unwrap();
    let first = TestApp::launch_on(vars.clone()).await;
    until("the months have partitions", async || {
        (first.context.metrics.audit_partitions_ahead.get() == 4).then_some(())
    })
    .await;
    until("its first purge is complete", async || {
        sql.query_opt("select from auth.purges where name = 'audit_log'", &[]).await.unwrap().map(drop)
    })
    .await;
    sql.batch_execute("delete from auth.purges").await.unwrap();
    vars.insert("ADMIN_AUDIT_RETENTION", "31d".to_owned());
    let app = TestApp::launch_on(vars).await;
    until("it is refused", async || {
        let text = app.ops.get("/metrics").send().await.text;
        text.contains("usher_admin_purge_failures_total{purge=\"audit_log\"} 1").then_some(())
    })
    .await;
    let (is_whole, said) = verify(&app, &[]).await;
    assert!(!is_whole && said.contains("row 1 is missing"), "{said}");
}

#[tokio::test]
async fn an_erased_field_is_reported_and_a_changed_one_is_found() {
    let app = TestApp::start().await;
    let root = superuser(&app).await;
    let neo = user_of(&app.client.new_user("neo@example.org").await);
    make_role(&app, "a", &[], &[]).await;
    let call = app.client.put(&format!("/api/v1/users/{neo}/roles/a")).bearer(&root.access);
    call.json(&json!({ "reason": "Paid." })).send().await.expect(201);
    let sql = app.sql().await;
    let seq = "select max(seq) from auth.audit_log where texts is not null and address is not null";
    let seq: i64 = sql.query_one(seq, &[]).await.unwrap().get(0);
    let touch = async |set: &str| {
        sql.batch_execute(&format!("update auth.audit_log set {set} where seq = {seq}")).await.unwrap();
        verify(&app, &[]).await
    };
    let (is_whole, said) = touch("texts = texts").await;
    assert!(is_whole && !said.contains("erased"), "{said}");
    // A salt without its value, and a value without its salt.
    for set in ["texts_salt = null", "texts = null, texts_salt = decode(repeat('00', 32), 'hex')"] {
        let (is_whole, said) = touch(set).await;
        assert!(!is_whole && said.contains(&format!("row {seq} was changed")), "{set}: {said}");
    }
    let (is_whole, said) = touch("texts = null, texts_salt = null").await;
    assert!(is_whole && said.contains("1 personal fields were erased"), "{said}");
    let (is_whole, said) = touch("address = null, address_salt = null").await;
    assert!(is_whole && said.contains("2 personal fields were erased"), "{said}");
    let (is_whole, said) =
        touch("texts = '{\"reason\":\"Forged.\"}', texts_salt = decode(repeat('00', 32), 'hex')").await;
    assert!(!is_whole && said.contains(&format!("row {seq} was changed")), "{said}");
}
