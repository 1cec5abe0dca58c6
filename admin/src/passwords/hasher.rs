//! Password hashes (Argon2id, RFC 9106), computed on a few dedicated threads.
//!
//! A hash takes 19 MiB and about 15 ms of a core. Dedicated threads limit both: each reuses its memory, and a
//! request that finds the queue full is refused at once instead of waiting for long.

use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use uuid::Uuid;

use super::argon::{HashCounts, HashError, HashMemory, PasswordHash, PasswordMatch, Salt};
use super::party::{Parties, Party};
use super::password::{Password, Weakness};
use crate::random::{NoRandomness, Random};

/// The threads that hash passwords, and their queue. Cheap to clone.
#[derive(Clone)]
pub struct Hasher {
    jobs: Sender<Job>,
    slots: Arc<Semaphore>,
    /// How many slots there are.
    room: usize,
    computed: Arc<HashCounts>,
    /// The source of salts.
    random: Arc<dyn Random>,
    parties: Parties,
}

/// A slot in the queue: the right to hash one password after another.
pub struct HashSlot {
    jobs: Sender<Job>,
    random: Arc<dyn Random>,
    _permit: OwnedSemaphorePermit,
}

type Job = Box<dyn FnOnce(&mut HashMemory) + Send>;

impl Hasher {
    /// Starts `threads` hashing threads, with a queue for `queue` waiting passwords.
    ///
    /// The threads end with the last clone and the last [`HashSlot`]. If the operating system refuses a thread,
    /// that is logged, and every hash fails.
    pub fn new(threads: usize, queue: usize, random: Arc<dyn Random>) -> Self {
        let (jobs, waiting) = channel();
        let waiting = Arc::new(Mutex::new(waiting));
        let computed = Arc::new(HashCounts::default());
        for number in 0..threads {
            let waiting = Arc::clone(&waiting);
            let memory = HashMemory::counted(Arc::clone(&computed));
            let thread = std::thread::Builder::new().name(format!("hash-{number}"));
            if let Err(error) = thread.spawn(move || work(&waiting, memory)) {
                tracing::error!(%error, "Failed to spawn a password-hashing thread; raise the process limit \
                    (ulimit -u).");
            }
        }
        let room = threads + queue;
        Self {
            jobs,
            slots: Arc::new(Semaphore::new(room)),
            room,
            computed,
            random,
            parties: Parties::default(),
        }
    }

    /// A client at `address` that names `identifier`.
    pub fn stranger(&self, address: Option<IpAddr>, identifier: &str) -> Party {
        self.parties.stranger(address, identifier)
    }

    /// The owner of a valid session of `user`.
    pub fn known(&self, user: Uuid) -> Party {
        self.parties.known(user)
    }

    /// How many hashes were computed so far: with today's parameters, and with others.
    pub fn computed(&self) -> (u64, u64) {
        (self.computed.todays.load(Ordering::Relaxed), self.computed.others.load(Ordering::Relaxed))
    }

    /// How many slots are taken, and how many there are.
    pub fn slots(&self) -> (usize, usize) {
        (self.room.saturating_sub(self.slots.available_permits()), self.room)
    }

    /// Takes a slot for `party`, before any other work for a request.
    ///
    /// # Errors
    ///
    /// [`HashError::Overloaded`], at once, when no slot is free.
    pub fn reserve(&self, _party: Party) -> Result<HashSlot, HashError> {
        let overloaded = HashError::Overloaded { retry_after: Duration::from_secs(1) };
        let permit = Arc::clone(&self.slots).try_acquire_owned().map_err(|_| overloaded)?;
        Ok(HashSlot { jobs: self.jobs.clone(), random: Arc::clone(&self.random), _permit: permit })
    }

    /// Checks the strength of a new password, which also takes milliseconds of computation.
    ///
    /// # Errors
    ///
    /// [`HashError::Overloaded`], at once; [`HashError::Failed`] when the computation fails.
    pub async fn judge(
        &self,
        party: Party,
        password: &Password,
        own_words: Vec<String>,
    ) -> Result<Vec<Weakness>, HashError> {
        let password = password.clone();
        let judging = move |_: &mut HashMemory| {
            let words: Vec<&str> = own_words.iter().map(String::as_str).collect();
            password.weaknesses(&words)
        };
        self.reserve(party)?.run(judging).await
    }
}

impl HashSlot {
    /// Checks whether `password` matches `hash`.
    ///
    /// Without a hash the same work is done with a dummy hash, so that the time does not reveal which
    /// accounts exist.
    ///
    /// # Errors
    ///
    /// [`HashError::Malformed`] for a hash that this service did not make.
    pub async fn verify(
        &mut self,
        password: &Password,
        hash: Option<&PasswordHash>,
    ) -> Result<PasswordMatch, HashError> {
        let (password, hash) = (password.clone(), hash.cloned());
        self.run(move |memory| match hash {
            Some(hash) => memory.verify(&password, &hash),
            None => memory.verify(&password, &PasswordHash::of_no_user()).map(|_| PasswordMatch::No),
        })
        .await?
    }

    /// Hashes a new password with a new salt.
    ///
    /// # Errors
    ///
    /// When the computation fails.
    pub async fn hash(&mut self, password: &Password) -> Result<PasswordHash, HashError> {
        let password = password.clone();
        let mut salt = Salt::default();
        self.random.fill(&mut salt).map_err(|NoRandomness| HashError::Failed)?;
        self.run(move |memory| memory.hash(&password, &salt)).await?
    }

    async fn run<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut HashMemory) -> T + Send + 'static,
    ) -> Result<T, HashError> {
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move |memory| {
            // If the client has gone meanwhile, the computation is skipped.
            if !reply.is_closed() {
                let _gone = reply.send(work(memory));
            }
        });
        self.jobs.send(job).map_err(|_| HashError::Failed)?;
        answer.await.map_err(|_| HashError::Failed)
    }
}

/// A hashing thread: runs jobs in order until all senders are gone. A panic fails one job.
fn work(waiting: &Mutex<Receiver<Job>>, mut memory: HashMemory) {
    loop {
        let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = next else { return };
        if catch_unwind(AssertUnwindSafe(|| job(&mut memory))).is_err() {
            tracing::error!("A panic while hashing a password; its request fails, the thread continues.");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SystemRandom;

    fn slot() -> HashSlot {
        Hasher::new(1, 1, Arc::new(SystemRandom)).reserve(Party::Operator).unwrap()
    }

    fn password(text: &str) -> Password {
        Password::new(text)
    }

    #[tokio::test]
    async fn a_password_is_right_for_its_own_hash_alone() {
        let mut slot = slot();
        let hash = slot.hash(&password("мой пароль")).await.unwrap();
        assert!(hash.as_stored().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert_eq!(slot.verify(&password("мой пароль"), Some(&hash)).await, Ok(PasswordMatch::Yes));
        assert_eq!(slot.verify(&password("мой пароль "), Some(&hash)).await, Ok(PasswordMatch::No));
    }

    #[tokio::test]
    async fn salts_differ() {
        let (mut slot, same) = (slot(), password("same"));
        assert_ne!(slot.hash(&same).await.unwrap(), slot.hash(&same).await.unwrap());
    }

    #[tokio::test]
    async fn a_user_without_a_password_never_matches() {
        assert_eq!(slot().verify(&password("password"), None).await, Ok(PasswordMatch::No));
    }

    #[test]
    fn a_full_queue_refuses_at_once() {
        let hasher = Hasher::new(1, 2, Arc::new(SystemRandom));
        let slots: Vec<_> = (0..3).map(|_| hasher.reserve(Party::Operator).unwrap()).collect();
        assert!(hasher.reserve(Party::Operator).is_err());
        drop(slots);
        assert!(hasher.reserve(Party::Operator).is_ok());
    }

    #[tokio::test]
    async fn a_panic_costs_one_job() {
        let mut slot = slot();
        assert_eq!(slot.run(|_| panic!("on purpose")).await, Err::<(), _>(HashError::Failed));
        assert_eq!(slot.run(|_| 7).await, Ok(7));
    }

    #[tokio::test]
    async fn no_hash_is_computed_for_a_request_that_was_dropped() {
        let hasher = Hasher::new(1, 2, Arc::new(SystemRandom));
        let (release, held) = channel::<()>();
        let (started, begun) = oneshot::channel();
        let mut first = hasher.reserve(Party::Operator).unwrap();
        let holding =
            tokio::spawn(
                async move { first.run(move |_| started.send(()).is_ok() && held.recv().is_ok()).await },
            );
        begun.await.unwrap();
        let (report, heard) = channel();
        let mut second = hasher.reserve(Party::Operator).unwrap();
        let leaving =
            tokio::time::timeout(std::time::Duration::from_millis(1), second.run(move |_| report.send(())));
        assert!(leaving.await.is_err());
        drop(release);
        assert_eq!(holding.await.unwrap(), Ok(false));
        // The job is dropped without running, and with it its end of the channel.
        assert!(heard.recv().is_err());
    }
}
