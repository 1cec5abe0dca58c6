//! The token of a link: 256 bits, of which only the hash is stored.

use aws_lc_rs::{digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret as _, SecretString};
use uuid::Uuid;

use super::DerivedKeys;
use crate::passwords::Password;
use crate::random::{NoRandomness, Random};

/// The length of the hash.
pub(crate) const HASH_BYTES: usize = 32;

/// The token as text: 43 letters of base64url. Its `Debug` prints nothing.
#[derive(Debug, Clone)]
pub(crate) struct LinkToken(SecretString);

impl LinkToken {
    /// The token of the link in a mail: an HMAC of the mail's identifier under the key with this number, so that every
    /// attempt to send the mail has the same link, and no table has it. `None` without that key.
    pub(crate) fn of_mail(keys: &DerivedKeys, number: u8, mail: Uuid) -> Option<Self> {
        let tag = hmac::sign(keys.find(number)?, mail.as_bytes());
        Some(Self(URL_SAFE_NO_PAD.encode(tag).into()))
    }

    /// A random token, for a link that is printed.
    pub(crate) fn random(random: &dyn Random) -> Result<Self, NoRandomness> {
        let mut bytes = [0; 32];
        random.fill(&mut bytes)?;
        Ok(Self(URL_SAFE_NO_PAD.encode(bytes).into()))
    }

    /// A token as a client sends it, of the right form.
    pub(crate) fn received(text: &str) -> Self {
        Self(text.into())
    }

    /// What is stored of it.
    pub(crate) fn hash(&self) -> [u8; HASH_BYTES] {
        let hash = digest::digest(&digest::SHA256, self.expose().as_bytes());
        hash.as_ref().first_chunk().copied().unwrap_or_default()
    }

    /// A tag of the password that is set with the token, by which a repeated request is recognised: without the master key
    /// nothing can be guessed from it, even with the token.
    pub(crate) fn tag_of(&self, keys: &DerivedKeys, password: &Password) -> Option<String> {
        let tag = hmac::sign(keys.find(keys.current())?, password.fingerprint(self.expose()).as_bytes());
        Some(URL_SAFE_NO_PAD.encode(tag))
    }

    /// The text itself.
    pub(crate) fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::MasterKeys;
    use crate::keys::KeyPurpose;
    use crate::random::SystemRandom;

    fn keys() -> DerivedKeys {
        let masters = MasterKeys::parse("1:uAvl9cb5KvuCX9MrUQOhawFG6TbuH2NkyH3jCoPij6A=").unwrap();
        DerivedKeys::derive(&masters, KeyPurpose::Links)
    }

    #[test]
    fn a_mail_has_one_token_and_another_mail_another() {
        let token = |mail| LinkToken::of_mail(&keys(), 1, Uuid::from_u128(mail)).unwrap();
        assert_eq!(token(1).hash(), token(1).hash());
        assert_ne!(token(1).hash(), token(2).hash());
        assert_eq!(token(1).expose().len(), 43);
        assert_eq!(LinkToken::received(token(1).expose()).hash(), token(1).hash());
    }

    #[test]
    fn random_tokens_differ_and_are_not_printed() {
        let token = || LinkToken::random(&SystemRandom).unwrap();
        assert_ne!(token().hash(), token().hash());
        let token = token();
        assert!(!format!("{token:?}").contains(token.expose()));
    }
}
