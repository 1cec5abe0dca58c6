//! The keys of an issuer by `kid`, read from a JWK Set (RFC 7517).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::jwk::{self, Jwk};
use super::key::{Algorithm, PublicKey};
use crate::json;

/// The most members of a key set that are read. An issuer publishes a handful.
const MAX_KEYS: usize = 256;

/// The keys that an issuer publishes. Immutable: a refresh creates a new one.
#[derive(Clone, Default)]
pub struct KeySet {
    keys: BTreeMap<String, PublicKey>,
    refused: Vec<RefusedKey>,
}

/// A key of a key set that is not used, although it should be usable. It costs the tokens of that key alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedKey {
    /// Its `kid`, if it has one.
    pub kid: Option<String>,
    /// The reason for the refusal.
    pub why: &'static str,
}

/// The bytes are not a usable key set.
#[derive(Debug, thiserror::Error)]
pub enum JwksError {
    /// Not JSON, or not a JWK Set.
    #[error("the document is not a JWK Set (RFC 7517): it must be one JSON object with an array `keys`")]
    Malformed,
    /// Too many members.
    #[error("the key set must have at most {MAX_KEYS} keys; it has {0}")]
    TooMany(usize),
    /// Nothing in it can verify a token.
    #[error(
        "the key set has no usable key: a key must have a kid and be for {}{}",
        names(.accepted),
        .refused.first().map(|first| format!("; {first}")).unwrap_or_default()
    )]
    NoUsableKey {
        /// The accepted algorithms.
        accepted: Vec<Algorithm>,
        /// The keys that are not used.
        refused: Vec<RefusedKey>,
    },
}

impl KeySet {
    /// Reads a JWK Set with at least one key for one of the `accepted` algorithms.
    ///
    /// Keys of other types or for other purposes are ignored, because issuers publish those too. An odd member costs
    /// that key alone: see [`Self::refused`]. Different keys with one `kid` are all refused, because it is ambiguous which
    /// one signed a token.
    ///
    /// # Errors
    ///
    /// If it is not a JWK Set, has more than 256 members, or has no key that can verify a token.
    pub fn parse(document: &[u8], accepted: &[Algorithm]) -> Result<Self, JwksError> {
        let members = json::elements(document, "keys").ok_or(JwksError::Malformed)?;
        if members.len() > MAX_KEYS {
            return Err(JwksError::TooMany(members.len()));
        }
        let mut set = Self::default();
        let mut ambiguous = BTreeSet::new();
        for member in members {
            // Read by itself: what JSON allows, but cannot be read, costs this key alone.
            let read = json::value(member.get().as_bytes());
            match read.map_or(Jwk::Odd(None, "it cannot be read"), |member| jwk::read(&member)) {
                Jwk::Usable(key) => match set.keys.get(&key.kid) {
                    Some(other) if other.is_same_as(&key) => {}
                    Some(_) => drop(ambiguous.insert(key.kid)),
                    None => drop(set.keys.insert(key.kid.clone(), key)),
                },
                Jwk::Other => {}
                Jwk::Odd(kid, why) => set.refused.push(RefusedKey { kid, why }),
            }
        }
        for kid in ambiguous {
            set.keys.remove(&kid);
            set.refused.push(RefusedKey { kid: Some(kid), why: "different keys have this kid" });
        }
        if set.keys.values().any(|key| accepted.contains(&key.algorithm)) {
            Ok(set)
        } else {
            Err(JwksError::NoUsableKey { accepted: accepted.to_vec(), refused: set.refused })
        }
    }

    /// The key with this `kid`.
    pub fn find(&self, kid: &str) -> Option<&PublicKey> {
        self.keys.get(kid)
    }

    /// The `kid`s of all keys, sorted.
    pub fn kids(&self) -> Vec<&str> {
        self.keys.keys().map(String::as_str).collect()
    }

    /// The keys of the document that are not used, although they should be usable.
    pub fn refused(&self) -> &[RefusedKey] {
        &self.refused
    }
}

impl JwksError {
    /// The keys of the document that are not used, although they should be usable.
    pub fn refused(&self) -> &[RefusedKey] {
        match self {
            Self::NoUsableKey { refused, .. } => refused,
            Self::Malformed | Self::TooMany(_) => &[],
        }
    }
}

impl fmt::Display for RefusedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kid {
            Some(kid) => write!(f, "the key {kid:?} is not used: {}", self.why),
            None => write!(f, "a key without a kid is not used: {}", self.why),
        }
    }
}

fn names(algorithms: &[Algorithm]) -> String {
    algorithms.iter().flat_map(|algorithm| algorithm.names().first()).copied().collect::<Vec<_>>().join(", ")
}
