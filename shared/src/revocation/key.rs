//! The 128-bit name under which something is revoked.

use std::fmt;

use aws_lc_rs::digest;

use super::kind::Kind;

/// The first 16 bytes of `SHA-256(issuer, NUL, kind, NUL, claim text)`.
///
/// `kind` is the record's kind byte; the claim text is the claim as it is in the token, in UTF-8.
/// A hash, so that foreign identifiers of any form and length fit. The issuer is part of it, so that identifiers of two
/// issuers never collide.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordKey([u8; 16]);

impl RecordKey {
    /// The key of records about everything.
    pub const ZERO: Self = Self([0; 16]);

    /// The key of `claim`, an identifier of kind `kind` from `issuer`.
    pub fn new(issuer: &str, kind: Kind, claim: &str) -> Self {
        let mut hash = digest::Context::new(&digest::SHA256);
        hash.update(issuer.as_bytes());
        hash.update(&[0, kind as u8, 0]);
        hash.update(claim.as_bytes());
        let hash = hash.finish();
        let mut key = [0; 16];
        for (to, from) in key.iter_mut().zip(hash.as_ref()) {
            *to = *from;
        }
        Self(key)
    }

    /// A key from the bytes of a record.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bytes, as they are in a record.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Debug for RecordKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
