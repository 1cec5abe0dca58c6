//! One hash: Argon2id (RFC 9106) in reused memory, stored as a PHC string.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use argon2::password_hash::phc;
use argon2::{Algorithm, Argon2, Block, Params, Version};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::padding::FailurePadding;
use super::params::{HASH_BYTES, HashParams};
use super::password::Password;
use super::scheme::{HashScheme, StoredHash};
use super::werkzeug::OldHash;

/// The value that makes two hashes of one password differ.
pub(super) type Salt = [u8; 16];

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
pub(super) struct HashMemory {
    /// The parameters of new hashes.
    params: Params,
    blocks: Vec<Block>,
    records: Arc<HashRecords>,
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

/// What the threads record about the hashes that they computed.
#[derive(Debug, Default)]
pub(super) struct HashRecords {
    /// How many have the configured parameters.
    pub(super) configured: AtomicU64,
    /// How many have others.
    pub(super) others: AtomicU64,
    /// The time to which failures wait.
    pub(super) padding: FailurePadding,
}

/// The outcome of a verification, and when its hash began.
pub(super) struct Verification {
    pub(super) outcome: Result<PasswordMatch, HashError>,
    pub(super) begun: Instant,
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
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash")
    }
}

impl HashMemory {
    /// The initial state of a thread, which hashes with `params` and adds its work to `records`.
    pub(super) fn new(params: HashParams, records: Arc<HashRecords>) -> Self {
        Self { params: params.argon2(), blocks: Vec::new(), records }
    }

    /// Hashes a new password with `salt`, which must be new and random.
    pub(super) fn hash(&mut self, password: &Password, salt: &Salt) -> Result<PasswordHash, HashError> {
        self.hash_text(password.expose(), salt).map(|hash| PasswordHash(hash.into()))
    }

    /// Hashes the hash that another program made, with `salt`, which must be new and random.
    pub(super) fn wrap(&mut self, old: &OldHash, salt: &Salt) -> Result<PasswordHash, HashError> {
        let outer = self.hash_text(&old.hex, salt)?;
        Ok(PasswordHash(format!("{}{outer}", old.scheme).into()))
    }

    fn hash_text(&mut self, text: &str, salt: &Salt) -> Result<String, HashError> {
        let params = self.params.clone();
        let mut output = [0; HASH_BYTES];
        self.compute(&HashScheme::Argon2id(params.clone()), text.as_bytes(), salt, &mut output)?;
        let hash = phc::PasswordHash {
            algorithm: Algorithm::Argon2id.ident(),
            version: Some(Version::V0x13.into()),
            params: (&params).try_into().map_err(|_| HashError::Failed)?,
            salt: Some(phc::Salt::new(salt).map_err(|_| HashError::Failed)?),
            hash: Some(phc::Output::new(&output).map_err(|_| HashError::Failed)?),
        };
        Ok(hash.to_string())
    }

    /// Checks whether `password` matches `stored`. Without a hash, or with a malformed one, a hash with the
    /// configured parameters is computed all the same.
    pub(super) fn verify(&mut self, password: &Password, stored: Option<&PasswordHash>) -> Verification {
        let stored =
            stored.map(|hash| StoredHash::parse(hash.as_stored()).ok_or(HashError::Malformed)).transpose();
        let begun = Instant::now();
        let outcome = match stored {
            Ok(Some(stored)) => self.compare(password, &stored),
            Ok(None) => self.usual_work(password).map(|()| PasswordMatch::No),
            Err(malformed) => self.usual_work(password).and(Err(malformed)),
        };
        Verification { outcome, begun }
    }

    /// Computes a hash with the configured parameters, and returns how long it took.
    pub(super) fn measure(&mut self) -> Result<Duration, HashError> {
        let begun = Instant::now();
        self.usual_work(&Password::new("correct horse battery staple"))?;
        Ok(begun.elapsed())
    }

    /// The work of a verification with the configured parameters, without a result.
    fn usual_work(&mut self, password: &Password) -> Result<(), HashError> {
        let configured = HashScheme::Argon2id(self.params.clone());
        self.compute(&configured, password.expose().as_bytes(), &Salt::default(), &mut [0; HASH_BYTES])
    }

    fn compare(&mut self, password: &Password, stored: &StoredHash) -> Result<PasswordMatch, HashError> {
        self.records.padding.raise(stored.work(), HashScheme::Argon2id(self.params.clone()).work());
        let input = Zeroizing::new(match &stored.old {
            Some(old) => old.hash(password.expose_typed()).ok_or(HashError::Failed)?,
            None => password.expose().to_owned(),
        });
        let mut output = vec![0; stored.expected.len()];
        self.compute(&stored.scheme, input.as_bytes(), &stored.salt, &mut output)?;
        let is_right: bool = output.ct_eq(stored.expected.as_bytes()).into();
        Ok(match is_right {
            true if stored.old.is_none() && self.is_configured(&stored.scheme) => PasswordMatch::Yes,
            true => PasswordMatch::YesButOutdated,
            false => PasswordMatch::No,
        })
    }

    fn compute(
        &mut self,
        scheme: &HashScheme,
        input: &[u8],
        salt: &[u8],
        output: &mut [u8],
    ) -> Result<(), HashError> {
        let begun = Instant::now();
        match scheme {
            HashScheme::Argon2id(params) => self.argon2id(params, input, salt, output)?,
        }
        self.record(scheme, begun.elapsed());
        Ok(())
    }

    fn argon2id(
        &mut self,
        params: &Params,
        input: &[u8],
        salt: &[u8],
        output: &mut [u8],
    ) -> Result<(), HashError> {
        let count = params.block_count();
        if self.blocks.len() < count {
            self.blocks.resize(count, Block::new());
        }
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone())
            .hash_password_into_with_memory(input, salt, output, self.blocks.as_mut_slice())
            .map_err(|_| HashError::Failed)
    }

    fn record(&self, scheme: &HashScheme, took: Duration) {
        if self.is_configured(scheme) {
            self.records.configured.fetch_add(1, Ordering::Relaxed);
            self.records.padding.note(took);
        } else {
            self.records.others.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Whether new hashes are made with this scheme.
    fn is_configured(&self, scheme: &HashScheme) -> bool {
        let of = |params: &Params| (params.m_cost(), params.t_cost(), params.p_cost());
        match scheme {
            HashScheme::Argon2id(params) => {
                of(params) == of(&self.params)
                    && params.output_len().is_none_or(|length| length == HASH_BYTES)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "c28gd2hhdGV2ZXIgd2FzIHR5cGVkIGhlcmUgaXMgd3I";

    fn memory() -> HashMemory {
        HashMemory::new(HashParams::default(), Arc::default())
    }

    fn verify(password: &str, stored: &str) -> Result<PasswordMatch, HashError> {
        memory().verify(&Password::new(password), Some(&PasswordHash::from_stored(stored))).outcome
    }

    fn computed(memory: &HashMemory) -> (u64, u64) {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        (of(&memory.records.configured), of(&memory.records.others))
    }

    #[test]
    fn a_wrapped_hash_is_right_for_what_was_typed_and_then_outdated() {
        for (password, other, old) in [
            (
                "correct horse",
                "correct horsf",
                "sha256$Z$56e1e14c3db1991ed7ed90abf1b25fb106c394d1da3ac852c9a73b252a3beba1",
            ),
            (
                "ﬁlm ｐａｓｓ",
                "film pass",
                "pbkdf2:sha256:1000$67bJXS0pTTGbB6qY$943873a1fd060b2a2507398cd08b4f38841b9b21244d75fd38f377188680dcaf",
            ),
        ] {
            let wrapped = memory().wrap(&old.parse().unwrap(), &[1; 16]).unwrap();
            assert!(!wrapped.as_stored().contains(&old[old.len() - 20..]));
            assert_eq!(verify(password, wrapped.as_stored()), Ok(PasswordMatch::YesButOutdated));
            assert_eq!(verify(other, wrapped.as_stored()), Ok(PasswordMatch::No));
        }
    }

    #[test]
    fn another_salt_is_another_hash() {
        let mut memory = memory();
        let password = Password::new("same");
        let hash = memory.hash(&password, &[1; 16]).unwrap();
        assert_eq!(memory.hash(&password, &[1; 16]).unwrap(), hash);
        assert_ne!(memory.hash(&password, &[2; 16]).unwrap(), hash);
    }

    #[test]
    fn the_memory_of_a_larger_hash_serves_a_smaller_one() {
        let mut memory = memory();
        let params = Params::new(64, 2, 1, Some(32)).unwrap();
        let (mut fresh, mut used) = ([0; 32], [0; 32]);
        let password = Password::new("password");
        memory.argon2id(&params, password.expose().as_bytes(), b"somesalt", &mut fresh).unwrap();
        memory.hash(&Password::new("another"), &[1; 16]).unwrap();
        memory.argon2id(&params, password.expose().as_bytes(), b"somesalt", &mut used).unwrap();
        assert_eq!(fresh, used);
    }

    #[test]
    fn a_hash_with_other_parameters_is_right_but_old() {
        let params = Params::new(64, 2, 1, Some(32)).unwrap();
        let mut output = [0; 32];
        memory().argon2id(&params, b"password", b"somesalt", &mut output).unwrap();
        let output = phc::Output::new(&output).unwrap();
        let old = format!("$argon2id$v=19$m=64,t=2,p=1$c29tZXNhbHQ${output}");
        assert_eq!(verify("password", &old), Ok(PasswordMatch::YesButOutdated));
        assert_eq!(verify("passwort", &old), Ok(PasswordMatch::No));
    }

    #[test]
    fn a_hash_has_the_configured_parameters() {
        for params in HashParams::minimums() {
            let mut memory = HashMemory::new(params, Arc::default());
            let (password, salt) = (Password::new("password"), [1; 16]);
            let hash = memory.hash(&password, &salt).unwrap();
            assert!(hash.as_stored().starts_with(&format!("$argon2id$v=19${params},p=1$")), "{params}");
            assert_eq!(memory.verify(&password, Some(&hash)).outcome, Ok(PasswordMatch::Yes));
            assert_eq!(computed(&memory), (2, 0));
        }
    }

    #[test]
    fn hashes_that_are_not_ours_are_refused_after_the_usual_work() {
        for bad in [
            String::new(),
            "password".to_owned(),
            format!("$argon2i$v=19$m=64,t=2,p=1$c29tZXNhbHQ${HASH}"),
            format!("$argon2id$v=16$m=64,t=2,p=1$c29tZXNhbHQ${HASH}"),
            format!("$argon2id$v=19$m=4194304,t=2,p=1$c29tZXNhbHQ${HASH}"),
            format!("$argon2id$v=19$m=64,t=4000000,p=1$c29tZXNhbHQ${HASH}"),
            "$argon2id$v=19$m=64,t=2,p=1$c29tZXNhbHQ".to_owned(),
        ] {
            let mut memory = memory();
            let verified = memory.verify(&Password::new("x"), Some(&PasswordHash::from_stored(&bad)));
            assert_eq!(verified.outcome, Err(HashError::Malformed), "{bad}");
            assert_eq!(computed(&memory), (1, 0), "{bad}");
        }
    }

    #[test]
    fn without_a_hash_the_usual_work_is_done() {
        let mut memory = memory();
        assert_eq!(memory.verify(&Password::new("x"), None).outcome, Ok(PasswordMatch::No));
        assert_eq!(computed(&memory), (1, 0));
    }

    #[test]
    fn debug_does_not_show_it() {
        assert_eq!(format!("{:?}", PasswordHash::from_stored("$argon2id$")), "PasswordHash");
    }
}
