//! When a new epoch begins, and that it contains all records.

use admin::revocations::{self, NewRevocation, RelayTiming};
use redis::AsyncCommands as _;
use shared::revocation::{Kind, RecordKey};

use super::relay::{Stores, brisk};
use crate::support::{ISSUER, new_id, until};

#[tokio::test]
async fn the_first_relay_opens_an_epoch_for_an_empty_log() {
    let stores = Stores::new().await;
    let _relay = stores.relay();
    let meta = stores.log.epoch_after(0).await;
    assert_eq!((meta.epoch, meta.seq, meta.floor), (1, 0, 0));
}

#[tokio::test]
async fn every_unexpired_row_is_in_a_new_epoch() {
    let stores = Stores::new().await;
    stores.end_sessions(7).await;
    let ended = "update auth.revocations set until = now() - interval '1 second' where id = 3";
    stores.sql().await.batch_execute(ended).await.unwrap();

    let _relay = stores.relay();

    assert_eq!(stores.log.epoch_after(0).await.seq, 6);
    assert_eq!(stores.log.current().await.len(), 6);
}

#[tokio::test]
async fn a_log_longer_than_a_batch_is_filled_whole() {
    let stores = Stores::new().await;
    stores.end_sessions(25).await;
    let _relay = stores.relay_with(RelayTiming { batch: 10, ..brisk() });
    assert_eq!(stores.log.epoch_after(0).await.seq, 25);
    assert_eq!(stores.log.current().await.len(), 25);
    stores.await_marks().await;
}

#[tokio::test]
async fn a_record_committed_late_below_the_current_page_is_published() {
    let stores = Stores::new().await;
    let mut connection = stores.db.get().await.unwrap();
    let late = connection.begin().await.unwrap();
    let sid = new_id();
    revocations::record(&late, ISSUER, &[NewRevocation::session(sid)]).await.unwrap();
    stores.end_sessions(20).await;
    let held = stores.hold_filling().await;
    let relay = stores.relay_with(RelayTiming { batch: 5, ..brisk() });
    held.reached(&stores).await;

    late.commit().await.unwrap();
    held.release().await;

    let opened = stores.log.epoch_after(0).await;
    stores.log.await_count(21).await;
    stores.await_marks().await;
    let key = RecordKey::new(ISSUER, Kind::Session, &sid.to_string());
    assert!(stores.log.current().await.iter().any(|record| record.key == key));
    assert_eq!((opened.epoch, relay.metrics.epochs.get()), (1, 1));
}

#[tokio::test]
async fn a_log_that_is_emptied_while_it_is_filled_is_filled_again() {
    let stores = Stores::new().await;
    stores.end_sessions(20).await;
    let held = stores.hold_filling().await;
    let _relay = stores.relay_with(RelayTiming { batch: 5, ..brisk() });
    held.reached(&stores).await;

    let () = stores.log.redis().await.del(&stores.log.keys.log).await.unwrap();
    held.release().await;

    let meta = stores.log.epoch_after(0).await;
    assert_eq!((meta.epoch, meta.seq), (2, 20));
    assert_eq!(stores.log.current().await.len(), 20);
}

#[tokio::test]
async fn a_log_that_is_emptied_after_the_last_page_is_filled_again() {
    let stores = Stores::new().await;
    stores.end_sessions(4).await;
    let held = stores.hold_filling().await;
    let _relay = stores.relay();
    held.reached(&stores).await;

    let () = stores.log.redis().await.del(&stores.log.keys.log).await.unwrap();
    held.release().await;

    let meta = stores.log.epoch_after(0).await;
    assert_eq!((meta.epoch, meta.seq), (2, 4));
    assert_eq!(stores.log.current().await.len(), 4);
}

#[tokio::test]
async fn a_log_that_is_missing_beside_meta_is_filled_again() {
    let stores = Stores::new().await;
    let _relay = stores.relay();
    stores.end_sessions(3).await;
    let before = stores.log.await_count(3).await;
    stores.await_marks().await;

    let () = stores.log.redis().await.del(&stores.log.keys.log).await.unwrap();

    assert_eq!(stores.log.epoch_after(before.epoch).await.seq, 3);
    assert_eq!(stores.log.current().await.len(), 3);
}

#[tokio::test]
async fn a_log_that_lost_a_record_from_its_middle_is_filled_again() {
    let stores = Stores::new().await;
    let _relay = stores.relay();
    stores.end_sessions(3).await;
    let before = stores.log.await_count(3).await;
    stores.await_marks().await;

    let id = format!("{}-2", before.epoch);
    let () = stores.log.redis().await.xdel(&stores.log.keys.log, &[id]).await.unwrap();

    assert_eq!(stores.log.epoch_after(before.epoch).await.seq, 3);
    assert_eq!(stores.log.current().await.len(), 3);
}

#[tokio::test]
async fn fillings_that_fail_do_not_pile_up_in_redis() {
    for counting in [None, Some(3_u64)] {
        let stores = Stores::new().await;
        if let Some(epoch) = counting {
            let meta = [("epoch", epoch), ("seq", 0), ("floor", 0)];
            let () = stores.log.redis().await.hset_multiple(&stores.log.keys.meta, &meta).await.unwrap();
        }
        stores.end_sessions(20).await;
        let sql = stores.sql().await;
        let refuse = "create function auth.refuse() returns trigger language plpgsql as
                      $$ begin raise exception 'not this one'; end $$;
                      create trigger refuse before update on auth.revocations
                      for each row when (old.id = 12) execute function auth.refuse()";
        sql.batch_execute(refuse).await.unwrap();

        let _relay = stores.relay_with(RelayTiming { batch: 5, ..brisk() });
        until("several fillings have failed", async || {
            let epoch = sql.query_one("select epoch from auth.revocation_epoch", &[]).await.unwrap();
            (epoch.get::<_, i64>(0) >= 8).then_some(())
        })
        .await;

        // One filling, and perhaps the beginning of the next before it cleared.
        assert!(stores.log.entries().await.len() <= 20, "meta {counting:?}");
        sql.batch_execute("drop trigger refuse on auth.revocations").await.unwrap();
        stores.log.epoch_after(3).await;
        assert_eq!(stores.log.current().await.len(), 20);
    }
}

#[tokio::test]
async fn a_missing_meta_brings_a_new_epoch_with_every_unexpired_row() {
    let stores = Stores::new().await;
    let _relay = stores.relay();
    stores.end_sessions(3).await;
    let before = stores.log.await_count(3).await;

    let () = stores.log.redis().await.del(&stores.log.keys.meta).await.unwrap();

    let after = stores.log.epoch_after(before.epoch).await;
    assert_eq!(after.seq, 3);
    assert_eq!(stores.log.current().await.len(), 3);
    assert!(stores.log.entries().await.iter().all(|(at, _)| at.epoch == after.epoch));
}

#[tokio::test]
async fn an_emptied_redis_is_filled_again() {
    let stores = Stores::new().await;
    let _relay = stores.relay();
    stores.end_sessions(3).await;
    let before = stores.log.await_count(3).await;
    stores.await_marks().await;

    let keys = [&stores.log.keys.meta, &stores.log.keys.log];
    let () = stores.log.redis().await.del(&keys[..]).await.unwrap();

    assert_eq!(stores.log.epoch_after(before.epoch).await.seq, 3);
    assert_eq!(stores.log.current().await.len(), 3);
}

#[tokio::test]
async fn a_forked_log_is_noticed_and_replaced() {
    let stores = Stores::new().await;
    let relay = stores.relay();
    stores.end_sessions(2).await;
    let before = stores.log.await_count(2).await;

    // As after a failover that lost the last record.
    let () = stores.log.redis().await.hset(&stores.log.keys.meta, "seq", 1).await.unwrap();

    assert_eq!(stores.log.epoch_after(before.epoch).await.seq, 2);
    assert_eq!(stores.log.current().await.len(), 2);
    assert!(relay.metrics.epochs.get() >= 2);
}

#[tokio::test]
async fn an_older_epoch_in_redis_is_replaced() {
    let stores = Stores::new().await;
    let relay = stores.relay();
    let first = stores.log.epoch_after(0).await;
    let () = stores.log.redis().await.del(&stores.log.keys.meta).await.unwrap();
    let second = stores.log.epoch_after(first.epoch).await;

    let () = stores.log.redis().await.hset(&stores.log.keys.meta, "epoch", first.epoch).await.unwrap();

    stores.log.epoch_after(second.epoch).await;
    assert!(relay.is_leading());
}

#[tokio::test]
async fn the_next_epoch_is_above_what_redis_held_even_when_postgres_was_restored() {
    let stores = Stores::new().await;
    let mut redis = stores.log.redis().await;
    let () =
        redis.hset_multiple(&stores.log.keys.meta, &[("epoch", 41), ("seq", 0), ("floor", 0)]).await.unwrap();
    let _relay = stores.relay();
    assert_eq!(stores.log.epoch_after(41).await.epoch, 42);
}

#[tokio::test]
async fn an_epoch_that_only_ids_remember_counts_as_well() {
    let stores = Stores::new().await;
    stores.end_sessions(1).await;
    let mut redis = stores.log.redis().await;
    let () = redis.xadd(&stores.log.keys.log, "77-5", &[("d", &[0_u8; 32][..])]).await.unwrap();
    let () = redis.xdel(&stores.log.keys.log, &["77-5"]).await.unwrap();
    let _relay = stores.relay();
    assert_eq!(stores.log.epoch_after(0).await.epoch, 78);
    assert_eq!(stores.log.current().await.len(), 1);
}

#[tokio::test]
async fn a_relay_that_sees_a_higher_epoch_steps_down_and_comes_back_above_it() {
    let stores = Stores::new().await;
    let timing = RelayTiming { yielding: std::time::Duration::from_millis(500), ..brisk() };
    let relay = stores.relay_with(timing);
    stores.log.epoch_after(0).await;

    let () = stores.log.redis().await.hset(&stores.log.keys.meta, "epoch", 9).await.unwrap();

    until("the relay stops leading", async || (!relay.is_leading()).then_some(())).await;
    assert_eq!(stores.log.meta().await.unwrap().epoch, 9, "the relay does not replace the epoch");
    assert_eq!(stores.log.epoch_after(9).await.epoch, 10);
}

#[tokio::test]
async fn two_deployments_never_share_a_lock() {
    let (one, other) = (Stores::new().await, Stores::new().await);
    let (first, second) = (one.relay(), other.relay());
    one.log.epoch_after(0).await;
    other.log.epoch_after(0).await;
    assert!(first.is_leading() && second.is_leading());
}
