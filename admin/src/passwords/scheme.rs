//! How a stored hash was made: its algorithm and parameters, without the salt and the result.
//!
//! A further scheme is a variant of [`HashScheme`], and the compiler lists the rest.

use argon2::password_hash::phc;
use argon2::{Algorithm, Params, Version};

use super::params::{MAX_LANES, MAX_MEMORY_KIB, MAX_PASSES};
use super::werkzeug::{self, OldMethod, OldScheme};

/// The scheme of a stored hash, within the limits of what this service computes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum HashScheme {
    /// Argon2id, version 19.
    Argon2id(Params),
}

/// A stored hash in its parts.
pub(super) struct StoredHash {
    pub(super) scheme: HashScheme,
    /// How the old hash was made that this one wraps.
    pub(super) old: Option<OldScheme>,
    pub(super) salt: phc::Salt,
    pub(super) expected: phc::Output,
}

impl HashScheme {
    /// Reads the first part of a stored hash, such as `$argon2id$v=19$m=19456,t=2,p=1`.
    /// `None` for another scheme.
    pub(super) fn parse(text: &str) -> Option<Self> {
        Self::of(&phc::PasswordHash::new(text).ok()?)
    }

    /// Its work, in blocks of memory that are filled: the time is in proportion to it.
    pub(super) fn work(&self) -> u64 {
        match self {
            Self::Argon2id(params) => u64::from(params.m_cost()) * u64::from(params.t_cost()),
        }
    }

    fn of(stored: &phc::PasswordHash) -> Option<Self> {
        let is_argon2id =
            stored.algorithm == Algorithm::Argon2id.ident() && stored.version == Some(Version::V0x13.into());
        let params = Params::try_from(stored).ok()?;
        let is_bounded = params.m_cost() <= MAX_MEMORY_KIB
            && params.t_cost() <= MAX_PASSES
            && params.p_cost() <= MAX_LANES;
        (is_argon2id && is_bounded).then_some(Self::Argon2id(params))
    }
}

/// The work of a stored scheme, when a hash with the configured parameters has the work `configured`: of Argon2id such
/// as `$argon2id$v=19$m=19456,t=2,p=1`, or of the method of an old hash that is wrapped, such as `scrypt:32768:8:1`.
/// `None` for another scheme.
pub(super) fn work_of(scheme: &str, configured: u64) -> Option<u64> {
    match scheme.parse::<OldMethod>() {
        Ok(old) => Some(old.work().saturating_add(configured)),
        Err(_) => HashScheme::parse(scheme).map(|scheme| scheme.work()),
    }
}

impl StoredHash {
    /// Its work, that of an old hash included.
    pub(super) fn work(&self) -> u64 {
        self.old.as_ref().map_or(0, OldScheme::work).saturating_add(self.scheme.work())
    }

    /// Reads a stored hash; `None` for one that this service cannot have made.
    pub(super) fn parse(stored: &str) -> Option<Self> {
        let (old, outer) = werkzeug::unwrap(stored).unzip();
        let stored = phc::PasswordHash::new(outer.unwrap_or(stored)).ok()?;
        let scheme = HashScheme::of(&stored)?;
        Some(Self { scheme, old, salt: stored.salt?, expected: stored.hash? })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_work_of_an_old_hash_comes_on_top() {
        assert_eq!(work_of("$argon2id$v=19$m=19456,t=2,p=1", 7), Some(38_912));
        assert_eq!(work_of("pbkdf2:sha256:260000", 38_912), Some(298_912));
        assert_eq!(work_of("scrypt:32768:8:1", 38_912), Some(301_056));
        assert_eq!(work_of("sha256", 38_912), Some(38_913));
        assert_eq!(work_of("md5", 38_912), None);
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_within_the_limits(
            text in "\\$argon2(id|i)\\$v=1[69]\\$m=[0-9]{1,8},t=[0-9]{1,3},p=[0-9]{1,2}(\\$[a-z0-9]{4,30}){0,2}|\\PC{0,40}"
        ) {
            if let Some(HashScheme::Argon2id(params)) = HashScheme::parse(&text) {
                prop_assert!(params.m_cost() <= MAX_MEMORY_KIB && params.t_cost() <= MAX_PASSES);
            }
            let _any = StoredHash::parse(&text);
        }
    }
}
