//! The harness itself: its servers start, are killed, restart and leave no process or file.

use std::net::TcpStream;

use harness::{Database, Folder, Postgres, Redis, environment, procfs};

fn listens(port: u16) -> bool {
    TcpStream::connect(("127.0.0.1", port)).is_ok()
}

#[tokio::test]
async fn redis_killed_comes_back_empty_at_the_same_address() {
    let mut redis = Redis::start().await.unwrap();
    let url = redis.url();
    redis.kill().unwrap();
    assert!(!listens(redis.port()));
    redis.start_empty().await.unwrap();
    assert_eq!(redis.url(), url);
    assert!(listens(redis.port()));
}

#[tokio::test]
async fn dropping_a_server_ends_it_and_removes_its_folder() {
    let folder = Folder::temporary().unwrap();
    let path = folder.path().to_owned();
    let settings =
        harness::redis::RedisSettings { folder, port: 0, password: None, durable: true, ledger: None };
    let redis = Redis::start_with(settings).await.unwrap();
    let process = redis.process().identity().unwrap();
    drop(redis);
    assert!(!process.is_running());
    assert!(!path.exists());
}

#[tokio::test]
async fn postgres_keeps_what_it_held_over_a_stop_and_a_kill() {
    let mut postgres = Postgres::start().await.unwrap();
    let database = Database::create(&postgres.url()).await.unwrap();
    let workers = procfs::descendants(postgres.process().identity().unwrap().pid);
    postgres.kill().unwrap();
    assert!(workers.iter().all(|worker| !worker.is_running()));
    postgres.start_again().await.unwrap();
    postgres.stop().await.unwrap();
    postgres.start_again().await.unwrap();
    assert!(tokio_postgres::connect(database.url(), tokio_postgres::NoTls).await.is_ok());
}

#[tokio::test]
async fn a_test_s_database_goes_with_it() {
    let server = environment::test_database_url().unwrap();
    let database = Database::create(&server).await.unwrap();
    let url = database.url().to_owned();
    assert!(tokio_postgres::connect(&url, tokio_postgres::NoTls).await.is_ok());
    drop(database);
    assert!(tokio_postgres::connect(&url, tokio_postgres::NoTls).await.is_err());
}

#[tokio::test]
async fn servers_that_root_starts_run_as_another_user() {
    let redis = Redis::start().await.unwrap();
    let status = std::fs::read_to_string(format!("/proc/{}/status", redis.process().identity().unwrap().pid));
    let uids = status.unwrap().lines().find(|line| line.starts_with("Uid:")).unwrap().to_owned();
    assert!(uids.split_whitespace().skip(1).all(|uid| uid != "0"), "{uids}");
}
