//! An issuer's signing key, and the compact form of a JWT (RFC 7515).

use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::random;

/// An RSA key of 2048 bits under a random name.
pub(crate) struct SigningKey {
    pair: KeyPair,
    /// Its name: `kid`.
    pub(crate) id: String,
}

/// Does not print the key.
impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKey").field("id", &self.id).finish_non_exhaustive()
    }
}

impl SigningKey {
    /// A new key.
    pub(crate) fn generate() -> Result<Self, Unspecified> {
        Ok(Self { pair: KeyPair::generate(KeySize::Rsa2048)?, id: random::word() })
    }

    /// The public key set (RFC 7517).
    pub(crate) fn set(&self) -> Value {
        let key = self.pair.public_key();
        let number = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let modulus = number(key.modulus().big_endian_without_leading_zero());
        let exponent = number(key.exponent().big_endian_without_leading_zero());
        json!({ "keys": [
            { "kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.id, "n": modulus, "e": exponent }
        ]})
    }

    /// Signs claims with RS256 and this `kid`.
    pub(crate) fn sign(&self, kid: &str, claims: &Value) -> Result<String, Unspecified> {
        let message = message(&json!({ "alg": "RS256", "kid": kid, "typ": "JWT" }), claims);
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature)?;
        Ok(joined(&message, &signature))
    }

    /// Signs claims with the public key as an HMAC secret, the attack of RFC 8725, section 2.1.
    pub(crate) fn confuse(&self, claims: &Value) -> Result<String, Unspecified> {
        let der: PublicKeyX509Der<'_> = self.pair.public_key().as_der()?;
        let lines = STANDARD.encode(der.as_ref());
        let lines: Vec<_> = lines.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
        let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"));
        let header = json!({ "alg": "HS256", "kid": self.id, "typ": "JWT" });
        Ok(hs256(&header, pem.as_bytes(), claims))
    }
}

/// Adds the names of so many groups that a token has 56 KiB.
pub(crate) fn enlarge(claims: &mut Value) {
    const GROUPS: usize = 1075;
    if let Some(members) = claims.as_object_mut() {
        let group = |number| json!(format!("{number:08x}-0000-4000-8000-000000000000"));
        members.insert("groups".to_owned(), (0..GROUPS).map(group).collect());
    }
}

/// Signs claims with HS256 and a secret.
pub(crate) fn hs256(header: &Value, secret: &[u8], claims: &Value) -> String {
    let message = message(header, claims);
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message.as_bytes());
    joined(&message, tag.as_ref())
}

/// Claims with these bytes as the signature, valid or not.
pub(crate) fn unsigned(header: &Value, claims: &Value, signature: &[u8]) -> String {
    joined(&message(header, claims), signature)
}

fn message(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}", part(header), part(claims))
}

fn joined(message: &str, signature: &[u8]) -> String {
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}
