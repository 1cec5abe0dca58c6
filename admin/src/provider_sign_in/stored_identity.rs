//! An identity at a provider, as it is stored while a link waits for the user.

use serde::{Deserialize, Serialize};

use super::identity::ProviderIdentity;
use super::store::Snapshot;
use crate::api::{Code, Problem};
use crate::context::Context;

/// An identity. Purposefully without `Debug`: it is personal.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct StoredIdentity {
    provider: String,
    subject: String,
    email: Option<String>,
    is_email_vouched: bool,
    is_email_authoritative: bool,
    display_name: Option<String>,
    #[serde(default)]
    consent: Option<String>,
}

impl StoredIdentity {
    pub(super) fn of(identity: &ProviderIdentity<'_>) -> Self {
        let Snapshot { email, is_email_vouched, display_name } = identity.snapshot();
        Self {
            provider: identity.provider.id().to_owned(),
            subject: identity.subject.clone(),
            email: email.map(str::to_owned),
            is_email_vouched,
            is_email_authoritative: identity.is_email_authoritative,
            display_name: display_name.map(str::to_owned),
            consent: identity.consent.clone(),
        }
    }

    /// The identity.
    ///
    /// # Errors
    ///
    /// 410 `code_expired` when its provider is no longer configured.
    pub(super) fn read<'c>(&self, context: &'c Context) -> Result<ProviderIdentity<'c>, Problem> {
        Ok(ProviderIdentity {
            provider: context.providers.find(&self.provider).ok_or_else(expired)?,
            subject: self.subject.clone(),
            email: self.email.as_deref().and_then(|email| email.parse().ok()),
            is_email_vouched: self.is_email_vouched,
            is_email_authoritative: self.is_email_authoritative,
            display_name: self.display_name.clone(),
            consent: self.consent.clone(),
        })
    }
}

/// 410 `code_expired`: what waited has ended.
pub(super) fn expired() -> Problem {
    Problem::new(Code::CodeExpired).detail("Start the sign-in again.")
}
