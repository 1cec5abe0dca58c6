//! An identity at a provider, in the form in which it is stored here.

use super::store::{Link, Snapshot};
use crate::providers::{Identity, Provider};
use crate::users::{EmailAddress, profile};
use uuid::Uuid;

/// The identity of the user who returned.
pub(super) struct ProviderIdentity<'i> {
    pub(super) provider: &'i Provider,
    pub(super) subject: String,
    /// The address, if its form is accepted here.
    pub(super) email: Option<EmailAddress>,
    is_email_vouched: bool,
    pub(super) display_name: Option<String>,
}

impl<'i> ProviderIdentity<'i> {
    pub(super) fn new(provider: &'i Provider, identity: Identity) -> Self {
        Self {
            provider,
            subject: identity.subject,
            email: identity.email.as_deref().and_then(|email| email.parse().ok()),
            is_email_vouched: identity.is_email_vouched,
            display_name: identity.name.as_deref().and_then(profile::name_from),
        }
    }

    /// The address, if the provider vouches for it.
    pub(super) fn vouched_email(&self) -> Option<&EmailAddress> {
        self.email.as_ref().filter(|_| self.is_email_vouched)
    }

    /// What is stored about it.
    pub(super) fn snapshot(&self) -> Snapshot<'_> {
        Snapshot {
            email: self.email.as_ref().map(EmailAddress::as_str),
            is_email_vouched: self.vouched_email().is_some(),
            display_name: self.display_name.as_deref(),
        }
    }

    /// Its link to `user` by a rule of the table; `is_sign_in` when a session is opened with it.
    pub(super) fn link_to(&self, user: Uuid, rule: u8, is_sign_in: bool) -> Link<'_> {
        let (provider, subject) = (self.provider.id(), self.subject.as_str());
        Link { provider, subject, user, rule, snapshot: self.snapshot(), is_sign_in }
    }
}
