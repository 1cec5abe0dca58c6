//! A relay that stops as planned leaves its epoch, and the next one continues it if Redis agrees.

use std::time::Duration;

use admin::revocations::{NewRevocation, RelayTiming};
use redis::AsyncCommands as _;
use shared::revocation::Kind;

use super::relay::{Stores, brisk};
use crate::support::until;

/// A relay with three records stopped as planned.
async fn left() -> Stores {
    let stores = Stores::new().await;
    let relay = stores.relay();
    stores.end_sessions(3).await;
    stores.log.await_count(3).await;
    stores.await_marks().await;
    relay.stop().await;
    stores
}

#[tokio::test]
async fn the_next_relay_continues_the_epoch_of_one_that_stopped_as_planned() {
    let stores = left().await;
    let relay = stores.relay();
    stores.end_sessions(1).await;
    let meta = stores.log.await_count(4).await;
    assert_eq!((meta.epoch, meta.seq, relay.metrics.epochs.get()), (1, 4, 0));
    assert_eq!((relay.is_leading(), relay.metrics.epoch.get()), (true, 1));
}

#[tokio::test]
async fn what_was_committed_between_two_relays_is_published_in_the_same_epoch() {
    let stores = left().await;
    stores.end_sessions(2).await;
    let _relay = stores.relay();
    assert_eq!(stores.log.await_count(5).await.epoch, 1);
}

#[tokio::test]
async fn an_epoch_that_was_left_is_continued_only_once() {
    let stores = left().await;
    let relay = stores.relay();
    until("it leads", async || relay.is_leading().then_some(())).await;
    drop(relay);
    let _next = stores.relay();
    assert_eq!(stores.log.epoch_after(1).await.seq, 3);
}

#[tokio::test]
async fn an_epoch_is_not_continued_if_redis_was_emptied() {
    let stores = left().await;
    let keys = &stores.log.keys;
    let () = stores.log.redis().await.del(&[&keys.meta, &keys.log, &keys.roles]).await.unwrap();
    let _relay = stores.relay();
    assert_eq!(stores.log.epoch_after(1).await.seq, 3);
}

#[tokio::test]
async fn an_epoch_is_not_continued_if_anything_in_redis_has_changed() {
    let changes =
        [("epoch", "9"), ("seq", "2"), ("roles", "99"), ("history", "1:00"), ("hb_open", "999999999")];
    for (field, value) in changes {
        let stores = left().await;
        let () = stores.log.redis().await.hset(&stores.log.keys.meta, field, value).await.unwrap();
        let _relay = stores.relay();
        let meta = stores.log.epoch_after(1).await;
        let meta = if meta.epoch == 9 { stores.log.epoch_after(9).await } else { meta };
        assert!(meta.seq == 3 && meta.epoch > 1, "{field}");
    }
}

#[tokio::test]
async fn an_epoch_is_not_continued_if_a_record_is_missing() {
    let stores = left().await;
    let () = stores.log.redis().await.xdel(&stores.log.keys.log, &["1-2"]).await.unwrap();
    let _relay = stores.relay();
    assert_eq!(stores.log.epoch_after(1).await.seq, 3);
}

#[tokio::test]
async fn an_epoch_is_not_continued_on_another_master() {
    let stores = left().await;
    let other = "update auth.revocation_handover set replication = repeat('0', 40)";
    stores.sql().await.batch_execute(other).await.unwrap();
    let _relay = stores.relay();
    assert_eq!(stores.log.epoch_after(1).await.seq, 3);
}

#[tokio::test]
async fn a_log_is_trimmed_after_its_epoch_was_continued() {
    let stores = Stores::new().await;
    let relay = stores.relay();
    stores.record(&[NewRevocation::key("a key")]).await;
    stores.end_sessions_shortly(4).await;
    stores.log.await_count(5).await;
    stores.await_marks().await;
    relay.stop().await;
    let trimming = RelayTiming {
        trim_every: Duration::from_millis(50),
        trim_at_least: 1,
        keep: Duration::ZERO,
        ..brisk()
    };
    let _relay = stores.relay_with(trimming);
    let only_the_key = async || {
        let records = stores.log.current().await;
        records.iter().all(|record| record.kind == Kind::Key).then_some(records.len())
    };
    assert_eq!(until("the other records are trimmed", only_the_key).await, 1);
    assert_eq!(stores.log.meta().await.unwrap().epoch, 1);
}
