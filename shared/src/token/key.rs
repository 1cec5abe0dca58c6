//! A public key, and the one algorithm that it verifies.

use std::sync::Arc;

use jsonwebtoken::DecodingKey;

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

/// A public key that was checked when it was read, ready to verify.
#[derive(Clone)]
pub struct PublicKey {
    pub(super) kid: String,
    pub(super) algorithm: Algorithm,
    pub(super) key: Arc<DecodingKey>,
    /// The key in its one form (a point, or RSA's DER), by which two are compared.
    pub(super) der: Arc<[u8]>,
    pub(super) issuer: Option<Arc<str>>,
}

impl Algorithm {
    /// Every algorithm.
    pub const ALL: [Self; 3] = [Self::EdDsa, Self::Es256, Self::Rs256];

    /// Its names in keys and in headers of tokens. RFC 9864 gives `EdDSA` over Ed25519 a name of its own; both names
    /// mean the same for an Ed25519 key.
    pub const fn names(self) -> &'static [&'static str] {
        match self {
            Self::EdDsa => &["EdDSA", "Ed25519"],
            Self::Es256 => &["ES256"],
            Self::Rs256 => &["RS256"],
        }
    }

    const fn of_jsonwebtoken(self) -> jsonwebtoken::Algorithm {
        match self {
            Self::EdDsa => jsonwebtoken::Algorithm::EdDSA,
            Self::Es256 => jsonwebtoken::Algorithm::ES256,
            Self::Rs256 => jsonwebtoken::Algorithm::RS256,
        }
    }

    /// Whether `name` is one of its names.
    pub fn is_named(self, name: &str) -> bool {
        self.names().contains(&name)
    }
}

impl PublicKey {
    /// Its `kid`.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The one algorithm that it verifies.
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The issuer whose tokens it may sign, if the key set names one for each key (Microsoft). Empty if that is not a text.
    pub fn issuer(&self) -> Option<&str> {
        self.issuer.as_deref()
    }

    /// Whether both are the same key of the same issuer, whatever their names.
    pub(super) fn is_same_as(&self, other: &Self) -> bool {
        (self.algorithm, &self.issuer, &self.der) == (other.algorithm, &other.issuer, &other.der)
    }

    /// Whether `signature` (base64url) is this key's over `message`.
    pub(super) fn verifies(&self, message: &str, signature: &str) -> bool {
        let algorithm = self.algorithm.of_jsonwebtoken();
        jsonwebtoken::crypto::verify(signature, message.as_bytes(), &self.key, algorithm).unwrap_or(false)
    }
}
