//! The months of the history, with the day as a parameter.

use admin::partitions::{LOGIN_HISTORY, keep as keep_table};
use jiff::civil::{Date, date};

use crate::support::{TestApp, TestDatabase, connect, until};
use crate::witness::sign_in;

/// A database whose partitions no task maintains, and a connection like the service's.
async fn unkept() -> (TestDatabase, admin::db::Connection, tokio_postgres::Client) {
    let database = TestDatabase::migrated().await;
    let connection = admin::db::Db::new(&database.config()).get().await.expect("a connection");
    let client = connect(&database.url).await;
    (database, connection, client)
}

async fn keep(connection: &mut admin::db::Connection, today: Date) -> Result<usize, admin::db::DbError> {
    keep_table(connection, LOGIN_HISTORY, today).await
}

async fn insert(sql: &tokio_postgres::Client, moment: &str) {
    let insert = format!(
        "insert into auth.login_history (id, occurred_at, event, request_id)
         values (gen_random_uuid(), '{moment}', 'login', '{moment}')"
    );
    sql.batch_execute(&insert).await.expect("it is inserted");
}

/// The table that contains the entry of a moment.
async fn place_of(sql: &tokio_postgres::Client, moment: &str) -> String {
    let place = "select tableoid::regclass::text from auth.login_history where request_id = $1";
    sql.query_one(place, &[&moment]).await.expect("the entry exists").get(0)
}

async fn partitions(sql: &tokio_postgres::Client) -> Vec<String> {
    let names = "select inhrelid::regclass::text from pg_inherits
                 where inhparent = 'auth.login_history'::regclass order by 1";
    sql.query(names, &[]).await.expect("asking").iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn this_month_and_three_ahead_are_kept() {
    let (_database, mut connection, sql) = unkept().await;
    assert_eq!(keep(&mut connection, date(2026, 12, 31)).await.unwrap(), 4);
    assert_eq!(keep(&mut connection, date(2026, 12, 31)).await.unwrap(), 4);
    assert_eq!(
        partitions(&sql).await,
        [
            "auth.login_history_2026_12",
            "auth.login_history_2027_01",
            "auth.login_history_2027_02",
            "auth.login_history_2027_03",
            "auth.login_history_default"
        ]
    );
    assert_eq!(keep(&mut connection, date(2027, 1, 1)).await.unwrap(), 4);
    assert!(partitions(&sql).await.contains(&"auth.login_history_2027_04".to_owned()));
}

#[tokio::test]
async fn the_turn_of_the_year_loses_no_moment() {
    let (_database, mut connection, sql) = unkept().await;
    keep(&mut connection, date(2026, 12, 31)).await.unwrap();
    for (moment, place) in [
        ("2026-11-30 23:59:59.999999Z", "auth.login_history_default"),
        ("2026-12-01 00:00:00Z", "auth.login_history_2026_12"),
        ("2026-12-31 23:59:59.999999Z", "auth.login_history_2026_12"),
        ("2027-01-01 00:00:00Z", "auth.login_history_2027_01"),
        ("2027-01-01 02:59:59+03", "auth.login_history_2026_12"),
        ("2026-12-31 19:00:00-05", "auth.login_history_2027_01"),
        ("2027-03-31 23:59:59.999999Z", "auth.login_history_2027_03"),
        ("2027-04-01 00:00:00Z", "auth.login_history_default"),
    ] {
        insert(&sql, moment).await;
        assert_eq!(place_of(&sql, moment).await, place, "{moment}");
    }
}

#[tokio::test]
async fn bounds_are_utc_whatever_the_sessions_time_zone_is() {
    let (_database, mut connection, sql) = unkept().await;
    connection.batch_execute("set timezone = 'Asia/Vladivostok'").await.unwrap();
    keep(&mut connection, date(2027, 1, 1)).await.unwrap();
    insert(&sql, "2027-01-01 00:00:00Z").await;
    assert_eq!(place_of(&sql, "2027-01-01 00:00:00Z").await, "auth.login_history_2027_01");
}

#[tokio::test]
async fn rows_in_the_default_partition_move_to_the_partition_of_their_month() {
    let (_database, mut connection, sql) = unkept().await;
    let moments = [
        "2026-12-31 23:59:59.999999Z",
        "2027-01-01 00:00:00Z",
        "2027-02-14 12:00:00Z",
        "2030-01-01 00:00:00Z",
    ];
    for moment in moments {
        insert(&sql, moment).await;
        assert_eq!(place_of(&sql, moment).await, "auth.login_history_default");
    }

    assert_eq!(keep(&mut connection, date(2027, 1, 1)).await.unwrap(), 4);

    assert_eq!(place_of(&sql, moments[0]).await, "auth.login_history_2026_12");
    assert_eq!(place_of(&sql, moments[1]).await, "auth.login_history_2027_01");
    assert_eq!(place_of(&sql, moments[2]).await, "auth.login_history_2027_02");
    assert_eq!(place_of(&sql, moments[3]).await, "auth.login_history_default");
    let count = sql.query_one("select count(*) from auth.login_history", &[]).await.unwrap();
    assert_eq!(count.get::<_, i64>(0), 4);
}

#[tokio::test]
async fn every_partition_has_the_index_of_the_whole() {
    let (_database, mut connection, sql) = unkept().await;
    keep(&mut connection, date(2027, 1, 1)).await.unwrap();
    let attached =
        "select count(*) from pg_inherits where inhparent = 'auth.login_history_of_user'::regclass";
    assert_eq!(sql.query_one(attached, &[]).await.unwrap().get::<_, i64>(0), 5);
}

#[tokio::test]
async fn replicas_keep_them_together() {
    let (database, _connection, sql) = unkept().await;
    let db = admin::db::Db::new(&database.config());
    let keepers = (0..6).map(|_| async {
        let mut connection = db.get().await.unwrap();
        keep(&mut connection, date(2026, 12, 31)).await.unwrap()
    });
    assert_eq!(futures_util::future::join_all(keepers).await, [4; 6]);
    assert_eq!(partitions(&sql).await.len(), 5);
}

#[tokio::test]
async fn signing_in_goes_on_while_a_month_is_made() {
    let app = TestApp::start().await;
    app.client.register("neo@example.org").await.expect(201);
    until("the months are kept", async || (app.context.metrics.partitions_ahead.get() == 4).then_some(()))
        .await;
    let mut connection = app.context.db.get().await.unwrap();
    let far: Date = date(2031, 5, 31);
    let (kept, reply) = tokio::join!(
        keep(&mut connection, far),
        sign_in(&app, "neo@example.org", crate::support::PASSWORD).send()
    );
    assert_eq!(kept.unwrap(), 4);
    reply.pair();
}

#[tokio::test]
async fn a_running_service_keeps_them_and_says_how_many() {
    let app = TestApp::start().await;
    until("the months are kept", async || {
        let metrics = app.ops.get("/metrics").send().await.text;
        metrics.contains("usher_admin_history_partitions_ahead 4").then_some(())
    })
    .await;
    assert_eq!(partitions(&app.sql().await).await.len(), 5);
}
