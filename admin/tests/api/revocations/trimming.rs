//! The log is kept short, and killed keys stay in it.

use std::time::Duration;

use admin::revocations::{NewRevocation, RelayTiming};
use shared::revocation::{Kind, Until};

use super::relay::{Stores, brisk};
use crate::support::{new_id, until};

/// Trims all the time, and ended records at once.
fn trimming() -> RelayTiming {
    RelayTiming { trim_every: Duration::from_millis(50), trim_at_least: 1, keep: Duration::ZERO, ..brisk() }
}

/// Waits until every record that ends within seconds has ended in the log, where an end is rounded up.
async fn await_end_in_the_log(stores: &Stores) {
    let ends = "select extract(epoch from coalesce(max(until), now()))::bigint + 2 from auth.revocations
                where until < now() + interval '10 seconds'";
    let sql = stores.sql().await;
    let end: i64 = sql.query_one(ends, &[]).await.unwrap().get(0);
    until("the records have expired", async || {
        let ended = "select 1 where extract(epoch from clock_timestamp())::bigint > $1";
        sql.query_opt(ended, &[&end]).await.unwrap()
    })
    .await;
}

#[tokio::test]
async fn expired_records_are_removed_from_log_and_table_and_the_floor_rises() {
    let stores = Stores::new().await;
    let _relay = stores.relay_with(trimming());
    stores.log.epoch_after(0).await;
    stores.end_sessions_shortly(5).await;
    stores.end_sessions(1).await;

    let meta =
        until("the floor rises", async || stores.log.meta().await.filter(|meta| meta.floor == 5)).await;

    assert_eq!(meta.seq, 6);
    assert_eq!(stores.log.current().await.len(), 1);
    until("the rows are gone", async || (stores.count_ended().await == 0).then_some(())).await;
    let left = stores.sql().await.query_one("select count(*) from auth.revocations", &[]).await.unwrap();
    assert_eq!(left.get::<_, i64>(0), 1);
}

#[tokio::test]
async fn expired_records_are_kept_for_a_while_for_late_readers() {
    let stores = Stores::new().await;
    let _relay = stores.relay_with(RelayTiming { keep: Duration::from_mins(5), ..trimming() });
    stores.log.epoch_after(0).await;
    stores.end_sessions_shortly(2).await;
    await_end_in_the_log(&stores).await;

    stores.record_ended(1).await;
    until("the expired records were checked", async || (stores.count_ended().await == 2).then_some(())).await;
    stores.record_ended(1).await;
    until("the expired records were checked again", async || (stores.count_ended().await == 2).then_some(()))
        .await;

    assert_eq!(stores.log.meta().await.unwrap().floor, 0);
    assert_eq!(stores.log.current().await.len(), 2);
}

#[tokio::test]
async fn a_record_that_must_stay_keeps_the_later_ones() {
    let stores = Stores::new().await;
    let _relay = stores.relay_with(trimming());
    stores.end_sessions(1).await;
    stores.log.await_count(1).await;
    stores.end_sessions_shortly(3).await;
    stores.log.await_count(4).await;

    await_end_in_the_log(&stores).await;
    stores.await_trim().await;

    assert_eq!(stores.log.meta().await.unwrap().floor, 0);
    assert_eq!(stores.log.current().await.len(), 4);
}

#[tokio::test]
async fn a_killed_key_is_carried_along_when_the_log_is_trimmed() {
    let stores = Stores::new().await;
    let _relay = stores.relay_with(trimming());
    stores.record(&[NewRevocation::key("killed")]).await;
    stores.log.await_count(1).await;
    stores.end_sessions_shortly(4).await;

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

    for epoch in 0..3 {
        let relay = stores.relay_with(trimming());
        stores.log.epoch_after(epoch).await;
        assert_eq!(stores.log.current().await[0].until, Until::Never);
        relay.stop().await;
        // As after a kill.
        stores.sql().await.batch_execute("delete from auth.revocation_handover").await.unwrap();
    }
}

#[tokio::test]
async fn a_log_with_nothing_to_drop_is_left_alone() {
    let stores = Stores::new().await;
    let relay = stores.relay_with(trimming());
    stores.log.epoch_after(0).await;
    stores.record(&[NewRevocation::key("killed"), NewRevocation::session(new_id())]).await;
    stores.log.await_count(2).await;
    stores.end_sessions(2).await;
    stores.log.await_count(4).await;
    stores.await_marks().await;
    until("four publications are counted", async || (relay.metrics.published.get() == 4).then_some(())).await;
    stores.await_trim().await;
    assert_eq!(stores.log.meta().await.unwrap().floor, 0);
}

#[tokio::test]
async fn deleting_what_ended_holds_no_publication_up() {
    let stores = Stores::new().await;
    let slow = "create function auth.linger() returns trigger language plpgsql as
                $$ begin perform pg_sleep(0.01); return old; end $$;
                create trigger linger before delete on auth.revocations
                for each row execute function auth.linger()";
    stores.sql().await.batch_execute(slow).await.unwrap();
    stores.record_ended(4000).await;

    let _relay = stores.relay_with(RelayTiming { sweep: 5, ..trimming() });
    stores.log.epoch_after(0).await;
    stores.end_sessions(1).await;

    stores.log.await_count(1).await;
    assert!(stores.count_ended().await > 0);
    until("a batch is gone", async || (stores.count_ended().await < 4000).then_some(())).await;
}

#[tokio::test]
async fn an_expired_record_that_cannot_be_deleted_does_not_stop_the_leader() {
    let stores = Stores::new().await;
    let refuse = "create function auth.refuse() returns trigger language plpgsql as
                  $$ begin perform nextval('auth.asked'); raise exception 'no'; end $$;
                  create sequence auth.asked;
                  create trigger refuse before delete on auth.revocations
                  for each row execute function auth.refuse()";
    let sql = stores.sql().await;
    sql.batch_execute(refuse).await.unwrap();
    stores.record_ended(1).await;
    let relay = stores.relay_with(trimming());
    until("it has tried three times", async || {
        let asked = sql.query_one("select last_value from auth.asked", &[]).await.unwrap();
        (asked.get::<_, i64>(0) >= 3).then_some(())
    })
    .await;

    stores.end_sessions(1).await;

    assert_eq!(stores.log.await_count(1).await.epoch, 1);
    assert!(relay.is_leading());
}

#[tokio::test]
async fn a_locked_row_is_deleted_later() {
    let stores = Stores::new().await;
    stores.record_ended(2).await;
    let holder = stores.sql().await;
    holder.batch_execute("begin; select 1 from auth.revocations where id = 1 for update").await.unwrap();
    let _relay = stores.relay_with(trimming());

    until("the other record is deleted", async || (stores.count_ended().await == 1).then_some(())).await;
    holder.batch_execute("commit").await.unwrap();
    until("both records are deleted", async || (stores.count_ended().await == 0).then_some(())).await;
}
