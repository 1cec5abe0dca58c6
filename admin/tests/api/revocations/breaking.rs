//! Failures while a relay leads: of PostgreSQL, of Redis, of the relay itself.

use admin::revocations::NewRevocation;
use shared::revocation::{Kind, RecordKey};

use super::relay::{Running, Stores, brisk};
use crate::support::{ISSUER, Proxy, RevocationLog, new_id, store_url, until};

async fn await_leader(relays: &[Running]) {
    until("exactly one leads", async || {
        (relays.iter().filter(|relay| relay.is_leading()).count() == 1).then_some(())
    })
    .await;
}

#[tokio::test]
async fn one_of_two_relays_leads_and_the_other_takes_over() {
    let stores = Stores::new().await;
    let relays = [stores.relay(), stores.relay()];
    await_leader(&relays).await;
    stores.end_sessions(2).await;
    let before = stores.log.await_count(2).await;

    assert_eq!(stores.terminate_leader().await, 1);
    stores.end_sessions(1).await;

    let after = stores.log.epoch_after(before.epoch).await;
    await_leader(&relays).await;
    assert!(after.epoch > before.epoch);
    until("all three records are in the log", async || (stores.log.meta().await?.seq == 3).then_some(()))
        .await;
    assert_eq!(stores.log.current().await.len(), 3);
}

#[tokio::test]
async fn a_relay_that_stops_leaves_the_lead_to_the_other() {
    let stores = Stores::new().await;
    let first = stores.relay();
    let before = stores.log.epoch_after(0).await;
    let second = stores.relay();

    first.stop().await;

    until("the other relay leads", async || second.is_leading().then_some(())).await;
    stores.end_sessions(1).await;
    stores.log.await_count(1).await;
    assert_eq!(stores.log.meta().await.unwrap().epoch, before.epoch);
}

#[tokio::test]
async fn a_leader_that_hangs_loses_the_lock() {
    let stores = Stores::new().await;
    let (proxy, url) = Proxy::before(&stores.database.url).unwrap();
    let silent = stores.relay_through(&url, &store_url("TEST_REDIS_URL"), brisk());
    let before = stores.log.epoch_after(0).await;
    let other = stores.relay();

    proxy.silence();
    stores.end_sessions(1).await;

    let after = stores.log.epoch_after(before.epoch).await;
    assert_eq!(after.seq, 1);
    assert!(other.is_leading());
    until("the relay without a connection stops leading", async || (!silent.is_leading()).then_some(()))
        .await;
}

#[tokio::test]
async fn a_killed_redis_connection_brings_a_new_epoch() {
    let stores = Stores::new().await;
    let user = format!("test-{}", new_id().simple());
    let mut redis = stores.log.redis().await;
    let acl: [&str; 8] = ["ACL", "SETUSER", &user, "on", ">secret", "~*", "&*", "+@all"];
    let () = redis::cmd(acl[0]).arg(&acl[1..]).query_async(&mut redis).await.unwrap();
    let mut url = url::Url::parse(&store_url("TEST_REDIS_URL")).unwrap();
    url.set_username(&user).unwrap();
    url.set_password(Some("secret")).unwrap();
    let _relay = stores.relay_through(&stores.database.url, url.as_str(), brisk());
    stores.end_sessions(2).await;
    let before = stores.log.await_count(2).await;

    let killed: u32 =
        redis::cmd("CLIENT").arg(&["KILL", "USER", &user]).query_async(&mut redis).await.unwrap();
    assert_eq!(killed, 1);
    stores.end_sessions(1).await;

    stores.log.epoch_after(before.epoch).await;
    until("all three records are in the log", async || (stores.log.meta().await?.seq == 3).then_some(()))
        .await;
    assert_eq!(stores.log.current().await.len(), 3);
    let () = redis::cmd("ACL").arg(&["DELUSER", &user]).query_async(&mut redis).await.unwrap();
}

#[tokio::test]
async fn revocations_wait_for_an_absent_redis() {
    let stores = Stores::new().await;
    let (proxy, url) = Proxy::before(&store_url("TEST_REDIS_URL")).unwrap();
    proxy.refuse();
    let _relay = stores.relay_through(&stores.database.url, &url, brisk());
    stores.end_sessions(3).await;
    assert_eq!(stores.log.meta().await, None);

    proxy.restore();

    assert_eq!(stores.log.epoch_after(0).await.seq, 3);
}

#[tokio::test]
async fn a_redis_that_hung_gets_a_new_epoch_when_it_answers() {
    let stores = Stores::new().await;
    let (proxy, url) = Proxy::before(&store_url("TEST_REDIS_URL")).unwrap();
    let relay = stores.relay_through(&stores.database.url, &url, brisk());
    let before = stores.log.epoch_after(0).await;

    proxy.silence();
    stores.end_sessions(1).await;
    until("it no longer leads", async || (!relay.is_leading()).then_some(())).await;
    proxy.restore();

    assert_eq!(stores.log.epoch_after(before.epoch).await.seq, 1);
}

#[tokio::test]
async fn a_leader_that_cannot_reach_redis_leaves_the_lead_to_one_that_can() {
    let stores = Stores::new().await;
    let (proxy, url) = Proxy::before(&store_url("TEST_REDIS_URL")).unwrap();
    let cut_off = stores.relay_through(&stores.database.url, &url, brisk());
    let before = stores.log.epoch_after(0).await;
    let other = stores.relay();

    proxy.refuse();
    stores.end_sessions(1).await;

    // The other relay may have opened its epoch before the record was committed.
    let after = stores.log.await_count(1).await;
    assert!(after.epoch > before.epoch);
    assert!(other.is_leading() && !cut_off.is_leading());
}

#[tokio::test]
async fn a_crash_between_append_and_mark_only_repeats_a_record() {
    let stores = Stores::new().await;
    let _relay = stores.relay();
    let before = stores.log.epoch_after(0).await;
    let sid = new_id();
    let key = RecordKey::new(ISSUER, Kind::Session, &sid.to_string());
    // A committed row that can be read but not marked.
    let blocker = stores.sql().await;
    blocker.batch_execute("begin; lock table auth.revocations in share row exclusive mode").await.unwrap();
    let insert = "insert into auth.revocations (kind, reason, key, arg, until)
                  values (2, 1, $1, 0, clock_timestamp() + interval '1 hour')";
    blocker.execute(insert, &[&&key.as_bytes()[..]]).await.unwrap();
    blocker.batch_execute("commit; begin; select 1 from auth.revocations for update").await.unwrap();
    stores.log.await_count(1).await;
    let stuck = stores.sql().await;
    until("the update waits for the lock", async || {
        let waiting = "select 1 from pg_stat_activity where datname = current_database()
                       and wait_event_type = 'Lock' and query like '%set published_epoch%'";
        stuck.query_opt(waiting, &[]).await.unwrap()
    })
    .await;

    assert_eq!(stores.terminate_leader().await, 1);
    blocker.batch_execute("commit").await.unwrap();

    let after = stores.log.epoch_after(before.epoch).await;
    assert_eq!(after.seq, 1);
    assert_eq!(stores.log.current().await[0].key, key);
    stores.await_marks().await;
}

#[tokio::test]
async fn a_mark_that_a_crash_of_postgres_lost_is_written_again() {
    let stores = Stores::new().await;
    let _relay = stores.relay();
    stores.record(&[NewRevocation::session(new_id())]).await;
    let before = stores.log.await_count(1).await;
    stores.await_marks().await;

    // A crash ends every session as well.
    let unmark = "update auth.revocations set published_epoch = null, published_seq = null";
    stores.sql().await.batch_execute(unmark).await.unwrap();
    assert_eq!(stores.terminate_leader().await, 1);

    stores.log.epoch_after(before.epoch).await;
    stores.await_marks().await;
    assert_eq!(stores.log.current().await.len(), 1);
}

#[tokio::test]
async fn the_relay_retries_while_meta_has_the_wrong_type() {
    let stores = Stores::new().await;
    let log: &RevocationLog = &stores.log;
    let mut redis = log.redis().await;
    let () = redis::cmd("SET").arg(&log.keys.meta).arg("stranger").query_async(&mut redis).await.unwrap();
    let relay = stores.relay();
    stores.end_sessions(1).await;
    let gave_up = "select 1 from pg_stat_activity where datname = current_database()
                   and application_name = 'usher relay'";
    let sql = stores.sql().await;
    until("the relay has connected", async || sql.query_opt(gave_up, &[]).await.unwrap()).await;
    until("the relay has disconnected", async || {
        sql.query_opt(gave_up, &[]).await.unwrap().is_none().then_some(())
    })
    .await;
    assert!(!relay.is_leading());

    let () = redis::cmd("DEL").arg(&log.keys.meta).query_async(&mut redis).await.unwrap();

    assert_eq!(log.epoch_after(0).await.seq, 1);
}
