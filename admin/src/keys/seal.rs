//! Secrets at rest, such as private keys: sealed with a master key that is never in the database.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use zeroize::Zeroizing;

use super::derived::derive;
use crate::config::MasterKeys;

/// What is sealed. Each purpose has keys of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SealPurpose {
    /// The private parts of signing keys.
    SigningKeys,
    /// The recipients and the content of mails that wait to be sent.
    Mail,
    /// The flows and links by which an address is proven.
    MailFlows,
}

impl SealPurpose {
    fn info(self) -> &'static [u8] {
        match self {
            Self::SigningKeys => b"usher signing key at rest v1",
            Self::Mail => b"usher mail at rest v1",
            Self::MailFlows => b"usher mail flow v1",
        }
    }
}

/// Seals with the first master key, opens with any of them.
///
/// Format: the master key's number (1 byte), the nonce (12), the ciphertext and its tag (16). AES-256-GCM
/// with a key derived from the master key (HKDF-SHA256) and the name of the row as associated data, so that a sealed
/// secret cannot be moved to another row.
pub struct Sealer {
    keys: Vec<(u8, RandomizedNonceKey)>,
}

/// A sealed secret cannot be opened, or a secret cannot be sealed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The master key is no longer configured.
    #[error("it is sealed with master key {0}, which is not in ADMIN_MASTER_KEYS; append it to the list")]
    UnknownMaster(u8),
    /// The content is damaged, or sealed with a different key of that number.
    #[error(
        "it cannot be decrypted with master key {0}; ADMIN_MASTER_KEYS must contain the key that sealed it"
    )]
    Wrong(u8),
    /// The content is truncated.
    #[error("it is truncated; restore the row from a backup")]
    Short,
    /// The random number generator failed.
    #[error("the OS random number generator failed")]
    Sealing,
}

impl Sealer {
    /// Derives the keys.
    pub fn new(masters: &MasterKeys, purpose: SealPurpose) -> Self {
        Self { keys: masters.iter().map(|(id, master)| (id, sealing_key(master, purpose))).collect() }
    }

    /// Seals `secret` for the row `row`.
    ///
    /// # Errors
    ///
    /// When the random number generator fails.
    pub fn seal(&self, row: &str, secret: &[u8]) -> Result<Vec<u8>, SealError> {
        let (id, key) = self.keys.first().ok_or(SealError::Sealing)?;
        let mut text = secret.to_vec();
        let nonce = key
            .seal_in_place_append_tag(Aad::from(row.as_bytes()), &mut text)
            .map_err(|_| SealError::Sealing)?;
        let mut sealed = vec![*id];
        sealed.extend_from_slice(nonce.as_ref());
        sealed.append(&mut text);
        Ok(sealed)
    }

    /// The number of the master key with which content was sealed.
    ///
    /// # Errors
    ///
    /// When it is truncated.
    pub fn number_of(sealed: &[u8]) -> Result<u8, SealError> {
        sealed.first().copied().ok_or(SealError::Short)
    }

    /// Opens content that was sealed for the row `row`.
    ///
    /// # Errors
    ///
    /// When it was not sealed with a configured master key for this row.
    pub fn open(&self, row: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let (id, rest) = sealed.split_first().ok_or(SealError::Short)?;
        let (nonce, text) = rest.split_first_chunk::<NONCE_LEN>().ok_or(SealError::Short)?;
        let (_, key) =
            self.keys.iter().find(|(known, _)| known == id).ok_or(SealError::UnknownMaster(*id))?;
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let mut text = Zeroizing::new(text.to_vec());
        let length = key
            .open_in_place(nonce, Aad::from(row.as_bytes()), &mut text)
            .map_err(|_| SealError::Wrong(*id))?
            .len();
        text.truncate(length);
        Ok(text)
    }
}

fn sealing_key(master: &[u8; 32], purpose: SealPurpose) -> RandomizedNonceKey {
    let key = derive(master, purpose.info());
    RandomizedNonceKey::new(&AES_256_GCM, &*key).expect("an AES-256 key has 32 bytes")
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::digest;
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;

    use super::*;

    fn masters(keys: &[(u8, u8)]) -> MasterKeys {
        // A key with this number in it.
        let key = |byte: u8| digest::digest(&digest::SHA256, &[byte]);
        let entry = |(id, byte): &(u8, u8)| format!("{id}:{}", STANDARD.encode(key(*byte)));
        MasterKeys::parse(&keys.iter().map(entry).collect::<Vec<_>>().join(",")).unwrap()
    }

    fn sealer(keys: &[(u8, u8)]) -> Sealer {
        Sealer::new(&masters(keys), SealPurpose::SigningKeys)
    }

    #[test]
    fn a_secret_of_one_purpose_is_none_of_another() {
        let sealed = sealer(&[(1, 7)]).seal("row", b"seed").unwrap();
        let other = Sealer::new(&masters(&[(1, 7)]), SealPurpose::Mail);
        assert_eq!(other.open("row", &sealed), Err(SealError::Wrong(1)));
    }

    #[test]
    fn a_sealed_key_opens_after_another_master_key_came_first() {
        let sealed = sealer(&[(1, 7)]).seal("kid", b"seed").unwrap();
        let later = sealer(&[(2, 9), (1, 7)]);
        assert_eq!(later.open("kid", &sealed).unwrap().as_slice(), b"seed");
        assert_eq!(later.seal("kid", b"seed").unwrap()[0], 2);
    }

    #[test]
    fn a_sealed_key_opens_neither_in_another_row_nor_under_another_master_key() {
        let sealed = sealer(&[(1, 7)]).seal("kid", b"seed").unwrap();
        assert_eq!(sealer(&[(1, 7)]).open("other", &sealed), Err(SealError::Wrong(1)));
        assert_eq!(sealer(&[(1, 8)]).open("kid", &sealed), Err(SealError::Wrong(1)));
        assert_eq!(sealer(&[(2, 7)]).open("kid", &sealed), Err(SealError::UnknownMaster(1)));
    }

    proptest! {
        #[test]
        fn other_bytes_never_open_and_never_panic(bytes: Vec<u8>) {
            prop_assert!(sealer(&[(1, 7)]).open("kid", &bytes).is_err());
        }
    }
}
