//! Password hashes (Argon2id, RFC 9106), computed on few threads of their own.
//!
//! A hash takes 19 MiB and some 15 ms of a core. The threads beside the runtime bound both: each keeps its
//! memory between hashes, and whoever finds the queue full is refused at once instead of waiting for long.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};

use argon2::password_hash::phc;
use argon2::{Algorithm, Argon2, Block, Params, Version};
use subtle::ConstantTimeEq as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::{Password, Weakness};
use crate::api::{Code, Problem};

/// 19 MiB, two passes, one lane: OWASP's first choice for Argon2id.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;

const SALT_BYTES: usize = 16;
const HASH_BYTES: usize = 32;

/// A stored hash that would cost more than this is a mistake, or an attack on our memory.
const MAX_MEMORY_KIB: u32 = 65_536;
const MAX_PASSES: u32 = 10;
const MAX_LANES: u32 = 16;

/// The threads that hash passwords, and the queue before them. Cheap to clone.
#[derive(Clone)]
pub struct Hasher {
    jobs: Sender<Job>,
    places: Arc<Semaphore>,
}

/// A place in the queue: the right to hash, one password after another.
pub struct Place {
    jobs: Sender<Job>,
    _permit: OwnedSemaphorePermit,
}

/// A stored password hash, in PHC string format. `Debug` shows nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(Box<str>);

/// Whether a password was the one that a hash was made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It was.
    Right,
    /// It was, but the hash was made with other parameters than today's: hash it anew.
    RightButOld,
    /// It was not, or there was no hash.
    Wrong,
}

/// Why no hash was computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// Every place is taken.
    #[error("the queue of the password hash is full")]
    Overloaded,
    /// The stored hash is not one of ours.
    #[error("a stored password hash is malformed or asks for too much memory")]
    Malformed,
    /// The computation failed, which it cannot with bounded inputs.
    #[error("the password hash could not be computed")]
    Failed,
}

type Job = Box<dyn FnOnce(&mut Memory) + Send>;

/// The blocks of one thread, kept from hash to hash.
#[derive(Default)]
struct Memory(Vec<Block>);

impl Hasher {
    /// Starts `threads` that hash, and makes room for `queue` passwords that wait.
    ///
    /// The threads end with the last clone and the last [`Place`]. Where the operating system gives none,
    /// that is logged, and every hash fails.
    pub fn new(threads: usize, queue: usize) -> Self {
        let (jobs, waiting) = channel();
        let waiting = Arc::new(Mutex::new(waiting));
        for number in 0..threads {
            let waiting = Arc::clone(&waiting);
            let thread = std::thread::Builder::new().name(format!("hash-{number}"));
            if let Err(error) = thread.spawn(move || work(&waiting)) {
                tracing::error!(%error, "No thread could be started to hash passwords on; allow this user more.");
            }
        }
        Self { jobs, places: Arc::new(Semaphore::new(threads + queue)) }
    }

    /// Takes a place, before anything else is done for a request.
    ///
    /// # Errors
    ///
    /// [`HashError::Overloaded`], at once, when there is none.
    pub fn reserve(&self) -> Result<Place, HashError> {
        let permit = Arc::clone(&self.places).try_acquire_owned().map_err(|_| HashError::Overloaded)?;
        Ok(Place { jobs: self.jobs.clone(), _permit: permit })
    }
}

impl Place {
    /// Asks whether `password` is what `hash` was made of.
    ///
    /// Without a hash the same work is done on a made-up one, so that time says nothing of who exists.
    ///
    /// # Errors
    ///
    /// [`HashError::Malformed`] for a hash that is not ours.
    pub async fn verify(
        &mut self,
        password: &Password,
        hash: Option<&PasswordHash>,
    ) -> Result<Verdict, HashError> {
        let (password, hash) = (password.clone(), hash.cloned());
        self.run(move |memory| match hash {
            Some(hash) => memory.verify(&password, &hash),
            None => memory.verify(&password, &PasswordHash::of_nobody()).map(|_| Verdict::Wrong),
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
        self.run(move |memory| memory.hash(&password)).await?
    }

    /// Judges a new password, which takes milliseconds of computing as well.
    ///
    /// # Errors
    ///
    /// When the computation fails.
    pub async fn judge(
        &mut self,
        password: &Password,
        own_words: Vec<String>,
    ) -> Result<Vec<Weakness>, HashError> {
        let password = password.clone();
        self.run(move |_| {
            let words: Vec<&str> = own_words.iter().map(String::as_str).collect();
            password.weaknesses(&words)
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut Memory) -> T + Send + 'static,
    ) -> Result<T, HashError> {
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move |memory| {
            // Whoever asked may be gone by now; then nobody pays for the work.
            if !reply.is_closed() {
                let _gone = reply.send(work(memory));
            }
        });
        self.jobs.send(job).map_err(|_| HashError::Failed)?;
        answer.await.map_err(|_| HashError::Failed)
    }
}

impl From<HashError> for Problem {
    fn from(error: HashError) -> Self {
        match error {
            HashError::Overloaded => Self::new(Code::Overloaded),
            HashError::Malformed | HashError::Failed => {
                tracing::error!(%error, "A request failed with its password hash.");
                Self::new(Code::Internal)
            }
        }
    }
}

impl PasswordHash {
    /// A hash from the database.
    pub fn from_stored(text: &str) -> Self {
        Self(text.into())
    }

    /// The PHC string, for the database alone.
    pub fn as_stored(&self) -> &str {
        &self.0
    }

    /// A hash of no password, with today's parameters.
    fn of_nobody() -> Self {
        let salt = "dGhlcmUgaXMgbm9ib2R5";
        let hash = "c28gd2hhdGV2ZXIgd2FzIHR5cGVkIGhlcmUgaXMgd3I";
        Self(format!("$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}${salt}${hash}").into())
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash")
    }
}

impl Memory {
    fn hash(&mut self, password: &Password) -> Result<PasswordHash, HashError> {
        let mut salt = [0; SALT_BYTES];
        aws_lc_rs::rand::fill(&mut salt).map_err(|_| HashError::Failed)?;
        let params = todays_params()?;
        let mut output = [0; HASH_BYTES];
        self.fill(&params, password, &salt, &mut output)?;
        let hash = phc::PasswordHash {
            algorithm: Algorithm::Argon2id.ident(),
            version: Some(Version::V0x13.into()),
            params: (&params).try_into().map_err(|_| HashError::Failed)?,
            salt: Some(phc::Salt::new(&salt).map_err(|_| HashError::Failed)?),
            hash: Some(phc::Output::new(&output).map_err(|_| HashError::Failed)?),
        };
        Ok(PasswordHash(hash.to_string().into()))
    }

    fn verify(&mut self, password: &Password, stored: &PasswordHash) -> Result<Verdict, HashError> {
        let stored = phc::PasswordHash::new(stored.as_stored()).map_err(|_| HashError::Malformed)?;
        let params = bounded_params(&stored)?;
        let (Some(salt), Some(expected)) = (&stored.salt, &stored.hash) else {
            return Err(HashError::Malformed);
        };
        let mut output = vec![0; expected.len()];
        self.fill(&params, password, salt, &mut output)?;
        let is_right: bool = output.ct_eq(expected.as_bytes()).into();
        Ok(match is_right {
            true if is_todays(&params) => Verdict::Right,
            true => Verdict::RightButOld,
            false => Verdict::Wrong,
        })
    }

    fn fill(
        &mut self,
        params: &Params,
        password: &Password,
        salt: &[u8],
        output: &mut [u8],
    ) -> Result<(), HashError> {
        let count = params.block_count();
        if self.0.len() < count {
            self.0.resize(count, Block::new());
        }
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone())
            .hash_password_into_with_memory(password.expose().as_bytes(), salt, output, self.0.as_mut_slice())
            .map_err(|_| HashError::Failed)
    }
}

/// One thread: jobs in their order, until nobody can send any more. A panic costs one job.
fn work(waiting: &Mutex<Receiver<Job>>) {
    let mut memory = Memory::default();
    loop {
        let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = next else { return };
        if catch_unwind(AssertUnwindSafe(|| job(&mut memory))).is_err() {
            tracing::error!("A computation on a password panicked; its request fails, the thread goes on.");
        }
    }
}

fn todays_params() -> Result<Params, HashError> {
    Params::new(MEMORY_KIB, PASSES, LANES, Some(HASH_BYTES)).map_err(|_| HashError::Failed)
}

fn is_todays(params: &Params) -> bool {
    let made_with = (params.m_cost(), params.t_cost(), params.p_cost(), params.output_len());
    made_with == (MEMORY_KIB, PASSES, LANES, Some(HASH_BYTES))
}

/// The parameters of a stored hash, when it is Argon2id of the one version and within bounds.
fn bounded_params(stored: &phc::PasswordHash) -> Result<Params, HashError> {
    let is_ours =
        stored.algorithm == Algorithm::Argon2id.ident() && stored.version == Some(Version::V0x13.into());
    let params = Params::try_from(stored).map_err(|_| HashError::Malformed)?;
    let is_bounded =
        params.m_cost() <= MAX_MEMORY_KIB && params.t_cost() <= MAX_PASSES && params.p_cost() <= MAX_LANES;
    if is_ours && is_bounded { Ok(params) } else { Err(HashError::Malformed) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "c28gd2hhdGV2ZXIgd2FzIHR5cGVkIGhlcmUgaXMgd3I";

    fn place() -> Place {
        Hasher::new(1, 1).reserve().unwrap()
    }

    fn password(text: &str) -> Password {
        Password::new(text)
    }

    #[tokio::test]
    async fn a_password_is_right_for_its_own_hash_alone() {
        let mut place = place();
        let hash = place.hash(&password("мой пароль")).await.unwrap();
        assert!(hash.as_stored().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert_eq!(place.verify(&password("мой пароль"), Some(&hash)).await, Ok(Verdict::Right));
        assert_eq!(place.verify(&password("мой пароль "), Some(&hash)).await, Ok(Verdict::Wrong));
    }

    #[tokio::test]
    async fn salts_differ() {
        let mut place = place();
        let (one, two) = (place.hash(&password("same")).await, place.hash(&password("same")).await);
        assert_ne!(one.unwrap(), two.unwrap());
    }

    #[tokio::test]
    async fn a_hash_with_other_parameters_is_right_but_old() {
        let params = Params::new(64, 2, 1, Some(32)).unwrap();
        let mut output = [0; 32];
        Memory::default().fill(&params, &password("password"), b"somesalt", &mut output).unwrap();
        let output = phc::Output::new(&output).unwrap();
        let old = PasswordHash::from_stored(&format!("$argon2id$v=19$m=64,t=2,p=1$c29tZXNhbHQ${output}"));
        assert_eq!(place().verify(&password("password"), Some(&old)).await, Ok(Verdict::RightButOld));
    }

    #[tokio::test]
    async fn nobody_has_a_password() {
        assert_eq!(place().verify(&password("password"), None).await, Ok(Verdict::Wrong));
    }

    #[tokio::test]
    async fn hashes_that_are_not_ours_are_refused() {
        let mut place = place();
        for bad in [
            String::new(),
            "password".to_owned(),
            format!("$argon2i$v=19$m=64,t=2,p=1$c29tZXNhbHQ${HASH}"),
            format!("$argon2id$v=19$m=4194304,t=2,p=1$c29tZXNhbHQ${HASH}"),
            format!("$argon2id$v=19$m=64,t=4000000,p=1$c29tZXNhbHQ${HASH}"),
            "$argon2id$v=19$m=64,t=2,p=1$c29tZXNhbHQ".to_owned(),
        ] {
            let stored = PasswordHash::from_stored(&bad);
            assert_eq!(place.verify(&password("x"), Some(&stored)).await, Err(HashError::Malformed), "{bad}");
        }
    }

    #[test]
    fn a_full_queue_refuses_at_once() {
        let hasher = Hasher::new(1, 2);
        let places: Vec<_> = (0..3).map(|_| hasher.reserve().unwrap()).collect();
        assert_eq!(hasher.reserve().err(), Some(HashError::Overloaded));
        drop(places);
        assert!(hasher.reserve().is_ok());
    }

    #[tokio::test]
    async fn a_panic_costs_one_job() {
        let mut place = place();
        assert_eq!(place.run(|_| panic!("on purpose")).await, Err::<(), _>(HashError::Failed));
        assert_eq!(place.run(|_| 7).await, Ok(7));
    }

    #[test]
    fn debug_does_not_show_it() {
        assert_eq!(format!("{:?}", PasswordHash::from_stored("$argon2id$")), "PasswordHash");
    }
}
