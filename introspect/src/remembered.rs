//! Tokens whose signature and claims were found good: what may safely be forgotten.
//!
//! Never a decision, and never a refusal: expiry, revocation, audience and policy are judged on every
//! request, and a bad token costs its sender a verification each time.

use std::fmt;
use std::hash::{BuildHasher as _, BuildHasherDefault, Hasher};
use std::sync::Arc;

use http::HeaderValue;
use moka::policy::EvictionPolicy;
use moka::sync::Cache;
use shared::token::VerifiedToken;

use crate::revoked::Marks;
use crate::rights::Rights;

/// A token found good once, with all that can be computed from it.
pub struct Known {
    raw: Box<[u8]>,
    /// By which set of keys; with another one it has to be verified again.
    generation: u64,
    /// Its claims.
    pub token: VerifiedToken,
    /// Where its revocations would stand.
    pub marks: Marks,
    /// `X-User-Id`.
    pub user_id: HeaderValue,
    /// What its roles give, by a map that may be another now. Shared with all who have the same.
    pub rights: Arc<Rights>,
    /// `X-Session-Id`.
    pub session_id: Option<HeaderValue>,
}

/// The tokens found good lately.
pub struct Remembered {
    /// By a fast keyed hash of the text; a hit is one only when the whole text is the same.
    known: Cache<u64, Arc<Known>, BuildHasherDefault<AsIs>>,
    hasher: foldhash::fast::RandomState,
}

/// The keys are hashes already.
#[derive(Debug, Default, Clone, Copy)]
pub struct AsIs(u64);

impl Hasher for AsIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }
}

impl fmt::Debug for Known {
    /// Without the token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Known").field("user_id", &self.user_id).finish_non_exhaustive()
    }
}

impl Known {
    /// The token `raw`, verified with the keys of `generation`; `None` when no header can carry its
    /// identity, which a verified token's always can.
    pub fn new(
        raw: &[u8],
        generation: u64,
        token: VerifiedToken,
        marks: Marks,
        rights: Arc<Rights>,
    ) -> Option<Self> {
        Some(Self {
            user_id: HeaderValue::from_str(&token.subject).ok()?,
            rights,
            session_id: token.session.as_deref().map(HeaderValue::from_str).transpose().ok()?,
            raw: raw.into(),
            generation,
            token,
            marks,
        })
    }

    /// The same with other rights. A copy, because others are reading this one.
    pub fn with(&self, rights: Arc<Rights>) -> Self {
        Self {
            raw: self.raw.clone(),
            generation: self.generation,
            token: self.token.clone(),
            marks: self.marks,
            user_id: self.user_id.clone(),
            session_id: self.session_id.clone(),
            rights,
        }
    }
}

impl Remembered {
    /// Room for `most` tokens; beyond it the longest unused ones are forgotten.
    pub fn new(most: u64) -> Self {
        let known = Cache::builder()
            .max_capacity(most)
            // Expired tokens are asked for no more and so go first, however often they were before.
            .eviction_policy(EvictionPolicy::lru())
            .build_with_hasher(BuildHasherDefault::default());
        Self { known, hasher: foldhash::fast::RandomState::default() }
    }

    /// What is known of `raw` by the keys of `generation`.
    pub fn find(&self, raw: &[u8], generation: u64) -> Option<Arc<Known>> {
        let known = self.known.get(&self.hasher.hash_one(raw))?;
        (*known.raw == *raw && known.generation == generation).then_some(known)
    }

    /// Remembers a token found good.
    pub fn insert(&self, known: &Arc<Known>) {
        self.known.insert(self.hasher.hash_one(&*known.raw), Arc::clone(known));
    }
}
