//! What is revoked, in memory: exact, never a bounded cache, written by the feed and read by every worker.
//!
//! Token and session records take one word each, user records two; the tables say how. A record is kept
//! until its end and the leeway have passed, then goes with its bucket of ten minutes. Applying a record
//! twice, late or out of order changes nothing: entries only ever grow, and go by time alone.

mod table;

use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use shared::revocation::{Kind, Reason, Record, RecordKey, Until};
use shared::token::VerifiedToken;
use table::{Label, Sharded};

/// What the revocations say of a token. Ordered: the worse is the greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RevocationStatus {
    /// Nothing was revoked.
    NotRevoked,
    /// It is refused, but a refresh gives a valid one.
    RefreshNeeded,
    /// It is refused.
    Revoked,
}

/// Where to look up a token's revocations: keyed hashes, computed once a token.
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
    /// Dead keys. Few, and kept for ever.
    keys: ArcSwap<Vec<RecordKey>>,
    /// Minimum deployment generations.
    everything: AtomicU64,
    everything_refresh: AtomicU64,
    /// The lock that makes the writer single; readers never take it.
    writer: Mutex<Buckets>,
}

/// Turns expiry times into buckets. There are fourteen buckets of ten minutes; what expires after them goes into one
/// that is never purged, which is right for any token: it expires by itself.
struct Buckets {
    /// The first bucket that is not over, counted from 1970.
    floor: u64,
}

impl Revoked {
    /// An empty set, that keeps each record `leeway` seconds longer than it says.
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

    /// What the revocations say of `token`, whose marks these are.
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

    /// Enters a record. Those that are over already are passed over.
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

    /// Forgets the records that have been over for the leeway at `now`, and takes `now` for the present:
    /// until the first call every expiry counts as later than all buckets.
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

    /// Whether the key is dead.
    pub fn is_killed(&self, key: &RecordKey) -> bool {
        self.keys.load().contains(key)
    }

    /// How many records are held; several about one token, session or user count once.
    pub fn len(&self) -> usize {
        self.single.read().len() + self.users.read().len() + self.keys.load().len()
    }

    /// Whether none is held.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many bytes the records take, room for growth included.
    pub fn bytes(&self) -> usize {
        self.single.read().bytes() + self.users.read().bytes()
    }

    /// A writer that panicked has left every table whole: each entry is a store or two.
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

    /// The bucket in which a record ends; `None` when it is over.
    fn bucket(&self, until: Until) -> Option<u8> {
        let Until::At(second) = until else { return Some(Self::FAR) };
        let number = u64::from(second) / Self::WIDTH;
        let ahead = number.checked_sub(self.floor)?;
        Some(if ahead < Self::BUCKETS { (number % Self::BUCKETS) as u8 + 1 } else { Self::FAR })
    }

    /// Which bucket since 1970 is meant; `None` for the far one.
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
