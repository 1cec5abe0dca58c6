//! The refresh token as a client holds it.
//!
//! `v1.` and the base64url of 45 bytes:
//!
//! | bytes | what |
//! |---|---|
//! | 1 | number of the HMAC key |
//! | 16 | session |
//! | 8 | counter, big-endian |
//! | 16 | the first half of HMAC-SHA256 over the preceding 25 bytes |
//! | 4 | the first bytes of SHA-256 over the preceding 41 bytes; distinguishes a mistyped token from a forged one |
//!
//! It is a function of a key, a session and a counter alone, so that the same token can be produced again
//! without having been stored.

use aws_lc_rs::{digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret as _, SecretString};
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

use crate::api::Invalid;
use crate::api::text::{FromText, read_as_text};
use crate::keys::DerivedKeys;

const PREFIX: &str = "v1.";
const PAYLOAD_BYTES: usize = 1 + 16 + 8;
const TAG_BYTES: usize = 16;
const CHECKSUM_BYTES: usize = 4;
const SEALED_BYTES: usize = PAYLOAD_BYTES + TAG_BYTES;
const TOKEN_BYTES: usize = SEALED_BYTES + CHECKSUM_BYTES;
/// 45 bytes are a whole number of base64 groups: no padding, and only one spelling of a token.
const TEXT_BYTES: usize = PREFIX.len() + TOKEN_BYTES / 3 * 4;

/// The content of a refresh token without its seal: a child of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RefreshToken {
    /// The number of the key that seals all tokens of the session.
    pub(crate) key: u8,
    /// The session.
    pub(crate) session: Uuid,
    /// The number of the child token. Each refresh produces the next.
    pub(crate) counter: u64,
}

/// The text of a received refresh token. Purposefully without `Debug`; wiped when dropped.
pub(crate) struct SealedText(SecretString);

/// The text is not a refresh token that this service sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// Malformed or mistyped.
    Malformed,
    /// Well-formed, but not sealed by a configured key.
    Forged,
}

impl SealedText {
    /// The text itself.
    pub(crate) fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl FromText for SealedText {
    fn from_text(text: &str) -> Result<Self, Invalid> {
        Ok(Self(text.into()))
    }
}

read_as_text!(SealedText);

impl RefreshToken {
    /// Reads a token and verifies its seal in constant time. Does not use the database.
    ///
    /// # Errors
    ///
    /// When this service did not seal it.
    pub(crate) fn open(text: &str, keys: &DerivedKeys) -> Result<Self, Unreadable> {
        let bytes = decode(text).ok_or(Unreadable::Malformed)?;
        let (sealed, check) = bytes.split_at(SEALED_BYTES);
        if checksum(sealed) != check {
            return Err(Unreadable::Malformed);
        }
        let (payload, tag) = sealed.split_at(PAYLOAD_BYTES);
        let token = Self::from_payload(payload).ok_or(Unreadable::Malformed)?;
        let key = keys.find(token.key).ok_or(Unreadable::Forged)?;
        let is_genuine: bool = seal(key, payload).ct_eq(tag).into();
        if is_genuine { Ok(token) } else { Err(Unreadable::Forged) }
    }

    /// The text for the client; `None` when the key is no longer configured.
    pub(crate) fn seal(&self, keys: &DerivedKeys) -> Option<SecretString> {
        let key = keys.find(self.key)?;
        let mut bytes = Vec::with_capacity(TOKEN_BYTES);
        bytes.push(self.key);
        bytes.extend_from_slice(self.session.as_bytes());
        bytes.extend_from_slice(&self.counter.to_be_bytes());
        let tag = seal(key, &bytes);
        bytes.extend_from_slice(&tag);
        let check = checksum(&bytes);
        bytes.extend_from_slice(&check);
        Some(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(&bytes)).into())
    }

    fn from_payload(payload: &[u8]) -> Option<Self> {
        let (key, rest) = payload.split_first()?;
        let (session, counter) = rest.split_first_chunk::<16>()?;
        let counter = u64::from_be_bytes(counter.try_into().ok()?);
        Some(Self { key: *key, session: Uuid::from_bytes(*session), counter })
    }
}

fn decode(text: &str) -> Option<[u8; TOKEN_BYTES]> {
    if text.len() != TEXT_BYTES {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(text.strip_prefix(PREFIX)?).ok()?;
    bytes.try_into().ok()
}

fn seal(key: &hmac::Key, payload: &[u8]) -> [u8; TAG_BYTES] {
    beginning(hmac::sign(key, payload).as_ref())
}

fn checksum(sealed: &[u8]) -> [u8; CHECKSUM_BYTES] {
    beginning(digest::digest(&digest::SHA256, sealed).as_ref())
}

fn beginning<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.first_chunk::<N>().copied().expect("a SHA-256 digest has 32 bytes, and at most 32 are requested")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::config::MasterKeys;
    use crate::keys::KeyPurpose;

    use super::*;

    fn keys(entries: &str) -> DerivedKeys {
        DerivedKeys::derive(&MasterKeys::parse(entries).unwrap(), KeyPurpose::RefreshTokens)
    }

    const ONE: &str = "1:uAvl9cb5KvuCX9MrUQOhawFG6TbuH2NkyH3jCoPij6A=";
    const ONE_AGAIN: &str = "1:m1YGbnayZpMvJZfqMoxh0ikvjiudpTrf/SsjrIbUagE=";
    const TWO: &str = "2:m1YGbnayZpMvJZfqMoxh0ikvjiudpTrf/SsjrIbUagE=";

    fn text(token: RefreshToken, keys: &DerivedKeys) -> String {
        token.seal(keys).unwrap().expose_secret().to_owned()
    }

    fn token(counter: u64) -> RefreshToken {
        RefreshToken { key: 1, session: Uuid::from_u128(7), counter }
    }

    #[test]
    fn the_same_child_is_the_same_text() {
        assert_eq!(text(token(3), &keys(ONE)), text(token(3), &keys(ONE)));
        assert_ne!(text(token(3), &keys(ONE)), text(token(4), &keys(ONE)));
    }

    #[test]
    fn a_token_outlives_a_new_master_key_but_not_the_loss_of_its_own() {
        let sealed = text(token(3), &keys(ONE));
        assert_eq!(RefreshToken::open(&sealed, &keys(&format!("{TWO},{ONE}"))), Ok(token(3)));
        assert_eq!(RefreshToken::open(&sealed, &keys(TWO)), Err(Unreadable::Forged));
        assert_eq!(RefreshToken::open(&sealed, &keys(ONE_AGAIN)), Err(Unreadable::Forged));
        assert!(token(3).seal(&keys(TWO)).is_none());
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let keys = keys(ONE);
        let sealed = text(token(3), &keys);
        let bytes = URL_SAFE_NO_PAD.decode(&sealed[PREFIX.len()..]).unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut bytes = bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let flipped = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(&bytes));
            assert_eq!(RefreshToken::open(&flipped, &keys), Err(Unreadable::Malformed), "bit {bit}");
        }
    }

    #[test]
    fn a_changed_token_with_a_new_checksum_is_a_forgery() {
        let keys = keys(ONE);
        let sealed = text(token(3), &keys);
        let mut bytes = URL_SAFE_NO_PAD.decode(&sealed[PREFIX.len()..]).unwrap();
        bytes[24] += 1;
        let check = checksum(&bytes[..SEALED_BYTES]);
        bytes[SEALED_BYTES..].copy_from_slice(&check);
        let forged = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(&bytes));
        assert_eq!(RefreshToken::open(&forged, &keys), Err(Unreadable::Forged));
    }

    #[test]
    fn other_texts_are_malformed() {
        let keys = keys(ONE);
        let good = text(token(3), &keys);
        for bad in
            ["", "v1.", "v2.", &good[1..], &format!("{good}A"), &good.replace("v1.", "v2."), &"é".repeat(32)]
        {
            assert_eq!(RefreshToken::open(bad, &keys), Err(Unreadable::Malformed), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn a_sealed_token_opens_as_itself(session: u128, counter: u64) {
            let keys = keys(ONE);
            let token = RefreshToken { key: 1, session: Uuid::from_u128(session), counter };
            let sealed = text(token, &keys);
            prop_assert_eq!(sealed.len(), TEXT_BYTES);
            prop_assert_eq!(RefreshToken::open(&sealed, &keys), Ok(token));
        }

        #[test]
        fn any_text_is_refused_without_panic(text: String) {
            prop_assert!(RefreshToken::open(&text, &keys(ONE)).is_err());
        }

        #[test]
        fn any_bytes_of_the_right_length_are_refused(bytes in proptest::collection::vec(any::<u8>(), TOKEN_BYTES)) {
            let text = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(&bytes));
            prop_assert!(RefreshToken::open(&text, &keys(ONE)).is_err());
        }
    }
}
