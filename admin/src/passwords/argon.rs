//! One hash: Argon2id (RFC 9106) in reused memory, stored as a PHC string.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use argon2::password_hash::phc;
use argon2::{Algorithm, Argon2, Block, Params, Version};
use subtle::ConstantTimeEq as _;

use super::password::Password;

/// 19 MiB, two passes, one lane: OWASP's first choice for Argon2id.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// The value that makes two hashes of one password differ.
pub(super) type Salt = [u8; 16];

const HASH_BYTES: usize = 32;

/// A stored hash that needs more than this is an error, or an attack on memory.
const MAX_MEMORY_KIB: u32 = 65_536;
const MAX_PASSES: u32 = 10;
const MAX_LANES: u32 = 16;

/// A stored password hash in PHC string format. `Debug` prints nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(Box<str>);

/// Whether a password matches a hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordMatch {
    /// It matches.
    Yes,
    /// It matches, but the hash has outdated parameters: hash the password again.
    YesButOutdated,
    /// It does not match, or there is no hash.
    No,
}

/// The memory blocks of one thread, reused for every hash.
#[derive(Default)]
pub(super) struct HashMemory {
    blocks: Vec<Block>,
    computed: Arc<HashCounts>,
}

/// Why no hash was computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// Too many passwords wait.
    #[error("too many passwords wait to be hashed")]
    Overloaded {
        /// After this time there may be room.
        retry_after: Duration,
    },
    /// The stored hash was not made by this service.
    #[error("a stored password hash is malformed or needs too much memory")]
    Malformed,
    /// The computation failed, which cannot happen with bounded inputs.
    #[error("cannot compute a password hash")]
    Failed,
}

/// How many hashes were computed, by their parameters.
#[derive(Debug, Default)]
pub(super) struct HashCounts {
    pub(super) todays: AtomicU64,
    pub(super) others: AtomicU64,
}

impl HashCounts {
    /// Increments a count.
    fn count(&self, with_todays_parameters: bool) {
        let counter = if with_todays_parameters { &self.todays } else { &self.others };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

impl PasswordHash {
    /// A hash from the database.
    pub fn from_stored(text: &str) -> Self {
        Self(text.into())
    }

    /// The PHC string, for the database only.
    pub fn as_stored(&self) -> &str {
        &self.0
    }

    /// A hash of no password, with today's parameters.
    pub(super) fn of_no_user() -> Self {
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

impl HashMemory {
    /// The initial state of a thread, which adds its work to `computed`.
    pub(super) fn counted(computed: Arc<HashCounts>) -> Self {
        Self { blocks: Vec::new(), computed }
    }

    /// Hashes a new password with `salt`, which must be new and random.
    pub(super) fn hash(&mut self, password: &Password, salt: &Salt) -> Result<PasswordHash, HashError> {
        let params = todays_params()?;
        let mut output = [0; HASH_BYTES];
        self.fill(&params, password, salt, &mut output)?;
        let hash = phc::PasswordHash {
            algorithm: Algorithm::Argon2id.ident(),
            version: Some(Version::V0x13.into()),
            params: (&params).try_into().map_err(|_| HashError::Failed)?,
            salt: Some(phc::Salt::new(salt).map_err(|_| HashError::Failed)?),
            hash: Some(phc::Output::new(&output).map_err(|_| HashError::Failed)?),
        };
        Ok(PasswordHash(hash.to_string().into()))
    }

    /// Checks whether `password` matches `stored`.
    pub(super) fn verify(
        &mut self,
        password: &Password,
        stored: &PasswordHash,
    ) -> Result<PasswordMatch, HashError> {
        let stored = phc::PasswordHash::new(stored.as_stored()).map_err(|_| HashError::Malformed)?;
        let params = bounded_params(&stored)?;
        let (Some(salt), Some(expected)) = (&stored.salt, &stored.hash) else {
            return Err(HashError::Malformed);
        };
        let mut output = vec![0; expected.len()];
        self.fill(&params, password, salt, &mut output)?;
        let is_right: bool = output.ct_eq(expected.as_bytes()).into();
        Ok(match is_right {
            true if is_todays(&params) => PasswordMatch::Yes,
            true => PasswordMatch::YesButOutdated,
            false => PasswordMatch::No,
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
        if self.blocks.len() < count {
            self.blocks.resize(count, Block::new());
        }
        self.computed.count(is_todays(params));
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone())
            .hash_password_into_with_memory(
                password.expose().as_bytes(),
                salt,
                output,
                self.blocks.as_mut_slice(),
            )
            .map_err(|_| HashError::Failed)
    }
}

fn todays_params() -> Result<Params, HashError> {
    Params::new(MEMORY_KIB, PASSES, LANES, Some(HASH_BYTES)).map_err(|_| HashError::Failed)
}

fn is_todays(params: &Params) -> bool {
    let made_with = (params.m_cost(), params.t_cost(), params.p_cost(), params.output_len());
    made_with == (MEMORY_KIB, PASSES, LANES, Some(HASH_BYTES))
}

/// The parameters of a stored hash if it is Argon2id of the supported version and within the limits.
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

    fn verify(password: &str, stored: &str) -> Result<PasswordMatch, HashError> {
        HashMemory::default().verify(&Password::new(password), &PasswordHash::from_stored(stored))
    }

    #[test]
    fn another_salt_is_another_hash() {
        let mut memory = HashMemory::default();
        let password = Password::new("same");
        let hash = memory.hash(&password, &[1; 16]).unwrap();
        assert_eq!(memory.hash(&password, &[1; 16]).unwrap(), hash);
        assert_ne!(memory.hash(&password, &[2; 16]).unwrap(), hash);
    }

    #[test]
    fn the_memory_of_a_larger_hash_serves_a_smaller_one() {
        let mut memory = HashMemory::default();
        let params = Params::new(64, 2, 1, Some(32)).unwrap();
        let (mut fresh, mut used) = ([0; 32], [0; 32]);
        let password = Password::new("password");
        memory.fill(&params, &password, b"somesalt", &mut fresh).unwrap();
        memory.hash(&Password::new("another"), &[1; 16]).unwrap();
        memory.fill(&params, &password, b"somesalt", &mut used).unwrap();
        assert_eq!(fresh, used);
    }

    #[test]
    fn a_hash_with_other_parameters_is_right_but_old() {
        let params = Params::new(64, 2, 1, Some(32)).unwrap();
        let mut output = [0; 32];
        HashMemory::default().fill(&params, &Password::new("password"), b"somesalt", &mut output).unwrap();
        let output = phc::Output::new(&output).unwrap();
        let old = format!("$argon2id$v=19$m=64,t=2,p=1$c29tZXNhbHQ${output}");
        assert_eq!(verify("password", &old), Ok(PasswordMatch::YesButOutdated));
        assert_eq!(verify("passwort", &old), Ok(PasswordMatch::No));
    }

    #[test]
    fn hashes_that_are_not_ours_are_refused() {
        for bad in [
            String::new(),
            "password".to_owned(),
            format!("$argon2i$v=19$m=64,t=2,p=1$c29tZXNhbHQ${HASH}"),
            format!("$argon2id$v=16$m=64,t=2,p=1$c29tZXNhbHQ${HASH}"),
            format!("$argon2id$v=19$m=4194304,t=2,p=1$c29tZXNhbHQ${HASH}"),
            format!("$argon2id$v=19$m=64,t=4000000,p=1$c29tZXNhbHQ${HASH}"),
            "$argon2id$v=19$m=64,t=2,p=1$c29tZXNhbHQ".to_owned(),
        ] {
            assert_eq!(verify("x", &bad), Err(HashError::Malformed), "{bad}");
        }
    }

    #[test]
    fn debug_does_not_show_it() {
        assert_eq!(format!("{:?}", PasswordHash::from_stored("$argon2id$")), "PasswordHash");
    }
}
