//! What the texts of all languages may name, and how they write it.

use std::net::IpAddr;

use secrecy::{ExposeSecret as _, SecretString};

/// What every text may name.
#[derive(Debug, Clone, Copy)]
pub(in crate::mail) struct MailSite<'s> {
    /// The host of the public base URL, as the name of the service.
    pub(in crate::mail) host: &'s str,
    /// The public base URL.
    pub(in crate::mail) url: &'s str,
}

impl MailSite<'_> {
    /// The link with this token, to set a password. The part after `#` is not sent to any server, so no log on the way
    /// has it.
    pub(super) fn link(self, token: &SecretString) -> String {
        format!("{}account/reset#{}", self.url, token.expose_secret())
    }

    /// The link that proves the address of a new account.
    pub(super) fn confirmation(self, token: &SecretString) -> String {
        format!("{}account/confirm#{}", self.url, token.expose_secret())
    }

    /// The link that proves the new address of an account.
    pub(super) fn change_confirmation(self, token: &SecretString) -> String {
        format!("{}account/email#{}", self.url, token.expose_secret())
    }

    /// The link by which a change of the address is undone.
    pub(super) fn undo_link(self, token: &SecretString) -> String {
        format!("{}account/undo#{}", self.url, token.expose_secret())
    }

    /// The page for signing in, where the user of an account that will be erased is asked whether to keep it.
    pub(super) fn sign_in(self) -> String {
        format!("{}account/sign-in", self.url)
    }

    /// The same, to an export.
    pub(super) fn export_link(self, token: &SecretString) -> String {
        format!("{}account/export#{}", self.url, token.expose_secret())
    }
}

/// A network, for people: its first address, and the length of its prefix.
pub(crate) fn network(first: IpAddr) -> String {
    let length = if first.is_ipv4() { 24 } else { 48 };
    format!("{first}/{length}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_written_without_words() {
        assert_eq!(network([192, 0, 2, 0].into()), "192.0.2.0/24");
        assert_eq!(network("2001:db8::".parse().unwrap()), "2001:db8::/48");
    }
}
