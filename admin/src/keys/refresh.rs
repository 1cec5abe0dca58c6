//! The HMAC keys of refresh tokens, derived from the master keys.

use std::collections::HashMap;

use aws_lc_rs::{hkdf, hmac};

use crate::config::MasterKeys;

/// What the derived key is for. A new form of token gets a new text, and so a new key.
const INFO: &[u8] = b"usher refresh token v1";

/// One HMAC-SHA256 key a master key, under the master key's number.
///
/// A session keeps the number it began with, so that all its children come from one key.
pub struct RefreshKeys {
    current: u8,
    keys: HashMap<u8, hmac::Key>,
}

impl RefreshKeys {
    /// Derives them (HKDF-SHA256, RFC 5869).
    pub fn derive(masters: &MasterKeys) -> Self {
        let current = masters.iter().next().map_or(0, |(id, _)| id);
        let keys = masters.iter().map(|(id, master)| (id, hmac_key(master))).collect();
        Self { current, keys }
    }

    /// The number that new sessions begin with.
    pub fn current(&self) -> u8 {
        self.current
    }

    /// The key of this number; `None` when its master key was taken out of the configuration.
    pub fn find(&self, id: u8) -> Option<&hmac::Key> {
        self.keys.get(&id)
    }
}

fn hmac_key(master: &[u8; 32]) -> hmac::Key {
    let derived = hkdf::Salt::new(hkdf::HKDF_SHA256, &[]).extract(master);
    let okm =
        derived.expand(&[INFO], hmac::HMAC_SHA256).expect("32 bytes are within HKDF's bound of 255 blocks");
    hmac::Key::from(okm)
}
