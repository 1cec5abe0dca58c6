//! What was committed last reaches Redis first, whatever else must be written.

use admin::revocations::{NewRevocation, RelayTiming};
use redis::AsyncCommands as _;
use shared::revocation::{Kind, RecordKey};
use uuid::Uuid;

use super::relay::{Stores, brisk};
use crate::support::{ISSUER, new_id, until};

impl Stores {
    /// How many records of the log are before that of a session.
    async fn before(&self, sid: Uuid) -> Option<usize> {
        let key = RecordKey::new(ISSUER, Kind::Session, &sid.to_string());
        self.log.current().await.iter().position(|record| record.key == key)
    }

    /// How often the index of unpublished rows was searched, and how many entries were read.
    async fn searches(&self) -> (i64, i64) {
        let read = "select idx_scan, idx_tup_read from pg_stat_user_indexes
                    where indexrelname = 'revocations_unpublished_by_transaction'";
        let row = self.sql().await.query_one(read, &[]).await.unwrap();
        (row.get(0), row.get(1))
    }
}

#[tokio::test]
async fn a_sign_out_overtakes_a_change_that_revokes_much() {
    let stores = Stores::new().await;
    stores.end_sessions_together(600).await;
    let held = stores.hold_filling().await;
    let _relay = stores.relay_with(RelayTiming { batch: 10, ..brisk() });
    held.reached(&stores).await;
    let sid = new_id();
    stores.record(&[NewRevocation::session(sid)]).await;
    held.release().await;

    stores.log.epoch_after(0).await;
    stores.log.await_count(601).await;
    // A third of the others was published before it was committed.
    let before = stores.before(sid).await.unwrap();
    assert!(before <= 220, "{before}");
}

#[tokio::test]
async fn a_sign_out_while_an_epoch_is_filled_is_published_before_the_rest() {
    let stores = Stores::new().await;
    let _relay = stores.relay_with(RelayTiming { batch: 10, ..brisk() });
    stores.end_sessions_together(4000).await;
    let before = stores.log.await_count(4000).await;
    stores.await_marks().await;

    let () = stores.log.redis().await.del(&[&stores.log.keys.meta, &stores.log.keys.log][..]).await.unwrap();
    until("an epoch is being filled", async || (!stores.log.entries().await.is_empty()).then_some(())).await;
    let sid = new_id();
    stores.record(&[NewRevocation::session(sid)]).await;

    stores.log.epoch_after(before.epoch).await;
    stores.log.await_count(4001).await;
    let before = stores.before(sid).await.unwrap();
    assert!(before < 4000, "{before}");
}

#[tokio::test]
async fn what_unfinished_fillings_left_does_not_delay_a_sign_out() {
    let stores = Stores::new().await;
    let mut redis = stores.log.redis().await;
    let meta = [("epoch", 3), ("seq", 0), ("floor", 0)];
    let () = redis.hset_multiple(&stores.log.keys.meta, &meta).await.unwrap();
    let mut left = redis::pipe();
    for seq in 1..=5000 {
        left.xadd(&stores.log.keys.log, format!("4-{seq}"), &[("d", &[0_u8; 32][..])]).ignore();
    }
    let () = left.query_async(&mut redis).await.unwrap();
    let sid = new_id();
    stores.record(&[NewRevocation::session(sid)]).await;
    let mut wakes = stores.log.wakes().await;
    // The relay waits before it marks the row.
    let holder = stores.sql().await;
    holder.batch_execute("begin; select 1 from auth.revocations for update").await.unwrap();

    let _relay = stores.relay();

    let first = futures_util::StreamExt::next(&mut wakes).await.unwrap();
    let key = RecordKey::new(ISSUER, Kind::Session, &sid.to_string());
    assert_eq!(shared::revocation::Record::decode(&first).unwrap().key, key);
    let length: u64 = redis.xlen(&stores.log.keys.log).await.unwrap();
    assert_eq!(length, 1001, "one part was removed before");
    holder.batch_execute("commit").await.unwrap();
    assert_eq!(stores.log.epoch_after(3).await.epoch, 5);
    assert_eq!(stores.log.entries().await.len(), 1);
}

#[tokio::test]
async fn an_old_snapshot_makes_no_search_read_what_was_published_since() {
    let stores = Stores::new().await;
    let backup = stores.sql().await;
    backup.batch_execute("begin isolation level repeatable read; select 1").await.unwrap();
    let _relay = stores.relay();
    stores.end_sessions_together(3000).await;
    stores.log.await_count(3000).await;
    stores.await_marks().await;
    // PostgreSQL counts with a delay of a second.
    let settled = until("the searches of the marking are counted", async || {
        stores.end_sessions(1).await;
        let counted = stores.searches().await;
        (counted.1 > 3000).then_some(counted)
    })
    .await;

    let (searches, read) = until("more searches are counted", async || {
        stores.end_sessions(1).await;
        let (searches, read) = stores.searches().await;
        (searches > settled.0 + 100).then_some((searches - settled.0, read - settled.1))
    })
    .await;

    // Without a beginning, each would read all 3000.
    assert!(read / searches < 300, "{read} in {searches}");
    backup.batch_execute("commit").await.unwrap();
}
