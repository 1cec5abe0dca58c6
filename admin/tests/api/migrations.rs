//! The schema after all migrations, and the rules of `migrations/README.md` checked against the catalogue.

use admin::db::{Db, Schema, migrate};

use crate::support::{Command, TestDatabase, connect, prefix, variables};

/// The first column of every row.
async fn names(database: &TestDatabase, sql: &str) -> Vec<String> {
    let rows = connect(&database.url).await.query(sql, &[]).await.expect("the catalogue answers");
    rows.iter().map(|row| row.get(0)).collect()
}

async fn schema(database: &TestDatabase) -> Schema {
    let connection = Db::new(&database.config()).get().await.expect("a connection");
    Schema::of(&connection).await.expect("PostgreSQL answers")
}

#[tokio::test]
async fn an_empty_database_is_behind_and_a_migrated_one_ready() {
    let database = TestDatabase::empty().await;
    assert!(matches!(schema(&database).await, Schema::Behind { missing } if missing > 0));
    let applied = migrate(&database.config()).await.expect("they apply");
    assert!(applied > 0);
    assert_eq!(schema(&database).await, Schema::Ready);
    assert_eq!(migrate(&database.config()).await.expect("nothing to do"), 0);
}

#[tokio::test]
async fn one_missing_migration_is_enough_to_be_behind() {
    let database = TestDatabase::migrated().await;
    let sql = connect(&database.url).await;
    let forget =
        "delete from auth.schema_history where version = (select max(version) from auth.schema_history)";
    sql.batch_execute(forget).await.expect("the statement succeeds");
    assert_eq!(schema(&database).await, Schema::Behind { missing: 1 });
}

#[tokio::test]
async fn the_previous_program_works_on_a_newer_schema() {
    let database = TestDatabase::migrated().await;
    let sql = connect(&database.url).await;
    let newer = "insert into auth.schema_history (version, name, applied_on, checksum)
                 values (9999, 'of_the_next_release', '2030-01-01T00:00:00Z', '1')";
    sql.batch_execute(newer).await.expect("the statement succeeds");
    assert_eq!(schema(&database).await, Schema::Ready);
    assert_eq!(migrate(&database.config()).await.expect("nothing to do"), 0);
}

#[tokio::test]
async fn a_migration_that_was_changed_after_it_was_applied_is_an_error() {
    let database = TestDatabase::migrated().await;
    let sql = connect(&database.url).await;
    sql.batch_execute("update auth.schema_history set checksum = '1' where version = 1")
        .await
        .expect("the statement succeeds");
    assert_eq!(schema(&database).await, Schema::Different { version: 1 });
    let why = migrate(&database.config()).await.unwrap_err().to_string();
    assert!(why.contains("migration V1 of this database differs"), "{why}");
}

#[tokio::test]
async fn a_database_that_a_build_between_releases_migrated_is_said_to_be_one() {
    let database = TestDatabase::migrated().await;
    connect(&database.url)
        .await
        .batch_execute("delete from auth.schema_history where version = 3")
        .await
        .unwrap();
    assert_eq!(schema(&database).await, Schema::Behind { missing: 1 });
    let why = migrate(&database.config()).await.unwrap_err().to_string();
    assert!(why.contains("lacks migration V3"), "{why}");
}

/// A migration that PostgreSQL refuses: the message of the server is shown.
#[tokio::test]
async fn a_migration_that_fails_says_why() {
    let database = TestDatabase::empty().await;
    let taken = "create schema auth; create table auth.users (id integer)";
    connect(&database.url).await.batch_execute(taken).await.unwrap();
    let why = migrate(&database.config()).await.unwrap_err().to_string();
    assert!(why.contains("V10__") && why.contains("already exists (42P07)"), "{why}");
}

#[tokio::test]
async fn a_service_whose_database_another_build_migrated_or_that_is_refused_ends_with_the_reason() {
    let database = TestDatabase::migrated().await;
    let vars = variables(&database.url, &prefix());
    let changed = "update auth.schema_history set checksum = '1' where version = 1";
    connect(&database.url).await.batch_execute(changed).await.unwrap();
    let ended = Command::new(&vars, &["serve"]).run().await;
    assert!(ended.code == 1 && ended.err.contains("migration V1 of the database differs"), "{ended:?}");
    let mut url: url::Url = database.url.parse().unwrap();
    url.set_path("/no_such_database");
    for command in [&["serve"][..], &["migrate"]] {
        let ended = Command::new(&variables(url.as_str(), &prefix()), command).run().await;
        assert!(ended.code == 1 && ended.err.contains("PostgreSQL refuses the connection"), "{ended:?}");
    }
}

#[tokio::test]
async fn everything_lies_in_one_schema() {
    let database = TestDatabase::migrated().await;
    let strangers = "select c.relname::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
                     where n.nspname not in ('auth', 'pg_catalog', 'information_schema', 'pg_toast')";
    assert_eq!(names(&database, strangers).await, Vec::<String>::new());
}

#[tokio::test]
async fn every_table_column_and_function_has_a_comment() {
    let database = TestDatabase::migrated().await;
    let tables = "select c.relname::text from pg_class c
                  where c.relnamespace = 'auth'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
                    and c.relname <> 'schema_history' and obj_description(c.oid, 'pg_class') is null";
    let columns = "select c.relname || '.' || a.attname from pg_class c
                   join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
                   where c.relnamespace = 'auth'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
                     and c.relname <> 'schema_history' and col_description(c.oid, a.attnum) is null";
    let functions = "select proname::text from pg_proc
                     where pronamespace = 'auth'::regnamespace and obj_description(oid, 'pg_proc') is null";
    for uncommented in [tables, columns, functions] {
        assert_eq!(names(&database, uncommented).await, Vec::<String>::new());
    }
}

#[tokio::test]
async fn no_constraint_bears_a_name_that_postgres_made_up() {
    let database = TestDatabase::migrated().await;
    // Checks and foreign keys are named <table>_<column>_check and <table>_<column>_fkey.
    let made_up = "select con.conname::text from pg_constraint con join pg_class c on c.oid = con.conrelid
                   where con.connamespace = 'auth'::regnamespace and not c.relispartition
                     and c.relname <> 'schema_history'
                     and exists (select 1 from pg_attribute a where a.attrelid = c.oid and a.attnum > 0
                                 and con.conname in (c.relname || '_' || a.attname || '_check',
                                                     c.relname || '_' || a.attname || '_key'))";
    assert_eq!(names(&database, made_up).await, Vec::<String>::new());
}

#[tokio::test]
async fn every_foreign_key_has_an_index_that_begins_with_it() {
    let database = TestDatabase::migrated().await;
    let bare = "select con.conname::text from pg_constraint con
                where con.contype = 'f' and con.connamespace = 'auth'::regnamespace
                  and not exists (select 1 from pg_index i where i.indrelid = con.conrelid
                                  and i.indkey[0] = con.conkey[1])";
    assert_eq!(names(&database, bare).await, Vec::<String>::new());
}
