//! One snapshot of the table of signing keys, ready to sign and to publish.

use std::sync::Arc;

use aws_lc_rs::digest;
use aws_lc_rs::encoding::AsBigEndian as _;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use serde_json::{Value, json};
use shared::token::{ACCESS_TOKEN_TYPE, Algorithm, Claims, JwksError, KeySet};
use zeroize::Zeroizing;

use super::key::{KeyRow, NewKey, Status};
use super::seal::{SealError, Sealer};

/// The signing key, and the published keys.
pub(super) struct Ring {
    /// `None` when it cannot be used.
    active: Option<SigningKey>,
    pub(super) public: Arc<KeySet>,
    pub(super) jwks: Bytes,
}

/// A key pair and its name.
struct SigningKey {
    pair: Ed25519KeyPair,
    /// The encoded header of its tokens, with the following dot.
    header: String,
}

/// The rows of the table are invalid.
#[derive(Debug, thiserror::Error)]
pub enum RingError {
    /// The active key cannot be decrypted.
    #[error("cannot open the signing key: {0}")]
    Seal(#[from] SealError),
    /// It can be decrypted, but does not match its name.
    #[error("the signing key {0} does not match its name; kill it with `admin keys kill {0}`")]
    NotAKey(String),
    /// No key is active.
    #[error("no signing key is active; `admin serve` creates one when it starts")]
    NoneActive,
    /// The public keys do not form a key set.
    #[error("the published keys are not a valid key set: {0}")]
    Jwks(#[from] JwksError),
    /// The random number generator failed.
    #[error("cannot create a key: the OS random number generator failed")]
    NoRandomness,
}

impl Ring {
    /// A ring, and the reason why it cannot sign, if so. The published keys do not depend on that reason:
    /// they must follow the table even when only the private part is unusable.
    pub(super) fn new(rows: &[KeyRow], sealer: &Sealer) -> Result<(Self, Option<RingError>), RingError> {
        let keys: Vec<&Value> = rows.iter().map(|row| &row.public_jwk).collect();
        let jwks = Bytes::from(json!({ "keys": keys }).to_string());
        let public = Arc::new(KeySet::parse(&jwks, &[Algorithm::EdDsa])?);
        let active = rows.iter().find(|row| row.status == Status::Active).ok_or(RingError::NoneActive);
        let (active, unusable) = match active.and_then(|row| SigningKey::open(row, sealer)) {
            Ok(active) => (Some(active), None),
            Err(error) => (None, Some(error)),
        };
        Ok((Self { active, public, jwks }, unusable))
    }

    pub(super) fn can_sign(&self) -> bool {
        self.active.is_some()
    }

    /// `None` when no key can sign.
    pub(super) fn sign(&self, claims: &Claims) -> Option<String> {
        let active = self.active.as_ref()?;
        let payload = serde_json::to_vec(claims).expect(
            "claims contain no map with keys that are not \
            strings",
        );
        let mut token = active.header.clone();
        URL_SAFE_NO_PAD.encode_string(payload, &mut token);
        let signature = active.pair.sign(token.as_bytes());
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Some(token)
    }
}

impl SigningKey {
    fn open(row: &KeyRow, sealer: &Sealer) -> Result<Self, RingError> {
        let not_a_key = || RingError::NotAKey(row.kid.clone());
        let seed = sealer.open(&row.kid, &row.private_sealed)?;
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).map_err(|_| not_a_key())?;
        if thumbprint(&public_text(&pair)) != row.kid {
            return Err(not_a_key());
        }
        let header = json!({ "alg": "EdDSA", "typ": ACCESS_TOKEN_TYPE, "kid": row.kid }).to_string();
        Ok(Self { pair, header: format!("{}.", URL_SAFE_NO_PAD.encode(header)) })
    }
}

impl NewKey {
    /// Generates a key pair and seals its private part.
    pub(super) fn generate(sealer: &Sealer) -> Result<Self, RingError> {
        let pair = Ed25519KeyPair::generate().map_err(|_| RingError::NoRandomness)?;
        let seed = pair.seed().map_err(|_| RingError::NoRandomness)?;
        let seed = seed.as_be_bytes().map_err(|_| RingError::NoRandomness)?;
        let seed = Zeroizing::new(seed.as_ref().to_vec());
        let x = public_text(&pair);
        let kid = thumbprint(&x);
        let private_sealed = sealer.seal(&kid, &seed)?;
        let public_jwk =
            json!({ "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": kid, "x": x });
        Ok(Self { kid, public_jwk, private_sealed })
    }
}

fn public_text(pair: &Ed25519KeyPair) -> String {
    URL_SAFE_NO_PAD.encode(pair.public_key())
}

/// The name of a key: the thumbprint of its public part (RFC 7638; RFC 8037, appendix A.3).
fn thumbprint(x: &str) -> String {
    let canonical = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, canonical.as_bytes()))
}

#[cfg(test)]
mod tests {
    use shared::token::{TokenProfile, Verifier};

    use super::*;
    use crate::config::MasterKeys;
    use crate::keys::SealPurpose;

    fn sealer() -> Sealer {
        let masters = MasterKeys::parse("1:uAvl9cb5KvuCX9MrUQOhawFG6TbuH2NkyH3jCoPij6A=").unwrap();
        Sealer::new(&masters, SealPurpose::SigningKeys)
    }

    fn row(status: Status) -> KeyRow {
        let key = NewKey::generate(&sealer()).unwrap();
        KeyRow { kid: key.kid, status, private_sealed: key.private_sealed, public_jwk: key.public_jwk }
    }

    fn claims() -> Claims {
        serde_json::from_value(forge::claims("https://cinema.example", 1_000_000)).unwrap()
    }

    #[test]
    fn a_signed_token_is_verified_by_the_published_set() {
        let (ring, _) =
            Ring::new(&[row(Status::Next), row(Status::Active), row(Status::Retired)], &sealer()).unwrap();
        let verifier = Verifier {
            profile: TokenProfile::Usher,
            issuer: "https://cinema.example".to_owned(),
            leeway: 5,
            max_life: 900,
        };
        let claims = claims();
        let token = verifier.verify(&ring.sign(&claims).unwrap(), &ring.public, 1_000_001).unwrap();
        assert_eq!(token.subject, claims.sub);
        assert_eq!(ring.public.kids().len(), 3);
    }

    #[test]
    fn the_thumbprint_is_that_of_rfc_8037() {
        let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
        assert_eq!(thumbprint(x), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    #[test]
    fn a_private_key_put_into_another_row_does_not_sign() {
        let mut stranger = row(Status::Active);
        stranger.private_sealed = sealer().seal(&stranger.kid, &[7; 32]).unwrap();
        let (ring, unusable) = Ring::new(&[stranger], &sealer()).unwrap();
        assert!(matches!(unusable, Some(RingError::NotAKey(_))));
        assert_eq!(ring.sign(&claims()), None);
        assert_eq!(ring.public.kids().len(), 1);
    }

    #[test]
    fn the_published_set_holds_no_private_part() {
        let (ring, _) = Ring::new(&[row(Status::Active)], &sealer()).unwrap();
        assert!(!String::from_utf8_lossy(&ring.jwks).contains("\"d\""));
    }
}
