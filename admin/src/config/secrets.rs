//! The master keys: from the environment, never in the database, never printed.

use std::collections::BTreeSet;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use runtime::env::Reader;
use secrecy::ExposeSecret as _;
use zeroize::Zeroizing;

/// The length of a master key in bytes.
const MASTER_KEY_BYTES: usize = 32;

/// The master keys by number. There is at least one; the first seals, all of them open.
#[derive(Clone)]
pub struct MasterKeys(Vec<(u8, Zeroizing<[u8; MASTER_KEY_BYTES]>)>);

const FORM: &str = "must be id:base64,... where each id is a number from 0 to 255 and each key is 32 bytes \
    (openssl rand -base64 32)";

const WEAK: &str = "must hold keys of 32 random bytes; one of them has a pattern or is text (make a key with openssl \
    rand -base64 32)";

/// Fewer different bytes than this are in no random key: the probability is below 10^-15.
const LEAST_DISTINCT: usize = 16;

/// Whether a key was made by hand: few different bytes (zeroes, a repeated word), a sequence, a repeated half, or
/// text, line breaks and tabs included. Each of these tests refuses a random key with a probability below 10^-10.
fn is_weak(key: &[u8; MASTER_KEY_BYTES]) -> bool {
    let distinct: BTreeSet<u8> = key.iter().copied().collect();
    let mut steps = key.iter().zip(key.iter().skip(1)).map(|(one, next)| next.wrapping_sub(*one));
    let first = steps.next();
    let is_sequence = steps.filter(|step| Some(*step) == first).count() >= MASTER_KEY_BYTES / 2;
    let (one, other) = key.split_at(MASTER_KEY_BYTES / 2);
    let is_text = std::str::from_utf8(key).is_ok_and(|text| !text.chars().any(is_binary));
    distinct.len() < LEAST_DISTINCT || is_sequence || one == other || is_text
}

/// Whether no text has this character.
fn is_binary(character: char) -> bool {
    character.is_control() && !matches!(character, '\n' | '\r' | '\t')
}

impl MasterKeys {
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let text = reader.required_secret("ADMIN_MASTER_KEYS")?;
        match Self::parse(text.expose_secret()) {
            Ok(keys) => Some(keys),
            Err(why) => {
                reader.mistake("ADMIN_MASTER_KEYS", why);
                None
            }
        }
    }

    /// Parses `id:base64,...`.
    ///
    /// # Errors
    ///
    /// A sentence that does not repeat the text.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let mut keys: Vec<(u8, _)> = Vec::new();
        for entry in text.split(',').map(str::trim) {
            let (id, key) = entry.split_once(':').ok_or(FORM)?;
            let id: u8 = id.parse().map_err(|_| FORM)?;
            let key = Zeroizing::new(STANDARD.decode(key).map_err(|_| FORM)?);
            let key = Zeroizing::new(<[u8; MASTER_KEY_BYTES]>::try_from(key.as_slice()).map_err(|_| FORM)?);
            if is_weak(&key) {
                return Err(WEAK);
            }
            if keys.iter().any(|(known, _)| *known == id) {
                return Err("two keys have the same id");
            }
            keys.push((id, key));
        }
        Ok(Self(keys))
    }

    /// Every key with its number; the one that seals comes first.
    pub fn iter(&self) -> impl Iterator<Item = (u8, &[u8; MASTER_KEY_BYTES])> {
        self.0.iter().map(|(id, key)| (*id, &**key))
    }
}

impl fmt::Debug for MasterKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(id, _)| id)).finish()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEY: &str = "uAvl9cb5KvuCX9MrUQOhawFG6TbuH2NkyH3jCoPij6A=";

    #[test]
    fn the_first_of_several_keys_seals() {
        let keys = MasterKeys::parse(&format!("7:{KEY}, 255:{KEY}")).unwrap();
        assert_eq!(keys.iter().map(|(id, _)| id).collect::<Vec<_>>(), [7, 255]);
        assert_eq!(keys.iter().next().unwrap().1[31], 0xa0);
    }

    #[test]
    fn anything_else_is_refused() {
        for bad in
            ["", "1", KEY, "256:AAAA", "1:AAAA", "x:AAAA", &format!("1:{KEY},1:{KEY}"), &format!("1:{KEY},")]
        {
            assert!(MasterKeys::parse(bad).is_err(), "{bad}");
        }
    }

    fn parse(key: &[u8]) -> Result<MasterKeys, &'static str> {
        MasterKeys::parse(&format!("1:{}", STANDARD.encode(key)))
    }

    #[test]
    fn a_key_that_nobody_drew_at_random_is_refused() {
        let sequence =
            |from: u8, step: u8| (0..32).map(|n| from.wrapping_add(step.wrapping_mul(n))).collect();
        let repeated = |word: &[u8]| word.iter().copied().cycle().take(32).collect();
        let weak: [Vec<u8>; 14] = [
            vec![0; 32],
            vec![0xff; 32],
            sequence(0, 1),
            sequence(1, 1),
            sequence(200, 3),
            sequence(31, 255),
            repeated(&[0xde, 0xad, 0xbe, 0xef]),
            repeated(b"\x81secret"),
            repeated(&[
                0x9f, 0xe1, 0x00, 0x17, 0x80, 0x33, 0xa2, 0x5c, 0x0d, 0xc4, 0x66, 0xfa, 0x71, 0x28, 0xb9,
                0x4e,
            ]),
            b"0123456789abcdef0123456789abcdef".to_vec(),
            b"this-is-a-very-secret-key-for-us".to_vec(),
            "пароль-для-кино!123".as_bytes().to_vec(),
            b"this-is-a-very-secret-key-for-u\n".to_vec(),
            b"first\tsecret\r\nsecond-keys=words!".to_vec(),
        ];
        for key in weak {
            assert_eq!(parse(&key).err(), Some(WEAK), "{key:02x?}");
        }
        for length in [0, 16, 31, 33, 64] {
            assert_eq!(parse(&vec![7; length]).err(), Some(FORM), "{length}");
        }
    }

    proptest! {
        #[test]
        fn a_random_key_is_accepted(key: [u8; 32]) {
            // proptest shrinks towards zeroes but generates evenly; a failure would be one in 10^10.
            prop_assert!(parse(&key).is_ok());
        }

        #[test]
        fn any_text_is_judged_without_panic(text: String) {
            let _verdict = MasterKeys::parse(&text);
        }
    }
}
