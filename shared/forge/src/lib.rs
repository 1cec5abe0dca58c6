//! Makes tokens, valid and forged, for tests and benchmarks.
//!
//! Purposefully a crate of its own, and never a normal dependency: no program that verifies tokens may be
//! able to make one. A feature of another crate would not do, because cargo unifies features in a workspace.

use std::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
};
use aws_lc_rs::{digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// A clock that a test sets.
#[derive(Debug)]
pub struct ManualClock(AtomicU64);

/// A key pair with a `kid` that signs anything.
pub struct Mint {
    kid: String,
    pair: SigningPair,
}

enum SigningPair {
    Ed25519(Box<Ed25519KeyPair>),
    P256(Box<EcdsaKeyPair>),
    Rsa(Box<RsaKeyPair>),
}

impl ManualClock {
    /// A clock at `now`, in seconds since the Unix epoch.
    pub const fn new(now: u64) -> Self {
        Self(AtomicU64::new(now))
    }

    /// Its time.
    pub fn now(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    /// Sets it to `now`.
    pub fn set(&self, now: u64) {
        self.0.store(now, Ordering::SeqCst);
    }

    /// Moves it forward.
    pub fn advance(&self, seconds: u64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Default for Mint {
    fn default() -> Self {
        Self::new()
    }
}

impl Mint {
    /// A fresh Ed25519 key, whose `kid` is its thumbprint (RFC 7638), as for Usher's own keys.
    pub fn new() -> Self {
        Self::ed25519(Ed25519KeyPair::generate().expect("the OS random number generator works"))
    }

    /// The Ed25519 key of a fixed seed, for vectors that never change.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self::ed25519(Ed25519KeyPair::from_seed_unchecked(seed).expect("every 32 bytes are a seed"))
    }

    /// A fresh P-256 key, as a foreign issuer might use.
    pub fn p256() -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)
            .expect("the OS random number generator works");
        Self { kid: "p256".to_owned(), pair: SigningPair::P256(Box::new(pair)) }
    }

    /// A fresh RSA key of 2048 bits, as a foreign issuer might use.
    pub fn rsa() -> Self {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).expect("the OS random number generator works");
        Self { kid: "rsa".to_owned(), pair: SigningPair::Rsa(Box::new(pair)) }
    }

    /// The same key with another `kid`.
    #[must_use]
    pub fn named(mut self, kid: &str) -> Self {
        kid.clone_into(&mut self.kid);
        self
    }

    /// Its `kid`.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The public key alone, as a JWK.
    pub fn jwk(&self) -> Value {
        match &self.pair {
            SigningPair::Ed25519(pair) => json!({
                "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig",
                "kid": self.kid, "x": encode(pair.public_key().as_ref()),
            }),
            SigningPair::P256(pair) => {
                let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
                json!({
                    "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig",
                    "kid": self.kid, "x": encode(x), "y": encode(y),
                })
            }
            SigningPair::Rsa(pair) => json!({
                "kty": "RSA", "alg": "RS256", "use": "sig", "kid": self.kid,
                "n": encode(pair.public_key().modulus().big_endian_without_leading_zero()),
                "e": encode(pair.public_key().exponent().big_endian_without_leading_zero()),
            }),
        }
    }

    /// A JWK Set with this key alone.
    pub fn jwks(&self) -> String {
        jwks(&[self])
    }

    /// The header of a valid access token signed with this key.
    pub fn header(&self) -> Value {
        json!({ "alg": self.algorithm(), "typ": "at+jwt", "kid": self.kid })
    }

    /// A token with these claims and the valid header.
    pub fn token(&self, claims: &Value) -> String {
        self.token_with_header(&self.header(), claims)
    }

    /// A token with any header and a valid signature.
    pub fn token_with_header(&self, header: &Value, claims: &Value) -> String {
        self.sign_text(&header.to_string(), &claims.to_string())
    }

    /// A token with any bytes as header and payload, and a valid signature.
    pub fn sign_text(&self, header: &str, payload: &str) -> String {
        let message = format!("{}.{}", encode(header.as_bytes()), encode(payload.as_bytes()));
        let signature = self.sign(message.as_bytes());
        format!("{message}.{}", encode(&signature))
    }

    /// A well-known forgery: an HMAC whose secret is the public key (RFC 8725, section 2.1).
    pub fn hs256_with_public_key(&self, claims: &Value) -> String {
        let mut header = self.header();
        header["alg"] = json!("HS256");
        let message =
            format!("{}.{}", encode(header.to_string().as_bytes()), encode(claims.to_string().as_bytes()));
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.public_bytes());
        format!("{message}.{}", encode(hmac::sign(&key, message.as_bytes()).as_ref()))
    }

    /// Another well-known forgery: `alg: none` and no signature.
    pub fn unsigned(&self, claims: &Value) -> String {
        let header = json!({ "alg": "none", "typ": "at+jwt", "kid": self.kid });
        format!("{}.{}.", encode(header.to_string().as_bytes()), encode(claims.to_string().as_bytes()))
    }

    const fn algorithm(&self) -> &'static str {
        match self.pair {
            SigningPair::Ed25519(_) => "EdDSA",
            SigningPair::P256(_) => "ES256",
            SigningPair::Rsa(_) => "RS256",
        }
    }

    fn public_bytes(&self) -> Vec<u8> {
        match &self.pair {
            SigningPair::Ed25519(pair) => pair.public_key().as_ref().to_vec(),
            SigningPair::P256(pair) => pair.public_key().as_ref().to_vec(),
            SigningPair::Rsa(pair) => {
                pair.public_key().as_der().expect("a public key has a DER form").as_ref().to_vec()
            }
        }
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.pair {
            SigningPair::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
            SigningPair::P256(pair) => pair.sign(&random, message).expect("signing").as_ref().to_vec(),
            SigningPair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).expect("signing");
                signature
            }
        }
    }

    fn ed25519(pair: Ed25519KeyPair) -> Self {
        let x = encode(pair.public_key().as_ref());
        let canonical = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
        let kid = encode(digest::digest(&digest::SHA256, canonical.as_bytes()).as_ref());
        Self { kid, pair: SigningPair::Ed25519(Box::new(pair)) }
    }
}

/// A JWK Set with several keys.
pub fn jwks(mints: &[&Mint]) -> String {
    json!({ "keys": mints.iter().map(|mint| mint.jwk()).collect::<Vec<_>>() }).to_string()
}

/// Claims of a valid access token: audience `cinema`, 15 minutes from `now`, role `subscriber`, both
/// generations 1, fresh `sub`, `sid` and `jti`.
pub fn claims(issuer: &str, now: u64) -> Value {
    #[expect(clippy::disallowed_methods, reason = "makes tokens for tests, each with identifiers of its own")]
    let id = || uuid::Uuid::now_v7().to_string();
    json!({
        "iss": issuer, "aud": "cinema", "sub": id(), "sid": id(), "jti": id(),
        "iat": now, "exp": now + 900, "gen": 1, "ggen": 1, "roles": ["subscriber"],
        "auth_time": now, "amr": ["pwd"], "client_id": "cinema-web",
    })
}

fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
