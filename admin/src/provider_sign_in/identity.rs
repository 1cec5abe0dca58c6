//! An identity at a provider, in the form in which it is stored here.

use super::sign_in::ProviderProof;
use super::store::{ConfirmedBy, Link, Snapshot};
use crate::providers::Provider;
use crate::users::EmailAddress;
use uuid::Uuid;

/// The identity of the user who returned.
pub(super) struct ProviderIdentity<'i> {
    pub(super) provider: &'i Provider,
    pub(super) subject: String,
    /// The address, if its form is accepted here.
    pub(super) email: Option<EmailAddress>,
    pub(super) is_email_vouched: bool,
    /// Whether the provider also operates the mailbox.
    pub(super) is_email_authoritative: bool,
    pub(super) display_name: Option<String>,
    /// The version to which the user consents, if an account is created.
    pub(super) consent: Option<String>,
}

impl ProviderIdentity<'_> {
    /// The address, if the provider vouches for it.
    pub(super) fn vouched_email(&self) -> Option<&EmailAddress> {
        self.email.as_ref().filter(|_| self.is_email_vouched)
    }

    /// The keys of the addresses of its mailbox, if the provider vouches for the address: that of the address first.
    pub(super) fn vouched_keys(&self) -> Vec<String> {
        let email = self.vouched_email();
        email.map(|email| self.provider.same_mailbox(email.key())).unwrap_or_default()
    }

    /// The data that is stored about it.
    pub(super) fn snapshot(&self) -> Snapshot<'_> {
        Snapshot {
            email: self.email.as_ref().map(EmailAddress::as_str),
            is_email_vouched: self.vouched_email().is_some(),
            display_name: self.display_name.as_deref(),
        }
    }

    /// Its link to `user` by a rule of the table.
    pub(super) fn link_to(&self, user: Uuid, rule: u8) -> Link<'_> {
        let (provider, subject) = (self.provider.id(), self.subject.as_str());
        Link { provider, subject, user, rule, snapshot: self.snapshot(), confirmed_by: None }
    }

    /// The same after the user has confirmed it.
    pub(super) fn confirmed_link_to(&self, user: Uuid, rule: u8, by: ConfirmedBy) -> Link<'_> {
        Link { confirmed_by: Some(by), ..self.link_to(user, rule) }
    }

    /// That it identified `user`, whose tokens are of this generation.
    pub(super) fn proof_of(&self, user: Uuid, generation: u64) -> ProviderProof {
        ProviderProof {
            user,
            provider: self.provider.id().to_owned(),
            subject: self.subject.clone(),
            generation,
        }
    }
}
