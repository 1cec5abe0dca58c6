//! What only two answers of Redis with something between them would show.

use shared::clock::SystemClock;
use shared::revocation::{Reason, RecordKey, Until};

use super::*;

fn feed() -> Feed {
    let shared = Shared {
        revoked: Arc::new(Revoked::new(5)),
        roles: Arc::default(),
        ready: Arc::new(Ready::default()),
        metrics: Arc::new(Metrics::new(1)),
        clock: Arc::new(SystemClock),
    };
    let redis = "redis://127.0.0.1:1".parse().unwrap();
    Feed::new(redis, Keys::new("test:"), KillList::open(None).unwrap(), shared).unwrap()
}

fn entries(sequence: impl IntoIterator<Item = u64>) -> Vec<Entry> {
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
    let entry = |seq| Entry { position: Position { epoch: 1, seq }, record: record(seq).encode().to_vec() };
    sequence.into_iter().map(entry).collect()
}

#[test]
fn a_page_that_was_trimmed_before_it_was_read_is_no_gap() {
    let mut feed = feed();
    feed.begin(1);
    assert!(feed.take(9, 0, &entries(1..=3)));
    feed.take_page(&entries(6..=9));
    assert_eq!((feed.position.seq, feed.lost), (3, None));
    // What the script says next: the log begins after 5.
    feed.position.seq = 5;
    assert!(!feed.take(9, 0, &entries(6..=9)));
    assert!(feed.shared.ready.revocations_are_known());
    assert_eq!(feed.shared.revoked.len(), 7);
}

#[test]
fn a_page_is_applied_as_far_as_it_follows_on() {
    let mut feed = feed();
    feed.begin(1);
    assert!(feed.take(9, 0, &entries(1..=2)));
    feed.take_page(&entries([3, 4, 6, 7]));
    assert_eq!((feed.position.seq, feed.lost), (4, None));
    // The script sees the same hole: it is real.
    assert!(!feed.take(9, 0, &entries(6..=9)));
    assert_eq!(feed.shared.ready.revocations(), Revocations::Incomplete);
}

#[test]
fn a_connection_whose_end_is_gone_is_probed() {
    let settings = tcp_settings();
    assert!(settings.keepalive().is_some());
    assert_eq!(settings.user_timeout(), Some(UNACKNOWLEDGED));
}
