//! Public keys by `kid`, read from a JWK Set (RFC 7517).

use std::collections::HashMap;

use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm, PublicKeyUse};

/// The only accepted signature algorithms. Each belongs to exactly one type of key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// Ed25519 (RFC 8037).
    EdDsa,
    /// ECDSA over P-256 with SHA-256.
    Es256,
    /// RSASSA-PKCS1-v1_5 with SHA-256, for foreign issuers alone.
    Rs256,
}

/// A public key and the one algorithm it verifies.
#[derive(Clone)]
pub struct PublicKey {
    kid: String,
    algorithm: Algorithm,
    key: DecodingKey,
}

/// The keys that an issuer publishes. Immutable: a refresh creates a new one.
#[derive(Clone, Default)]
pub struct KeySet {
    keys: HashMap<String, PublicKey>,
}

/// The bytes are not a usable key set.
#[derive(Debug, thiserror::Error)]
pub enum JwksError {
    /// Not JSON, or not a JWK Set.
    #[error("the document is not a JWK Set (RFC 7517): {0}")]
    Malformed(#[from] serde_json::Error),
    /// Two keys with one `kid`: it is ambiguous which one signed a token.
    #[error("the key set has two keys with the kid {0:?}")]
    Repeated(String),
    /// Nothing in it can verify a token.
    #[error("the key set has no usable key: a key must have a kid and be for EdDSA, ES256 or RS256")]
    Empty,
}

impl Algorithm {
    /// The name in a token's header.
    pub const fn name(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Es256 => "ES256",
            Self::Rs256 => "RS256",
        }
    }

    pub(super) const fn of_jsonwebtoken(self) -> jsonwebtoken::Algorithm {
        match self {
            Self::EdDsa => jsonwebtoken::Algorithm::EdDSA,
            Self::Es256 => jsonwebtoken::Algorithm::ES256,
            Self::Rs256 => jsonwebtoken::Algorithm::RS256,
        }
    }

    /// The algorithm of a key, by its type alone; `None` for types that are not accepted.
    fn of(jwk: &Jwk) -> Option<Self> {
        let algorithm = match &jwk.algorithm {
            AlgorithmParameters::OctetKeyPair(pair) if pair.curve == EllipticCurve::Ed25519 => Self::EdDsa,
            AlgorithmParameters::EllipticCurve(point) if point.curve == EllipticCurve::P256 => Self::Es256,
            AlgorithmParameters::RSA(_) => Self::Rs256,
            _ => return None,
        };
        let declared = match &jwk.common.key_algorithm {
            None => return Some(algorithm),
            Some(KeyAlgorithm::EdDSA) => Self::EdDsa,
            Some(KeyAlgorithm::ES256) => Self::Es256,
            Some(KeyAlgorithm::RS256) => Self::Rs256,
            Some(_) => return None,
        };
        (declared == algorithm).then_some(algorithm)
    }
}

impl PublicKey {
    /// Its `kid`.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The one algorithm it verifies.
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Whether `signature` (base64url) is this key's over `message`.
    pub(super) fn verifies(&self, message: &str, signature: &str) -> bool {
        let algorithm = self.algorithm.of_jsonwebtoken();
        jsonwebtoken::crypto::verify(signature, message.as_bytes(), &self.key, algorithm).unwrap_or(false)
    }

    fn from_jwk(jwk: &Jwk) -> Option<Self> {
        let for_signatures = matches!(jwk.common.public_key_use, None | Some(PublicKeyUse::Signature));
        let kid = jwk.common.key_id.clone().filter(|kid| for_signatures && !kid.is_empty())?;
        let algorithm = Algorithm::of(jwk)?;
        let key = DecodingKey::from_jwk(jwk).ok()?;
        Some(Self { kid, algorithm, key })
    }
}

impl KeySet {
    /// Reads a JWK Set. Keys of other types or uses are ignored, because issuers publish those too.
    ///
    /// # Errors
    ///
    /// If it is not a JWK Set, has one `kid` twice, or has no key that can verify a token.
    pub fn parse(json: &[u8]) -> Result<Self, JwksError> {
        let set: JwkSet = serde_json::from_slice(json)?;
        let mut keys = HashMap::new();
        for key in set.keys.iter().filter_map(PublicKey::from_jwk) {
            let kid = key.kid.clone();
            if keys.insert(kid.clone(), key).is_some() {
                return Err(JwksError::Repeated(kid));
            }
        }
        if keys.is_empty() { Err(JwksError::Empty) } else { Ok(Self { keys }) }
    }

    /// The key with this `kid`.
    pub fn find(&self, kid: &str) -> Option<&PublicKey> {
        self.keys.get(kid)
    }

    /// The `kid`s of all keys, sorted.
    pub fn kids(&self) -> Vec<&str> {
        let mut kids: Vec<_> = self.keys.keys().map(String::as_str).collect();
        kids.sort_unstable();
        kids
    }
}
