//! A sign-in whose provider does not vouch for an address: the user may prove to have an account already.

use serde::{Deserialize, Serialize};

use super::attempts::Attempts;
use super::identity::ProviderIdentity;
use super::stored_identity::StoredIdentity;
use crate::api::{Code, Problem};
use crate::config::Registration;
use crate::context::Context;

/// An identity that belongs to no account yet. Purposefully without `Debug`: it is personal.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct PendingProof {
    /// The rule of the table.
    pub(super) rule: u8,
    identity: StoredIdentity,
    pub(super) attempts: Attempts,
}

/// What a response says about it, besides its secret: the same whatever accounts there are. It is kept for a repeated
/// request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Offer {
    methods: Vec<String>,
}

/// What a user can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ProofMethod {
    /// Sign in to an account that the user names, with its password.
    Password,
    /// Enter a code from a mail to an address that the user names.
    Mail,
    /// Sign in with another provider.
    Provider,
    /// Get a new account without an address.
    Skip,
}

impl ProofMethod {
    /// As it is sent.
    fn text(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Mail => "mail",
            Self::Provider => "provider",
            Self::Skip => "skip",
        }
    }
}

impl PendingProof {
    pub(super) fn new(rule: u8, identity: &ProviderIdentity<'_>) -> Self {
        Self { rule, identity: StoredIdentity::of(identity), attempts: Attempts::default() }
    }

    /// The identity.
    ///
    /// # Errors
    ///
    /// 410 `code_expired` when its provider is no longer configured.
    pub(super) fn identity<'c>(&self, context: &'c Context) -> Result<ProviderIdentity<'c>, Problem> {
        self.identity.read(context)
    }
}

impl Offer {
    pub(super) fn of(context: &Context) -> Self {
        let providers = context.providers.iter().count();
        let methods = methods(context.config.registration, context.outbox.is_on(), providers);
        Self { methods: methods.into_iter().map(|method| method.text().to_owned()).collect() }
    }

    /// What the user can do.
    pub(super) fn methods(self) -> Vec<String> {
        self.methods
    }

    /// The problem, whose `flow` is this secret.
    pub(super) fn problem(self, flow: String) -> Problem {
        Problem::new(Code::EmailProofOffered).flow(flow, self.methods)
    }
}

/// What a user can do, with or without mail, and with so many configured providers. Nothing in it depends on an account.
fn methods(registration: Registration, has_mail: bool, providers: usize) -> Vec<ProofMethod> {
    let mut methods = vec![ProofMethod::Password];
    methods.extend(has_mail.then_some(ProofMethod::Mail));
    methods.extend((providers > 1).then_some(ProofMethod::Provider));
    methods.extend(registration.is_for_everyone().then_some(ProofMethod::Skip));
    methods
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_method_is_offered_where_it_is_possible() {
        use ProofMethod::{Mail, Password, Provider, Skip};
        use Registration::{Closed, Invite, Open, Verify};

        for (registration, providers, expected) in [
            (Open, 1, &[Password, Skip][..]),
            (Open, 2, &[Password, Provider, Skip]),
            (Verify, 1, &[Password, Skip]),
            (Invite, 1, &[Password]),
            (Closed, 1, &[Password]),
            (Closed, 2, &[Password, Provider]),
        ] {
            assert_eq!(methods(registration, false, providers), expected);
            let with_mail = methods(registration, true, providers);
            assert_eq!(with_mail[..2], [Password, Mail]);
            assert_eq!(with_mail[2..], expected[1..]);
        }
    }
}
