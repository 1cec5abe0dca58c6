//! The revocations, in memory: complete, never a bounded cache, written by the feed and read by every worker.
//!
//! A record of a token or a session takes one word, a record of a user two; `table` describes them. A record is
//! kept until its end and the leeway have passed, and is then removed with its bucket of ten minutes. Applying
//! a record twice, late or out of order does no harm: entries only grow, and are removed only by time.

mod table;

use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use shared::revocation::{Kind, Reason, Record, RecordKey, Until};
use shared::token::VerifiedToken;
use table::{Label, Sharded};

/// The status of a token according to the revocations. Ordered from the best to the worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RevocationStatus {
    /// Nothing was revoked.
    NotRevoked,
    /// The token is refused, but a refresh returns a valid one.
    RefreshNeeded,
    /// The token is refused.
    Revoked,
}

/// Where to look up a token's revocations: keyed hashes, computed once for each token.
#[derive(Debug, Clone, Copy)]
pub struct Marks {
    token: Option<u64>,
    session: Option<u64>,
    user: u64,
    user_refresh: u64,
}

/// The set of revocations.
pub struct Revoked {
    leeway: u64,
    /// Random in each process, so that no client can choose identifiers that collide here.
    hasher: RandomState,
    /// Tokens and sessions; the flag says "revoked" rather than "refresh needed".
    single: Sharded<()>,
    /// The minimum generation by user and reason; two entries for a user who has both.
    users: Sharded<AtomicU64>,
    /// Killed keys. There are few, and they are kept permanently.
    keys: ArcSwap<Vec<RecordKey>>,
    /// Minimum deployment generations.
    everything: AtomicU64,
    everything_refresh: AtomicU64,
    /// The lock that allows only one writer; readers never take it.
    writer: Mutex<Buckets>,
}

/// Turns expiry times into buckets. There are fourteen buckets of ten minutes; a record that expires later goes
/// into one that is never purged, which is safe for any token, because the token expires by itself.
struct Buckets {
    /// The first bucket that has not ended, counted from 1970.
    floor: u64,
}

impl Revoked {
    /// An empty set that keeps each record `leeway` seconds longer than its expiry.
    pub fn new(leeway: u64) -> Self {
        Self {
            leeway,
            hasher: RandomState::new(),
            single: Sharded::new(),
            users: Sharded::new(),
            keys: ArcSwap::default(),
            everything: AtomicU64::new(0),
            everything_refresh: AtomicU64::new(0),
            writer: Mutex::new(Buckets { floor: 0 }),
        }
    }

    /// Where to look for the revocations of `token`.
    pub fn marks(&self, token: &VerifiedToken) -> Marks {
        Marks {
            token: token.token_key.map(|key| self.hash(Kind::Token, key)),
            session: token.session_key.map(|key| self.hash(Kind::Session, key)),
            user: self.hash_user(Reason::Revoked, token.user_key),
            user_refresh: self.hash_user(Reason::RefreshNeeded, token.user_key),
        }
    }

    /// The status of `token`, which has these marks.
    pub fn status(&self, token: &VerifiedToken, marks: &Marks) -> RevocationStatus {
        if self.is_killed(&token.signing_key) {
            return RevocationStatus::Revoked;
        }
        let single = self.single.read();
        let users = self.users.read();
        let alone = |mark: Option<u64>| match mark.and_then(|hash| single.find(hash)) {
            Some((label, _)) if label.flag => RevocationStatus::Revoked,
            Some(_) => RevocationStatus::RefreshNeeded,
            None => RevocationStatus::NotRevoked,
        };
        let below = |hash: u64| users.find(hash).is_some_and(|(_, minimum)| token.generation < minimum);
        let ended = |minimum: &AtomicU64| token.deployment_generation < minimum.load(Ordering::Acquire);
        let by_generation = if below(marks.user) || ended(&self.everything) {
            RevocationStatus::Revoked
        } else if below(marks.user_refresh) || ended(&self.everything_refresh) {
            RevocationStatus::RefreshNeeded
        } else {
            RevocationStatus::NotRevoked
        };
        by_generation.max(alone(marks.token)).max(alone(marks.session))
    }

    /// Adds a record. Records that have already expired are ignored.
    pub fn apply(&self, record: &Record) {
        let buckets = self.writer();
        let Some(bucket) = buckets.bucket(record.until) else { return };
        let rank = |bucket| buckets.rank(bucket);
        let revoked = record.reason == Reason::Revoked;
        match record.kind {
            Kind::Token | Kind::Session => {
                let label = Label { bucket, flag: revoked };
                self.single.put(self.hash(record.kind, record.key), label, 0, rank);
            }
            Kind::User => {
                let label = Label { bucket, flag: false };
                self.users.put(self.hash_user(record.reason, record.key), label, record.argument, rank);
            }
            Kind::Key => self.kill(record.key),
            Kind::Everything => {
                let minimum = if revoked { &self.everything } else { &self.everything_refresh };
                minimum.fetch_max(record.argument, Ordering::AcqRel);
            }
        }
    }

    /// Removes the records that expired more than the leeway before `now`, and uses `now` as the present: until
    /// the first call every expiry counts as later than all buckets.
    pub fn purge(&self, now: u64) {
        let mut buckets = self.writer();
        let floor = now.saturating_sub(self.leeway) / Buckets::WIDTH;
        if floor <= buckets.floor {
            return;
        }
        let keep = |bucket| buckets.number(bucket).is_none_or(|number| number >= floor);
        self.single.retain(keep);
        self.users.retain(keep);
        buckets.floor = floor;
    }

    /// Whether the key was killed.
    pub fn is_killed(&self, key: &RecordKey) -> bool {
        self.keys.load().contains(key)
    }

    /// The number of records; several for one token, session or user count once.
    pub fn count(&self) -> usize {
        self.single.read().len() + self.users.read().len() + self.keys.load().len()
    }

    /// How many bytes the records take, including free space for growth.
    pub fn bytes(&self) -> usize {
        self.single.read().bytes() + self.users.read().bytes()
    }

    /// A writer that panicked has left every table consistent: each entry is one or two stores.
    fn writer(&self) -> MutexGuard<'_, Buckets> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn kill(&self, key: RecordKey) {
        if !self.is_killed(&key) {
            let mut keys = Vec::clone(&self.keys.load());
            keys.push(key);
            self.keys.store(Arc::new(keys));
        }
    }

    fn hash(&self, kind: Kind, key: RecordKey) -> u64 {
        self.hasher.hash_one((kind as u8, key))
    }

    fn hash_user(&self, reason: Reason, key: RecordKey) -> u64 {
        self.hasher.hash_one((Kind::User as u8, reason as u8, key))
    }
}

impl Buckets {
    /// The width of a bucket, in seconds.
    const WIDTH: u64 = 600;
    const BUCKETS: u64 = 14;
    const FAR: u8 = 15;

    /// The bucket in which a record ends; `None` if the record has expired.
    fn bucket(&self, until: Until) -> Option<u8> {
        let Until::At(second) = until else { return Some(Self::FAR) };
        let number = u64::from(second) / Self::WIDTH;
        let ahead = number.checked_sub(self.floor)?;
        Some(if ahead < Self::BUCKETS { (number % Self::BUCKETS) as u8 + 1 } else { Self::FAR })
    }

    /// The number of the bucket since 1970; `None` for the one that is never purged.
    fn number(&self, bucket: u8) -> Option<u64> {
        let place = u64::from(bucket.checked_sub(1)?);
        let ahead = place + Self::BUCKETS - self.floor % Self::BUCKETS;
        (place < Self::BUCKETS).then_some(self.floor + ahead % Self::BUCKETS)
    }

    /// Later buckets have higher ranks.
    fn rank(&self, bucket: u8) -> u64 {
        self.number(bucket).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests;
