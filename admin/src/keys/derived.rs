//! HMAC keys derived from the master keys, one set for each purpose.

use aws_lc_rs::{hkdf, hmac};
use zeroize::Zeroizing;

use crate::config::MasterKeys;

/// The purpose of a set of keys. A new format of the sealed content gets a new text, and therefore new keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyPurpose {
    /// Refresh tokens.
    RefreshTokens,
    /// The chain of the audit log.
    Audit,
    /// The check values of the master keys.
    CheckValue,
    /// Device tokens.
    Devices,
    /// The places of the counters of attempts.
    Guesses,
    /// The tags of e-mail addresses that accounts had.
    FormerEmails,
    /// Mailboxes, so that mails to one are counted without its address.
    Mailboxes,
    /// The tokens of links in mails.
    Links,
    /// The codes in mails, and the addresses that they prove.
    MailCodes,
    /// The flows of users who may keep an account that will be erased.
    ErasureFlows,
    /// The tokens in the forms of pages.
    Pages,
}

/// One HMAC-SHA256 key per master key, under the master key's number.
///
/// A seal includes this number, so that it can be verified as long as that master key is configured.
pub struct DerivedKeys {
    /// In the order of the configuration: the first seals, and each is newer than those after it.
    keys: Vec<(u8, hmac::Key)>,
}

impl KeyPurpose {
    fn info(self) -> &'static [u8] {
        match self {
            Self::RefreshTokens => b"usher refresh token v1",
            Self::Audit => b"usher audit log v1",
            Self::CheckValue => b"usher master key check value v1",
            Self::Devices => b"usher device token v1",
            Self::Guesses => b"usher attempt counters v1",
            Self::FormerEmails => b"usher former e-mail address v1",
            Self::Mailboxes => b"usher mailboxes v1",
            Self::Links => b"usher account links v1",
            Self::MailCodes => b"usher mail codes v1",
            Self::Pages => b"usher form token v1",
            Self::ErasureFlows => b"usher erasure flow v1",
        }
    }
}

impl DerivedKeys {
    /// Derives the keys (HKDF-SHA256, RFC 5869).
    pub fn derive(masters: &MasterKeys, purpose: KeyPurpose) -> Self {
        Self { keys: masters.iter().map(|(id, master)| (id, hmac_key(master, purpose))).collect() }
    }

    /// The number of the key for new seals.
    pub fn current(&self) -> u8 {
        self.keys.first().map_or(0, |(id, _)| *id)
    }

    /// The key of this number; `None` when its master key is no longer configured.
    pub fn find(&self, id: u8) -> Option<&hmac::Key> {
        self.keys.iter().find(|(known, _)| *known == id).map(|(_, key)| key)
    }

    /// All keys.
    pub fn iter(&self) -> impl Iterator<Item = &hmac::Key> {
        self.keys.iter().map(|(_, key)| key)
    }

    /// How many newer keys exist; `None` for a key that is not configured.
    pub fn age(&self, id: u8) -> Option<usize> {
        self.keys.iter().position(|(known, _)| *known == id)
    }
}

fn hmac_key(master: &[u8; 32], purpose: KeyPurpose) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, &*derive(master, purpose.info()))
}

/// 32 bytes for this purpose (HKDF-SHA256, RFC 5869).
pub(super) fn derive(master: &[u8; 32], info: &[u8]) -> Zeroizing<[u8; 32]> {
    let mut key = Zeroizing::new([0; 32]);
    hkdf::Salt::new(hkdf::HKDF_SHA256, &[])
        .extract(master)
        .expand(&[info], Bits256)
        .and_then(|okm| okm.fill(&mut *key))
        .expect("32 bytes are within HKDF's limit of 255 blocks");
    key
}

/// The length of a derived key.
struct Bits256;

impl hkdf::KeyType for Bits256 {
    fn len(&self) -> usize {
        32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_purpose_has_keys_of_its_own() {
        let masters = MasterKeys::parse("7:uAvl9cb5KvuCX9MrUQOhawFG6TbuH2NkyH3jCoPij6A=").unwrap();
        let tag = |purpose| {
            let keys = DerivedKeys::derive(&masters, purpose);
            hmac::sign(keys.find(keys.current()).unwrap(), b"the same").as_ref().to_vec()
        };
        assert_eq!(tag(KeyPurpose::Audit), tag(KeyPurpose::Audit));
        assert_ne!(tag(KeyPurpose::Audit), tag(KeyPurpose::RefreshTokens));
    }
}
