//! Tokens whose signature and claims were verified. An entry may be dropped at any time: the token is verified
//! again.
//!
//! Never a decision, and never a refusal: expiry, revocation, audience and policy are checked on every request,
//! and an invalid token is verified again each time.

use std::fmt;
use std::hash::{BuildHasher as _, BuildHasherDefault, Hasher};
use std::sync::Arc;

use http::HeaderValue;
use moka::policy::EvictionPolicy;
use moka::sync::Cache;
use shared::token::{VerifiedToken, is_uuid};

use crate::revoked::Marks;
use crate::rights::TokenRights;

/// The memory of a token beside its texts: this struct, the entry in the cache, and the rounding of six allocations.
/// Measured, by `cache_memory` in the benchmarks.
const OVERHEAD: usize = 800;
/// The same for each audience and each role.
const EACH: usize = 56;

/// A token that was verified, with everything that follows from it.
#[derive(Clone)]
pub struct CachedToken {
    raw: Box<[u8]>,
    /// The generation of the keys that verified it; when the keys change it must be verified again.
    generation: u64,
    /// Its claims.
    pub token: VerifiedToken,
    /// Where to look up its revocations.
    pub marks: Marks,
    /// `X-User-Id`.
    pub user_id: HeaderValue,
    /// The rights of its roles, under a role map that may have changed since. Tokens with the same roles share
    /// them.
    pub rights: Arc<TokenRights>,
    /// `X-Session-Id`.
    pub session_id: Option<HeaderValue>,
}

/// The tokens that were verified most recently.
pub struct TokenCache {
    /// By a fast keyed hash of the text; only the identical text is a hit.
    tokens: Cache<u64, Arc<CachedToken>, BuildHasherDefault<Prehashed>>,
    hasher: foldhash::fast::RandomState,
}

/// The hasher for keys that are already hashes.
#[derive(Debug, Default, Clone, Copy)]
pub struct Prehashed(u64);

impl Hasher for Prehashed {
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

impl fmt::Debug for CachedToken {
    /// `Debug` leaves out the token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachedToken").field("user_id", &self.user_id).finish_non_exhaustive()
    }
}

impl CachedToken {
    /// The token `raw`, verified with the keys of `generation`; `None` when its identity does not fit into a
    /// header, which the identity of a verified token always does.
    pub fn new(
        raw: &[u8],
        generation: u64,
        token: VerifiedToken,
        marks: Marks,
        rights: Arc<TokenRights>,
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

    /// The same token with other rights. A copy, because other threads read this one.
    pub fn with_rights(&self, rights: Arc<TokenRights>) -> Self {
        Self { rights, ..self.clone() }
    }

    /// How many bytes it takes in the cache, about: a token of 8 KiB takes ten times as many as a usual one.
    fn bytes(&self) -> u32 {
        let VerifiedToken { subject, session, audiences, roles, .. } = &self.token;
        let audiences = audiences.iter().map(|audience| audience.len() + EACH);
        let roles = roles.iter().map(|role| role.as_str().len() + EACH);
        // An identity is there twice, once as a header.
        let identities = 2 * (subject.len() + session.as_ref().map_or(0, String::len));
        let bytes = OVERHEAD + self.raw.len() + identities + audiences.chain(roles).sum::<usize>();
        u32::try_from(bytes).unwrap_or(u32::MAX)
    }

    /// The user, for log lines and spans. Another issuer may identify users by e-mail address, which must not
    /// be logged, so only a UUID is returned.
    pub fn user(&self) -> Option<&str> {
        let subject = self.token.subject.as_str();
        is_uuid(subject).then_some(subject)
    }
}

impl TokenCache {
    /// A cache of this many bytes; when it is full the least recently used tokens are dropped.
    pub fn new(bytes: u64) -> Self {
        let tokens = Cache::builder()
            .max_capacity(bytes)
            .weigher(|_, token: &Arc<CachedToken>| token.bytes())
            // Expired tokens are no longer used, so they are dropped first, however often they were used
            // before.
            .eviction_policy(EvictionPolicy::lru())
            .build_with_hasher(BuildHasherDefault::default());
        Self { tokens, hasher: foldhash::fast::RandomState::default() }
    }

    /// The token `raw`, if the keys of `generation` verified it.
    pub fn find(&self, raw: &[u8], generation: u64) -> Option<Arc<CachedToken>> {
        let token = self.tokens.get(&self.hasher.hash_one(raw))?;
        (*token.raw == *raw && token.generation == generation).then_some(token)
    }

    /// Adds a verified token.
    pub fn insert(&self, token: &Arc<CachedToken>) {
        self.tokens.insert(self.hasher.hash_one(&*token.raw), Arc::clone(token));
    }
}
