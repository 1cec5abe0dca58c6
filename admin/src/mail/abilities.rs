//! What the mail server offers, as its last greeting said: nothing is known before the first mail.

use std::sync::atomic::{AtomicU8, Ordering};

/// Any other number: unknown.
const MISSING: u8 = 1;
const OFFERED: u8 = 2;

/// What the server offers.
#[derive(Debug, Default)]
pub(super) struct MailAbilities {
    /// Addresses of any script (SMTPUTF8, RFC 6531).
    any_script: AtomicU8,
}

impl MailAbilities {
    /// Notes what a greeting said.
    pub(super) fn note(&self, offers_any_script: bool) {
        self.any_script.store(if offers_any_script { OFFERED } else { MISSING }, Ordering::Relaxed);
    }

    /// Whether the server is known to take no address with a local part like this.
    pub(super) fn excludes(&self, address: &str) -> bool {
        let is_plain = address.rsplit_once('@').is_none_or(|(local, _)| local.is_ascii());
        !is_plain && self.any_script.load(Ordering::Relaxed) == MISSING
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_known_to_be_missing_excludes_an_address() {
        let abilities = MailAbilities::default();
        assert!(!abilities.excludes("анна@example.org"));
        abilities.note(false);
        assert!(abilities.excludes("анна@example.org"));
        // The domain has another form in the DNS.
        assert!(!abilities.excludes("anna@кино.рф") && !abilities.excludes("anna"));
        abilities.note(true);
        assert!(!abilities.excludes("анна@example.org"));
    }
}
