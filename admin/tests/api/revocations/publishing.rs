//! From a commit to the log and the channel.

use std::time::Duration;

use admin::revocations::{self, NewRevocation, RelayTiming};
use futures_util::StreamExt as _;
use shared::revocation::{Kind, Reason, Record, RecordKey, Until};
use uuid::Uuid;

use super::relay::{Stores, brisk};
use crate::support::{ISSUER, new_id, until};

/// Seconds since the epoch, by PostgreSQL's clock.
async fn database_now(stores: &Stores) -> u64 {
    let now = "select extract(epoch from clock_timestamp())::bigint";
    u64::try_from(stores.sql().await.query_one(now, &[]).await.unwrap().get::<_, i64>(0)).unwrap()
}

#[tokio::test]
async fn a_committed_revocation_is_published_as_one_record() {
    let stores = Stores::new().await;
    let _relay = stores.relay();
    stores.log.epoch_after(0).await;
    let mut wakes = stores.log.wakes().await;
    let sid = new_id();

    stores.record(&[NewRevocation::session(sid)]).await;

    let wake = wakes.next().await.unwrap();
    let record = Record::decode(&wake).unwrap();
    assert_eq!(record.kind, Kind::Session);
    assert_eq!(record.key, RecordKey::new(ISSUER, Kind::Session, &sid.to_string()));
    assert_eq!(stores.log.current().await, [record]);
    stores.await_marks().await;
}

#[tokio::test]
async fn every_kind_says_what_and_why_and_until_when() {
    let stores = Stores::new().await;
    let _relay = stores.relay();
    let (jti, user) = (new_id(), new_id());
    let before = database_now(&stores).await;

    stores
        .record(&[
            NewRevocation::token(jti, Reason::Revoked),
            NewRevocation::user(user, 7, Reason::RefreshNeeded),
            NewRevocation::key("kid"),
            NewRevocation::deployment(2),
        ])
        .await;

    stores.log.await_count(4).await;
    let records = stores.log.current().await;
    let key = |kind, claim: &str| RecordKey::new(ISSUER, kind, claim);
    let said: Vec<_> = records.iter().map(|r| (r.kind, r.reason, r.key, r.argument)).collect();
    assert_eq!(
        said,
        [
            (Kind::Token, Reason::Revoked, key(Kind::Token, &jti.to_string()), 0),
            (Kind::User, Reason::RefreshNeeded, key(Kind::User, &user.to_string()), 7),
            (Kind::Key, Reason::Revoked, key(Kind::Key, "kid"), 0),
            (Kind::Everything, Reason::Revoked, RecordKey::ZERO, 2),
        ]
    );
    assert_eq!(records[2].until, Until::Never);
    // No process has declared a token life, so the longest that can be configured counts: an hour and 5
    // minutes.
    let Until::At(until) = records[0].until else { panic!("a token ends") };
    let life = u64::from(until) - before;
    assert!((3900..3905).contains(&life), "{life}");
}

#[tokio::test]
async fn records_follow_the_order_of_their_writing() {
    let stores = Stores::new().await;
    let _relay = stores.relay();
    let sids: Vec<Uuid> = (0..50).map(|_| new_id()).collect();

    for pair in sids.chunks(2) {
        stores.record(&pair.iter().map(|sid| NewRevocation::session(*sid)).collect::<Vec<_>>()).await;
    }

    stores.log.await_count(50).await;
    let keys: Vec<_> = stores.log.current().await.iter().map(|record| record.key).collect();
    let wanted: Vec<_> =
        sids.iter().map(|sid| RecordKey::new(ISSUER, Kind::Session, &sid.to_string())).collect();
    assert_eq!(keys, wanted);
}

#[tokio::test]
async fn a_record_that_was_rolled_back_is_never_published() {
    let stores = Stores::new().await;
    let _relay = stores.relay();
    let mut connection = stores.db.get().await.unwrap();
    let transaction = connection.begin().await.unwrap();
    revocations::record(&transaction, ISSUER, &[NewRevocation::session(new_id())]).await.unwrap();
    transaction.rollback().await.unwrap();

    let user = new_id();
    stores.record(&[NewRevocation::user(user, 2, Reason::Revoked)]).await;

    stores.log.await_count(1).await;
    assert_eq!(stores.log.current().await[0].kind, Kind::User);
}

#[tokio::test]
async fn a_row_committed_after_later_ones_is_still_published() {
    let stores = Stores::new().await;
    let _relay = stores.relay();
    let mut connection = stores.db.get().await.unwrap();
    let early = connection.begin().await.unwrap();
    let sid = new_id();
    revocations::record(&early, ISSUER, &[NewRevocation::session(sid)]).await.unwrap();
    stores.end_sessions(3).await;
    stores.log.await_count(3).await;
    stores.await_marks().await;

    early.commit().await.unwrap();

    stores.log.await_count(4).await;
    let last = stores.log.current().await.pop().unwrap();
    assert_eq!(last.key, RecordKey::new(ISSUER, Kind::Session, &sid.to_string()));
}

#[tokio::test]
async fn a_transaction_that_waited_for_a_lock_writes_an_end_that_counts_from_after_the_wait() {
    let stores = Stores::new().await;
    let holder = stores.sql().await;
    holder.batch_execute("begin; select 1 from auth.deployment for update").await.unwrap();
    let mut connection = stores.db.get().await.unwrap();
    let waiter = connection.begin().await.unwrap();
    let pid: i32 = waiter.query_one("select pg_backend_pid()", &[]).await.unwrap().get(0);
    let watcher = stores.sql().await;

    let waiting = async {
        waiter.execute("select 1 from auth.deployment for update", &[]).await.unwrap();
        revocations::record(&waiter, ISSUER, &[NewRevocation::session(new_id())]).await.unwrap();
        waiter.commit().await.unwrap();
    };
    let releasing = async {
        until("the lock has been waited for a while", async || {
            let waited = "select coalesce(clock_timestamp() - state_change > interval '1 second', false)
                          from pg_stat_activity where pid = $1 and wait_event_type = 'Lock'";
            watcher.query_opt(waited, &[&pid]).await.unwrap()?.get::<_, bool>(0).then_some(())
        })
        .await;
        let released = holder.query_one("select clock_timestamp()::text", &[]).await.unwrap();
        holder.batch_execute("commit").await.unwrap();
        released.get::<_, String>(0)
    };
    let ((), released) = tokio::join!(waiting, releasing);

    let whole =
        "select until > $1::text::timestamptz + auth.longest_access_token_life() + interval '5 minutes'
                 from auth.revocations";
    assert!(watcher.query_one(whole, &[&released]).await.unwrap().get::<_, bool>(0));
}

#[tokio::test]
async fn a_transaction_that_lingered_may_not_commit() {
    let stores = Stores::new().await;
    let mut connection = stores.db.get().await.unwrap();
    let lingering = connection.begin().await.unwrap();
    revocations::record(&lingering, ISSUER, &[NewRevocation::session(new_id())]).await.unwrap();

    tokio::time::pause();
    tokio::time::advance(admin::db::TRANSACTION_LIFE + Duration::from_secs(1)).await;
    tokio::time::resume();

    assert!(matches!(lingering.commit().await, Err(admin::db::DbError::TooOld)));
    let rows = stores.sql().await.query("select 1 from auth.revocations", &[]).await.unwrap();
    assert!(rows.is_empty());
}

#[tokio::test]
async fn a_shortened_token_life_does_not_cut_records_short() {
    let stores = Stores::new().await;
    let sql = stores.sql().await;
    let lives = "insert into auth.access_token_lives values
                 (900, clock_timestamp() - interval '1 hour'), (60, clock_timestamp()),
                 (3600, clock_timestamp() - interval '2 days')";
    sql.batch_execute(lives).await.unwrap();

    stores.end_sessions(1).await;

    let left = "select extract(epoch from until - created_at)::bigint from auth.revocations";
    assert_eq!(sql.query_one(left, &[]).await.unwrap().get::<_, i64>(0), 900 + 300);
}

#[tokio::test]
async fn stopping_publishes_what_was_committed_before() {
    let stores = Stores::new().await;
    let timing = RelayTiming { tick: Duration::from_secs(5), ..brisk() };
    let relay = stores.relay_with(timing);
    stores.log.epoch_after(0).await;
    stores.end_sessions(1).await;
    stores.log.await_count(1).await;
    stores.await_marks().await;
    // The relay is not notified, and its next look is far in the future.
    let quietly = "insert into auth.revocations (kind, reason, key, arg, until)
                   select kind, reason, key, arg, until from auth.revocations, generate_series(1, 4)";
    stores.sql().await.batch_execute(quietly).await.unwrap();

    relay.stop().await;

    assert_eq!(stores.log.current().await.len(), 5);
}
