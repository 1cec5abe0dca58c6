//! Hashing and judging passwords on a few dedicated threads, in a fair order.
//!
//! A hash takes 19 MiB and about 15 ms of a core. Dedicated threads limit both: each reuses its memory, and a request
//! that would wait for too long is refused at once.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::time::sleep_until;

use super::HashConfig;
use super::argon::{HashError, HashMemory, HashRecords, PasswordHash, PasswordMatch, Salt};
use super::judge::judge;
use super::params::HashParams;
use super::party::Party;
use super::password::{LEAST_LENGTH, Password, Weakness};
use super::queue::{QueueLimits, QueueStatus};
use super::queue_metrics::QueueMetrics;
use super::scheme::{HashScheme, work_of};
use super::werkzeug::OldHash;
use super::workers::{WorkerPool, WorkerSlot};
use crate::random::{NoRandomness, Random};

/// How many passwords may wait in a lane to be hashed.
const HASH_ROOM: usize = 160;

/// How many may wait in a lane to be judged.
const JUDGE_ROOM: usize = 48;

/// The most passwords that wait at the same time.
pub const MOST_WAITING: usize = QueueLimits::most(HASH_ROOM) + QueueLimits::most(JUDGE_ROOM);

/// The threads that hash and judge passwords, and their queues. Cheap to clone.
#[derive(Clone)]
pub struct Hasher {
    hashing: WorkerPool<HashMemory>,
    /// One thread: judging passwords never delays a sign-in.
    judging: WorkerPool<()>,
    records: Arc<HashRecords>,
    metrics: HasherMetrics,
    /// The work of a hash with the configured parameters.
    configured_work: u64,
    /// The source of salts.
    random: Arc<dyn Random>,
}

/// The right to hash one password after another.
pub struct HashSlot {
    slot: WorkerSlot<HashMemory>,
    records: Arc<HashRecords>,
    random: Arc<dyn Random>,
    /// When the last verification began on its thread.
    begun: Option<Instant>,
}

/// What both queues count. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct HasherMetrics {
    /// The queue of hashes.
    pub hashing: QueueMetrics,
    /// The queue of new passwords to be judged.
    pub judging: QueueMetrics,
}

impl Hasher {
    /// Starts the threads. They end with the last clone and the last [`HashSlot`].
    pub fn new(config: HashConfig, random: Arc<dyn Random>) -> Self {
        let HashConfig { threads, wait, params } = config;
        let (records, metrics) = (Arc::<HashRecords>::default(), HasherMetrics::default());
        let memory = || HashMemory::new(params, Arc::clone(&records));
        let hashing = WorkerPool::start(
            "hash",
            QueueLimits { threads, wait, room: HASH_ROOM },
            metrics.hashing.clone(),
            memory,
        );
        let judging = WorkerPool::start(
            "judge",
            QueueLimits { threads: 1, wait, room: JUDGE_ROOM },
            metrics.judging.clone(),
            || (),
        );
        let configured_work = HashScheme::Argon2id(params.argon2()).work();
        Self { hashing, judging, records, metrics, configured_work, random }
    }

    /// How many hashes were computed so far: with the configured parameters, and with others.
    pub fn computed(&self) -> (u64, u64) {
        (self.records.configured.load(Ordering::Relaxed), self.records.others.load(Ordering::Relaxed))
    }

    /// How long after the beginning of its hash a failure is answered.
    pub fn failure_time(&self) -> Duration {
        self.records.padding.target()
    }

    /// The slowest of stored schemes; `None` without one of ours.
    pub fn slowest(&self, schemes: impl IntoIterator<Item = String>) -> Option<String> {
        let work = |scheme: String| Some((work_of(&scheme, self.configured_work)?, scheme));
        schemes.into_iter().filter_map(work).max().map(|(_, scheme)| scheme)
    }

    /// How long a failure takes, in percent of a hash with the configured parameters. At most two seconds all the same.
    pub fn failure_percent(&self) -> u32 {
        self.records.padding.percent()
    }

    /// How full the queue of hashes and the queue of passwords to be judged are.
    pub fn status(&self) -> (QueueStatus, QueueStatus) {
        (self.hashing.status(), self.judging.status())
    }

    /// What both queues count.
    pub fn metrics(&self) -> &HasherMetrics {
        &self.metrics
    }

    /// Takes a slot for `party`, before any other work for a request.
    ///
    /// # Errors
    ///
    /// [`HashError::Overloaded`], at once, when its password would wait too long.
    pub fn reserve(&self, party: Party) -> Result<HashSlot, HashError> {
        let slot = self.hashing.reserve(party)?;
        Ok(HashSlot {
            slot,
            records: Arc::clone(&self.records),
            random: Arc::clone(&self.random),
            begun: None,
        })
    }

    /// The weaknesses of a new password for a user whose names are `own_words`; empty when it is acceptable.
    ///
    /// # Errors
    ///
    /// [`HashError::Overloaded`], at once, when too many passwords wait to be judged; [`HashError::Failed`] when the
    /// computation fails.
    pub async fn judge(
        &self,
        party: Party,
        password: &Password,
        own_words: Vec<String>,
    ) -> Result<Vec<Weakness>, HashError> {
        let weaknesses = password.form_weaknesses(LEAST_LENGTH);
        if !weaknesses.is_empty() {
            return Ok(weaknesses);
        }
        let password = password.clone();
        self.judging.reserve(party)?.run(move |()| judge(&password, &own_words)).await
    }

    /// Lets failures wait as long as the slowest of the stored schemes takes, and computes a first hash, from which that
    /// time is known. A scheme that is not ours is ignored: no hash of it is ever computed.
    ///
    /// # Errors
    ///
    /// As [`Self::reserve`].
    pub async fn adapt_failures(&self, stored_schemes: &[String]) -> Result<(), HashError> {
        let mut slot = self.reserve(Party::Operator)?.slot;
        slot.run(HashMemory::measure).await??;
        let configured = self.configured_work;
        let works = stored_schemes.iter().filter_map(|scheme| work_of(scheme, configured));
        self.records.padding.compare(works.max().unwrap_or_default(), configured);
        Ok(())
    }
}

impl HashSlot {
    /// Checks whether `password` matches `hash`. Without a hash the same work is done with a dummy hash.
    ///
    /// After a failure the caller waits ([`Self::wait_as_failed`]).
    ///
    /// # Errors
    ///
    /// [`HashError::Malformed`] for a hash that this service did not make; [`HashError::Overloaded`] when the slot was
    /// needed for another client.
    pub async fn compare(
        &mut self,
        password: &Password,
        hash: Option<&PasswordHash>,
    ) -> Result<PasswordMatch, HashError> {
        let (password, hash) = (password.clone(), hash.cloned());
        let verified = self.slot.run(move |memory| memory.verify(&password, hash.as_ref())).await?;
        self.begun = Some(verified.begun);
        verified.outcome
    }

    /// Waits until the time at which every failure ends: that of the slowest stored scheme, so that it reveals neither
    /// which accounts exist nor how their hashes were made. Returns at once when that time has passed.
    pub async fn wait_as_failed(&self) {
        if let Some(begun) = self.begun {
            sleep_until((begun + self.records.padding.target()).into()).await;
        }
    }

    /// Hashes a new password with a new salt.
    ///
    /// # Errors
    ///
    /// [`HashError::Overloaded`] when the slot was needed for another client; [`HashError::Failed`].
    pub async fn hash(&mut self, password: &Password) -> Result<PasswordHash, HashError> {
        let password = password.clone();
        let mut salt = Salt::default();
        self.random.fill(&mut salt).map_err(|NoRandomness| HashError::Failed)?;
        self.slot.run(move |memory| memory.hash(&password, &salt)).await?
    }

    /// Hashes the hash of a password that another program made, with a new salt.
    ///
    /// # Errors
    ///
    /// As [`Self::hash`].
    pub async fn wrap(&mut self, old: OldHash) -> Result<PasswordHash, HashError> {
        let mut salt = Salt::default();
        self.random.fill(&mut salt).map_err(|NoRandomness| HashError::Failed)?;
        self.slot.run(move |memory| memory.wrap(&old, &salt)).await?
    }
}

/// Computes hashes one after another on each of `threads` threads until `limit` has passed, at least one on each, and
/// returns how long each took. For an operator who asks what a machine can do.
///
/// # Errors
///
/// [`HashError::Failed`].
pub fn time_hashes(params: HashParams, threads: usize, limit: Duration) -> Result<Vec<Duration>, HashError> {
    let work = || {
        let (mut memory, begun) = (HashMemory::new(params, Arc::default()), Instant::now());
        // The first one also takes the memory from the system.
        memory.measure()?;
        let mut taken = vec![memory.measure()?];
        while begun.elapsed() < limit {
            taken.push(memory.measure()?);
        }
        Ok(taken)
    };
    std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let taken = running.into_iter().map(|thread| thread.join().unwrap_or(Err(HashError::Failed)));
        Ok(taken.collect::<Result<Vec<_>, HashError>>()?.concat())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SystemRandom;

    fn hasher(threads: usize, wait: Duration) -> Hasher {
        let config = HashConfig { threads, wait, params: HashParams::default() };
        Hasher::new(config, Arc::new(SystemRandom))
    }

    fn slot() -> HashSlot {
        hasher(1, Duration::ZERO).reserve(Party::Operator).unwrap()
    }

    fn password(text: &str) -> Password {
        Password::new(text)
    }

    #[tokio::test]
    async fn a_password_is_right_for_its_own_hash_alone() {
        let mut slot = slot();
        let hash = slot.hash(&password("мой пароль")).await.unwrap();
        assert!(hash.as_stored().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert_eq!(slot.compare(&password("мой пароль"), Some(&hash)).await, Ok(PasswordMatch::Yes));
        assert_eq!(slot.compare(&password("мой пароль "), Some(&hash)).await, Ok(PasswordMatch::No));
    }

    #[tokio::test]
    async fn salts_differ() {
        let (mut slot, same) = (slot(), password("same"));
        assert_ne!(slot.hash(&same).await.unwrap(), slot.hash(&same).await.unwrap());
    }

    #[tokio::test]
    async fn a_user_without_a_password_never_matches() {
        assert_eq!(slot().compare(&password("password"), None).await, Ok(PasswordMatch::No));
    }

    #[tokio::test]
    async fn judging_takes_no_slot() {
        let hasher = hasher(1, Duration::ZERO);
        let _taken = hasher.reserve(Party::Operator).unwrap();
        let weaknesses = hasher.judge(Party::Operator, &password("password"), Vec::new()).await.unwrap();
        assert_eq!(weaknesses.first().map(|weakness| weakness.code), Some("password_common"));
        let weaknesses = hasher.judge(Party::Operator, &password("short"), Vec::new()).await.unwrap();
        assert_eq!(weaknesses.first().map(|weakness| weakness.code), Some("password_too_short"));
    }

    #[tokio::test]
    async fn a_failure_with_a_cheap_hash_takes_as_long_as_with_a_usual_one() {
        let hasher = hasher(1, Duration::from_secs(1));
        hasher.adapt_failures(&[]).await.unwrap();
        let cheap = "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$c28gd2hhdGV2ZXIgd2FzIHR5cGVkIGhlcmUgaXMgd3I";
        let mut slot = hasher.reserve(Party::Operator).unwrap();
        let target = hasher.records.padding.target();
        let begun = Instant::now();
        let stored = PasswordHash::from_stored(cheap);
        assert_eq!(slot.compare(&password("x"), Some(&stored)).await, Ok(PasswordMatch::No));
        slot.wait_as_failed().await;
        assert!(!target.is_zero() && begun.elapsed() >= target, "{target:?}");
        // Nothing was computed to pass the time.
        assert_eq!(hasher.computed(), (1, 1));
    }

    #[tokio::test]
    async fn failures_wait_for_the_slowest_stored_scheme() {
        let hasher = hasher(1, Duration::from_secs(1));
        hasher
            .adapt_failures(&["$argon2id$v=19$m=1024,t=1,p=1".to_owned(), "other".to_owned()])
            .await
            .unwrap();
        let usual = hasher.records.padding.target();
        hasher.adapt_failures(&["$argon2id$v=19$m=65536,t=3,p=1".to_owned()]).await.unwrap();
        let slow = hasher.records.padding.target();
        assert!(slow > usual, "{slow:?} {usual:?}");
        let mut slot = hasher.reserve(Party::Operator).unwrap();
        let begun = Instant::now();
        assert_eq!(slot.compare(&password("x"), None).await, Ok(PasswordMatch::No));
        slot.wait_as_failed().await;
        assert!(begun.elapsed() >= slow);
    }

    /// An import may have stored it since the schemes were compared.
    #[tokio::test]
    async fn failures_wait_for_a_scheme_from_the_first_hash_on_that_was_compared_with_it() {
        let hasher = hasher(1, Duration::from_secs(1));
        hasher.adapt_failures(&[]).await.unwrap();
        assert_eq!(hasher.failure_percent(), 100);
        let hash = HashMemory::new("m=65536,t=3".parse().unwrap(), Arc::default())
            .hash(&password("x"), &Salt::default())
            .unwrap();
        let mut slot = hasher.reserve(Party::Operator).unwrap();
        assert_eq!(slot.compare(&password("y"), Some(&hash)).await, Ok(PasswordMatch::No));
        assert!(hasher.failure_percent() > 100);
    }
}
