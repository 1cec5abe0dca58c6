//! Cases that need two answers of Redis with an event between them.

use std::collections::HashMap;

use shared::clock::SystemClock;
use shared::revocation::{HistoryId, LogPosition, RecordKey, ServerId, Until};
use shared::role_map::{PublishedRoleMap, RoleMap};

use super::role_map::LATEST;
use super::*;

fn feed() -> Feed {
    let vars = HashMap::from([("REDIS_URL", "redis://127.0.0.1:1".to_owned())]);
    let (redis, killed) = (Redis::from_vars(&vars).unwrap(), KillList::open(None).unwrap());
    Feed::new(
        redis,
        None,
        killed,
        Arc::new(Knowledge::new(5)),
        Arc::new(Metrics::new(1)),
        Arc::new(SystemClock),
    )
}

fn entries(sequence: impl IntoIterator<Item = u64>) -> Vec<LogEntry> {
    let record = |seq: u64| {
        let key = RecordKey::new("issuer", Kind::Token, &seq.to_string());
        Record {
            kind: Kind::Token,
            reason: Reason::Revoked,
            until: Until::at(u64::from(u32::MAX) - 1),
            key,
            argument: 0,
        }
    };
    let entry = |seq| LogEntry {
        position: LogPosition { epoch: 1, seq },
        record: record(seq).encode().to_vec(),
        trace: None,
    };
    sequence.into_iter().map(entry).collect()
}

/// A feed that has read `sequence` of a log of nine entries in epoch 1.
fn feed_after(sequence: impl IntoIterator<Item = u64>) -> Feed {
    let mut feed = feed();
    step(&mut feed, &LogReply::Epoch { epoch: 1, history: Some(HistoryId::from_bytes([1; 16])) });
    take(&mut feed, sequence);
    assert!(feed.log.is_behind(9));
    feed
}

fn step(feed: &mut Feed, reply: &LogReply) {
    let sent = Moment { at: Monotonic::now(), wall: feed.clock.unix_seconds() };
    feed.step(sent, reply, &ReadingProof { may_certify: true, certificate: None }).unwrap();
}

/// The script's answer: these entries follow the position, and nothing was published since.
fn take(feed: &mut Feed, sequence: impl IntoIterator<Item = u64>) {
    let mut entries = entries(sequence);
    for beat in 1..=2 {
        let entries = std::mem::take(&mut entries);
        let part = LogPart {
            server: Some(ServerId::from_bits(1)),
            last: 9,
            time: 0,
            roles: None,
            opened: beat,
            closed: beat,
            entries,
            certificate: Vec::new(),
            roles_tags: Vec::new(),
        };
        step(feed, &LogReply::Log(part));
        if feed.log.is_behind(9) {
            break;
        }
    }
}

fn take_page(feed: &mut Feed, sequence: impl IntoIterator<Item = u64>) {
    let page = entries(sequence);
    let effects = feed.log.read_page(&page);
    feed.carry_out(effects).unwrap();
}

#[test]
fn a_page_that_was_trimmed_before_it_was_read_is_no_gap() {
    let mut feed = feed_after(1..=3);
    take_page(&mut feed, 6..=9);
    assert!(feed.log.position().seq == 3 && feed.known.freshness.is_cold());
    // The script's next answer: the log begins after 5.
    step(&mut feed, &LogReply::Trimmed(5));
    take(&mut feed, 6..=9);
    assert!(!feed.log.is_behind(9));
    assert!(feed.is_fresh());
    assert_eq!(feed.known.revoked.count(), 7);
}

#[test]
fn a_page_is_applied_as_far_as_it_follows_on() {
    let mut feed = feed_after(1..=2);
    take_page(&mut feed, [3, 4, 6, 7]);
    assert!(feed.log.position().seq == 4 && feed.known.freshness.is_cold());
    // The script reports the same gap, so it is real.
    take(&mut feed, 6..=9);
    assert!(!feed.log.is_behind(9));
    assert!(feed.known.freshness.is_cold());
}

/// A feed with an empty role map, and its knowledge. No Redis listens at its address.
fn feed_with_a_map() -> (Feed, Arc<Knowledge>) {
    let mut feed = feed();
    let map = PublishedRoleMap { epoch: 1, version: 1, map: RoleMap::default() };
    let named = feed.role_map.must_read(1, Some(1)).unwrap();
    feed.role_map.take(named, Ok(map.encode())).unwrap();
    let known = Arc::clone(&feed.known);
    (feed, known)
}

#[tokio::test(start_paused = true)]
async fn a_later_map_is_missed_in_time_while_no_connection_can_be_had() {
    let (mut feed, known) = feed_with_a_map();
    feed.role_map.must_read(1, Some(2)).unwrap();
    let start = Instant::now();
    let mut following = Box::pin(feed.run());
    let early = timeout(LATEST - Duration::from_millis(1), &mut following).await;
    assert!(early.is_err() && known.roles.is_known());
    let late = timeout(Duration::from_millis(10), &mut following).await;
    assert!(late.is_err() && !known.roles.is_known(), "after {:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn the_map_stays_in_use_while_no_connection_can_be_had_and_no_later_one_was_named() {
    let (feed, known) = feed_with_a_map();
    let following = timeout(20 * LATEST, feed.run()).await;
    assert!(following.is_err() && known.roles.is_known());
}
