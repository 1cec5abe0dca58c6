//! The master keys: from the environment, never in the database, never printed.

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

    const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

    #[test]
    fn the_first_of_several_keys_seals() {
        let keys = MasterKeys::parse(&format!("7:{KEY}, 255:{KEY}")).unwrap();
        assert_eq!(keys.iter().map(|(id, _)| id).collect::<Vec<_>>(), [7, 255]);
        assert_eq!(keys.iter().next().unwrap().1[31], 31);
    }

    #[test]
    fn anything_else_is_refused() {
        for bad in
            ["", "1", KEY, "256:AAAA", "1:AAAA", "x:AAAA", &format!("1:{KEY},1:{KEY}"), &format!("1:{KEY},")]
        {
            assert!(MasterKeys::parse(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_judged_without_panic(text: String) {
            let _verdict = MasterKeys::parse(&text);
        }
    }
}
