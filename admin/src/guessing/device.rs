//! The device token: a random identifier that a client keeps for 180 days, and the accounts that signed in with it.
//!
//! `d1.` and the base64url of:
//!
//! | bytes | what |
//! |---|---|
//! | 1 | number of the HMAC key of the seal |
//! | 16 | the random identifier |
//! | 8 | when it expires, seconds since 1970, big-endian |
//! | 16 each, at most 8 | the accounts, the most recent first: the number of an HMAC key, and the first 15 bytes of the HMAC-SHA256 of identifier, account and the account's device epoch |
//! | 16 | the first half of the HMAC-SHA256 of the preceding bytes |
//!
//! It is not a credential: a client that has it must still know the password. It only says which failures are counted together.

use aws_lc_rs::{digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::SecretString;
use subtle::{Choice, ConstantTimeEq as _};
use uuid::Uuid;

use crate::keys::DerivedKeys;
use crate::random::{NoRandomness, Random};

/// How long a token is valid, in seconds.
pub const DEVICE_LIFE: u64 = 180 * 24 * 3600;

/// How many accounts a token lists.
const MOST: usize = 8;

const PREFIX: &str = "d1.";
const ID_BYTES: usize = 16;
const HEAD_BYTES: usize = 1 + ID_BYTES + 8;
const ENTRY_BYTES: usize = 16;
const SEAL_BYTES: usize = 16;

/// An account as a token lists it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct DeviceEntry([u8; ENTRY_BYTES]);

/// A device. Purposefully without `Debug`: its identifier is personal.
#[derive(Clone, PartialEq, Eq)]
pub struct DeviceToken {
    id: [u8; ID_BYTES],
    expires_at: u64,
    /// The most recent first.
    accounts: Vec<DeviceEntry>,
}

/// What a session remembers of the device that it began on. The token cannot be found from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceMark([u8; 16]);

impl DeviceMark {
    /// The stored mark; `None` for bytes of another length.
    pub fn from_stored(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The stored form.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// An account, and the epoch of its devices: with the next epoch none of them is known any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceAccount {
    /// The user.
    pub user: Uuid,
    /// The epoch.
    pub epoch: u64,
}

impl DeviceToken {
    /// A device that was never seen, without accounts.
    ///
    /// # Errors
    ///
    /// When the operating system provides no randomness.
    pub fn new(random: &dyn Random) -> Result<Self, NoRandomness> {
        let mut id = [0; ID_BYTES];
        random.fill(&mut id)?;
        Ok(Self { id, expires_at: 0, accounts: Vec::new() })
    }

    /// Reads a token that this service sealed and that has not expired at `now`. `None` for every other text.
    pub fn open(text: &str, keys: &DerivedKeys, now: u64) -> Option<Self> {
        let bytes = decode(text)?;
        let (sealed, seal) = bytes.split_at_checked(bytes.len().checked_sub(SEAL_BYTES)?)?;
        let (number, _) = sealed.split_first()?;
        let is_genuine: bool = tag::<SEAL_BYTES>(keys.find(*number)?, &[b"seal", sealed]).ct_eq(seal).into();
        Self::read(sealed).filter(|device| is_genuine && now < device.expires_at)
    }

    fn read(sealed: &[u8]) -> Option<Self> {
        let (head, entries) = sealed.split_first_chunk::<HEAD_BYTES>()?;
        let (_, head) = head.split_first()?;
        let (id, expires_at) = head.split_first_chunk::<ID_BYTES>()?;
        let (entries, rest) = entries.as_chunks::<ENTRY_BYTES>();
        (rest.is_empty() && entries.len() <= MOST).then(|| {
            let accounts = entries.iter().copied().map(DeviceEntry).collect();
            Some(Self { id: *id, expires_at: u64::from_be_bytes(expires_at.try_into().ok()?), accounts })
        })?
    }

    /// The token; `None` without a key.
    pub fn seal(&self, keys: &DerivedKeys) -> Option<SecretString> {
        let number = keys.current();
        let mut bytes = vec![number];
        bytes.extend(self.id);
        bytes.extend(self.expires_at.to_be_bytes());
        bytes.extend(self.accounts.iter().flat_map(|entry| entry.0));
        let seal = tag::<SEAL_BYTES>(keys.find(number)?, &[b"seal", &bytes]);
        bytes.extend(seal);
        Some(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(&bytes)).into())
    }

    /// Its identifier.
    pub fn id(&self) -> [u8; ID_BYTES] {
        self.id
    }

    /// Its mark, which stays the same when the token is renewed.
    pub fn mark(&self) -> DeviceMark {
        let digest = digest::digest(&digest::SHA256, &self.id);
        let first = digest.as_ref().first_chunk().copied();
        DeviceMark(first.expect("a SHA-256 has 32 bytes"))
    }

    /// Whether the account signed in with it. Compares with every entry, in constant time.
    pub fn knows(&self, account: DeviceAccount, keys: &DerivedKeys) -> bool {
        let is = |entry: &DeviceEntry| self.is_of(*entry, account, keys);
        self.accounts.iter().map(is).fold(Choice::from(0), |any, one| any | one).into()
    }

    /// The same device after a sign-in or a refresh of the account at `now`: valid for the whole time again, with this
    /// account as the most recent one. If there are too many, the least recent one goes.
    pub fn renewed(mut self, account: DeviceAccount, keys: &DerivedKeys, now: u64) -> Self {
        let others = self.accounts.iter().copied();
        let others = others.filter(|entry| !bool::from(self.is_of(*entry, account, keys)));
        self.accounts =
            self.entry(keys.current(), account, keys).into_iter().chain(others).take(MOST).collect();
        self.expires_at = now.saturating_add(DEVICE_LIFE);
        self
    }

    fn is_of(&self, entry: DeviceEntry, account: DeviceAccount, keys: &DerivedKeys) -> Choice {
        let [number, ..] = entry.0;
        self.entry(number, account, keys).map_or(Choice::from(0), |right| right.0.ct_eq(&entry.0))
    }

    /// The entry of an account under the key of this number, so that a new master key makes no device unknown.
    fn entry(&self, number: u8, account: DeviceAccount, keys: &DerivedKeys) -> Option<DeviceEntry> {
        let parts: [&[u8]; 4] = [b"account", &self.id, account.user.as_bytes(), &account.epoch.to_be_bytes()];
        let tag = tag::<{ ENTRY_BYTES - 1 }>(keys.find(number)?, &parts);
        let mut entry = [number; ENTRY_BYTES];
        entry.iter_mut().skip(1).zip(tag).for_each(|(place, byte)| *place = byte);
        Some(DeviceEntry(entry))
    }
}

/// The bytes of a token of a possible length.
fn decode(text: &str) -> Option<Vec<u8>> {
    const LONGEST: usize = HEAD_BYTES + MOST * ENTRY_BYTES + SEAL_BYTES;
    let text = text.strip_prefix(PREFIX).filter(|text| text.len() <= LONGEST.div_ceil(3) * 4)?;
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// The first bytes of an HMAC of parts, of which all but the last have a fixed length.
fn tag<const N: usize>(key: &hmac::Key, parts: &[&[u8]]) -> [u8; N] {
    let mut context = hmac::Context::with_key(key);
    parts.iter().for_each(|part| context.update(part));
    let tag = context.sign();
    tag.as_ref()
        .first_chunk::<N>()
        .copied()
        .expect("an HMAC-SHA256 has 32 bytes, and at most 16 are requested")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use secrecy::ExposeSecret as _;

    use super::*;
    use crate::config::MasterKeys;
    use crate::keys::KeyPurpose;
    use crate::random::SystemRandom;

    const ONE: &str = "1:uAvl9cb5KvuCX9MrUQOhawFG6TbuH2NkyH3jCoPij6A=";
    const TWO: &str = "2:m1YGbnayZpMvJZfqMoxh0ikvjiudpTrf/SsjrIbUagE=";

    fn keys(entries: &str) -> DerivedKeys {
        DerivedKeys::derive(&MasterKeys::parse(entries).unwrap(), KeyPurpose::Devices)
    }

    fn account(number: u128) -> DeviceAccount {
        DeviceAccount { user: Uuid::from_u128(number), epoch: 1 }
    }

    fn device(keys: &DerivedKeys, accounts: impl IntoIterator<Item = u128>) -> DeviceToken {
        let new = DeviceToken::new(&SystemRandom).unwrap();
        accounts.into_iter().fold(new, |device, number| device.renewed(account(number), keys, 1000))
    }

    fn text(device: &DeviceToken, keys: &DerivedKeys) -> String {
        device.seal(keys).unwrap().expose_secret().to_owned()
    }

    #[test]
    fn a_device_knows_the_accounts_that_signed_in_with_it() {
        let keys = keys(ONE);
        let device = device(&keys, [1, 2]);
        let again = DeviceToken::open(&text(&device, &keys), &keys, 1000).unwrap();
        assert!(again == device && again.knows(account(1), &keys) && again.knows(account(2), &keys));
        assert!(!again.knows(account(3), &keys));
        assert!(!again.knows(DeviceAccount { epoch: 2, ..account(1) }, &keys), "of an earlier epoch");
    }

    #[test]
    fn a_mark_survives_renewal_and_a_new_key_and_is_of_one_device() {
        let (one, both) = (keys(ONE), keys(&format!("{TWO},{ONE}")));
        let device = device(&one, [1]);
        let renewed = text(&device.clone().renewed(account(2), &both, 5000), &both);
        let renewed = DeviceToken::open(&renewed, &both, 5000).unwrap();
        assert_eq!(renewed.mark(), device.mark());
        assert_eq!(DeviceMark::from_stored(device.mark().as_bytes()), Some(device.mark()));
        assert_ne!(device.mark(), self::device(&one, [1]).mark());
        assert_ne!(device.mark().as_bytes(), device.id());
    }

    #[test]
    fn an_entry_is_of_its_own_device_alone() {
        let keys = keys(ONE);
        let (one, mut other) = (device(&keys, [1]), device(&keys, []));
        other.accounts.clone_from(&one.accounts);
        assert!(one.knows(account(1), &keys) && !other.knows(account(1), &keys));
    }

    #[test]
    fn the_least_recent_of_nine_accounts_goes() {
        let keys = keys(ONE);
        let device = device(&keys, (0..8).chain([0, 8]));
        let known: Vec<u128> = (0..10).filter(|number| device.knows(account(*number), &keys)).collect();
        assert_eq!(known, [0, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(device.accounts.len(), MOST);
        assert!(text(&device, &keys).len() < 240);
    }

    #[test]
    fn a_token_expires_after_180_days_without_use() {
        let keys = keys(ONE);
        let device = device(&keys, [1]);
        let sealed = text(&device, &keys);
        assert!(DeviceToken::open(&sealed, &keys, 1000 + DEVICE_LIFE - 1).is_some());
        assert!(DeviceToken::open(&sealed, &keys, 1000 + DEVICE_LIFE).is_none());
        let renewed = text(&device.renewed(account(1), &keys, 5000), &keys);
        assert!(DeviceToken::open(&renewed, &keys, 1000 + DEVICE_LIFE).is_some());
    }

    #[test]
    fn a_device_stays_known_after_a_new_master_key_and_not_after_the_loss_of_its_own() {
        let (one, both) = (keys(ONE), keys(&format!("{TWO},{ONE}")));
        let sealed = text(&device(&one, [1, 2]), &one);
        let device = DeviceToken::open(&sealed, &both, 1000).unwrap().renewed(account(1), &both, 1000);
        let again = DeviceToken::open(&text(&device, &both), &both, 1000).unwrap();
        assert!(again.knows(account(1), &both) && again.knows(account(2), &both));
        assert_eq!(again.accounts.len(), 2);
        assert!(again.knows(account(1), &keys(TWO)) && !again.knows(account(2), &keys(TWO)));
        assert!(DeviceToken::open(&sealed, &keys(TWO), 1000).is_none());
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let keys = keys(ONE);
        let bytes = URL_SAFE_NO_PAD.decode(&text(&device(&keys, [1]), &keys)[PREFIX.len()..]).unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut bytes = bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let flipped = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(&bytes));
            assert!(DeviceToken::open(&flipped, &keys, 1000).is_none(), "bit {bit}");
        }
    }

    proptest! {
        #[test]
        fn a_sealed_device_opens_as_itself(accounts in proptest::collection::vec(any::<u128>(), 0..12)) {
            let keys = keys(ONE);
            let device = device(&keys, accounts.iter().copied().chain([1]));
            prop_assert!(DeviceToken::open(&text(&device, &keys), &keys, 1000).unwrap() == device);
        }

        #[test]
        fn any_text_is_refused_without_panic(text in "\\PC*|d1\\.[A-Za-z0-9_-]{0,300}") {
            prop_assert!(DeviceToken::open(&text, &keys(ONE), 0).is_none());
        }

        #[test]
        fn any_sealed_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let keys = keys(ONE);
            let mut bytes = [&[1][..], &bytes].concat();
            let seal = tag::<SEAL_BYTES>(keys.find(1).unwrap(), &[b"seal", &bytes]);
            bytes.extend(seal);
            let text = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(&bytes));
            let length = bytes.len() - SEAL_BYTES;
            let has_the_form = length >= HEAD_BYTES
                && (length - HEAD_BYTES).is_multiple_of(ENTRY_BYTES)
                && length <= HEAD_BYTES + MOST * ENTRY_BYTES;
            prop_assert!(has_the_form || DeviceToken::open(&text, &keys, 0).is_none());
        }
    }
}
