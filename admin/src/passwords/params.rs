//! The cost of a password hash, as configured.

use std::fmt;
use std::str::FromStr;

use argon2::Params;

/// The length of a new hash.
pub(super) const HASH_BYTES: usize = 32;

/// The least memory for each number of passes (OWASP Password Storage Cheat Sheet, Argon2id with one lane).
const FLOORS: [(u32, u32); 5] = [(1, 47_104), (2, 19_456), (3, 12_288), (4, 9_216), (5, 7_168)];

/// A stored hash that needs more than this is an error, or an attack on memory.
pub(super) const MAX_MEMORY_KIB: u32 = 65_536;
pub(super) const MAX_PASSES: u32 = 10;
pub(super) const MAX_LANES: u32 = 16;

/// The parameters of Argon2id for new hashes, as in a PHC string: `m=19456,t=2`. There is one lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HashParams {
    memory_kib: u32,
    passes: u32,
}

/// The parameters are malformed, too weak or too costly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidParams {
    /// Malformed.
    #[error("must have the form m=19456,t=2: memory in KiB, and passes")]
    Malformed,
    /// Weaker than OWASP's minimum.
    #[error(
        "must have at least the memory and passes of one of these: m=47104,t=1; m=19456,t=2; m=12288,t=3; m=9216,t=4; \
         m=7168,t=5"
    )]
    Weak,
    /// Above the limits.
    #[error("must be at most m=65536,t=10")]
    Costly,
}

impl HashParams {
    /// OWASP's equivalent minimums, the one with the most memory first.
    pub fn minimums() -> impl Iterator<Item = Self> {
        FLOORS.into_iter().map(|(passes, memory_kib)| Self { memory_kib, passes })
    }

    /// The memory of one hash in KiB.
    pub const fn memory_kib(self) -> u32 {
        self.memory_kib
    }

    /// The parameters for the library.
    pub(super) fn argon2(self) -> Params {
        Params::new(self.memory_kib, self.passes, 1, Some(HASH_BYTES))
            .expect("the limits of these parameters are within those of the library")
    }
}

impl Default for HashParams {
    /// 19 MiB and two passes.
    fn default() -> Self {
        Self { memory_kib: 19_456, passes: 2 }
    }
}

impl fmt::Display for HashParams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "m={},t={}", self.memory_kib, self.passes)
    }
}

impl FromStr for HashParams {
    type Err = InvalidParams;

    fn from_str(text: &str) -> Result<Self, InvalidParams> {
        let (memory, passes) = text.split_once(',').ok_or(InvalidParams::Malformed)?;
        let number = |part: &str, name| part.strip_prefix(name)?.parse().ok();
        let memory_kib = number(memory, "m=").ok_or(InvalidParams::Malformed)?;
        let passes = number(passes, "t=").ok_or(InvalidParams::Malformed)?;
        if memory_kib > MAX_MEMORY_KIB || passes > MAX_PASSES {
            return Err(InvalidParams::Costly);
        }
        let is_enough = |(least_passes, least_kib)| passes >= least_passes && memory_kib >= least_kib;
        if FLOORS.into_iter().any(is_enough) {
            Ok(Self { memory_kib, passes })
        } else {
            Err(InvalidParams::Weak)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_minimum_is_accepted_and_nothing_below_it() {
        for least in HashParams::minimums() {
            assert_eq!(least.to_string().parse(), Ok(least));
            let weaker = HashParams { memory_kib: least.memory_kib - 1, ..least };
            assert_eq!(weaker.to_string().parse::<HashParams>(), Err(InvalidParams::Weak), "{weaker}");
        }
        assert!(HashParams::minimums().any(|least| least == HashParams::default()));
    }

    #[test]
    fn other_texts_are_refused() {
        for bad in ["", "m=19456", "19456,2", "t=2,m=19456", "m=19456,t=2,p=1", "m=-1,t=2", "m=19456, t=2"] {
            assert_eq!(bad.parse::<HashParams>(), Err(InvalidParams::Malformed), "{bad}");
        }
        for costly in ["m=65537,t=2", "m=19456,t=11", "m=4294967295,t=1"] {
            assert_eq!(costly.parse::<HashParams>(), Err(InvalidParams::Costly), "{costly}");
        }
    }

    proptest! {
        #[test]
        fn any_accepted_text_is_what_is_used(text in "m=[0-9]{1,7},t=[0-9]{1,2}|\\PC{0,20}") {
            if let Ok(params) = text.parse::<HashParams>() {
                let used = params.argon2();
                prop_assert!(used.m_cost() >= 7_168 && used.m_cost() <= MAX_MEMORY_KIB);
                prop_assert_eq!((used.p_cost(), used.output_len()), (1, Some(HASH_BYTES)));
            }
        }
    }
}
