//! The log is as short as the truth, and killed keys stay in it.

use std::time::Duration;

use admin::revocations::{NewRevocation, Pace};
use shared::revocation::{Kind, Until};
use uuid::Uuid;

use super::relay::{Stores, brisk};
use crate::support::until;

fn trimming() -> Pace {
    Pace { trim_every: Duration::from_millis(50), trim_at_least: 1, ..brisk() }
}

/// As if every revocation so far, but those of keys, had ended `ago`.
async fn let_all_end(stores: &Stores, ago: &str) {
    let end = format!("update auth.revocations set until = now() - interval '{ago}' where until is not null");
    stores.sql().await.batch_execute(&end).await.unwrap();
}

#[tokio::test]
async fn what_ended_leaves_the_log_and_the_table_and_the_floor_rises() {
    let stores = Stores::new().await;
    let _relay = stores.relay_with(trimming());
    stores.end_sessions(5).await;
    stores.log.await_count(5).await;
    stores.await_marks().await;
    let_all_end(&stores, "6 minutes").await;
    stores.end_sessions(1).await;

    let meta =
        until("the floor rises", async || stores.log.meta().await.filter(|meta| meta.floor == 5)).await;

    assert_eq!(meta.seq, 6);
    assert_eq!(stores.log.current().await.len(), 1);
    let left = stores.sql().await.query_one("select count(*) from auth.revocations", &[]).await.unwrap();
    assert_eq!(left.get::<_, i64>(0), 1);
}

#[tokio::test]
async fn what_ended_a_moment_ago_stays_for_those_who_read_late() {
    let stores = Stores::new().await;
    let _relay = stores.relay_with(trimming());
    stores.end_sessions(2).await;
    stores.log.await_count(2).await;
    stores.await_marks().await;
    let_all_end(&stores, "4 minutes").await;
    stores.record(&[NewRevocation::key("kid")]).await;
    stores.log.await_count(3).await;

    // Several looks later nothing has gone.
    let before = stores.log.meta().await.unwrap();
    stores.end_sessions(3).await;
    stores.log.await_count(6).await;
    assert_eq!(stores.log.meta().await.unwrap().floor, before.floor);
    assert_eq!(stores.log.current().await.len(), 6);
}

#[tokio::test]
async fn a_killed_key_is_carried_along_when_the_log_is_trimmed() {
    let stores = Stores::new().await;
    let _relay = stores.relay_with(trimming());
    stores.record(&[NewRevocation::key("killed")]).await;
    stores.end_sessions(4).await;
    stores.log.await_count(5).await;
    stores.await_marks().await;

    let_all_end(&stores, "6 minutes").await;

    until("the log is short", async || (stores.log.meta().await?.floor >= 5).then_some(())).await;
    let records = stores.log.current().await;
    assert_eq!(records.len(), 1);
    assert_eq!((records[0].kind, records[0].until), (Kind::Key, Until::Never));
}

#[tokio::test]
async fn a_killed_key_is_in_every_new_epoch() {
    let stores = Stores::new().await;
    stores.record(&[NewRevocation::key("killed")]).await;
    let old = "update auth.revocations set created_at = now() - interval '3 years'";
    stores.sql().await.batch_execute(old).await.unwrap();

    let _relay = stores.relay_with(trimming());

    stores.log.epoch_after(0).await;
    assert_eq!(stores.log.current().await[0].until, Until::Never);
}

#[tokio::test]
async fn a_log_with_nothing_to_drop_is_left_alone() {
    let stores = Stores::new().await;
    let relay = stores.relay_with(trimming());
    stores.record(&[NewRevocation::key("killed"), NewRevocation::session(Uuid::now_v7())]).await;
    stores.log.await_count(2).await;
    stores.end_sessions(2).await;
    stores.log.await_count(4).await;
    assert_eq!(relay.metrics.published.get(), 4);
    assert_eq!(stores.log.meta().await.unwrap().floor, 0);
}
