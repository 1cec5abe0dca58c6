//! A link that waits until the user confirms it or declines, stored as a one-time value.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::attempts::Attempts;
use super::identity::ProviderIdentity;
use super::link_methods::{LinkFacts, LinkMethod, methods};
use super::stored_identity::{StoredIdentity, expired};
use crate::api::{Code, Problem};
use crate::context::Context;
use crate::db::Transaction;
use crate::sessions::store::stamp;

/// An identity, and the account that has its address. Purposefully without `Debug`: it is personal.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct PendingLink {
    /// The user of the account.
    pub(super) user: Uuid,
    /// The generation of the user's tokens.
    pub(super) generation: u64,
    /// The rule of the table.
    pub(super) rule: u8,
    identity: StoredIdentity,
    pub(super) attempts: Attempts,
}

/// What a response says about a pending link, besides its secret. It is kept for a repeated request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Confirmation {
    /// What the user can do.
    methods: Vec<String>,
    /// Whether another identity of the provider is linked to the account, so that nothing confirms the link.
    has_other: bool,
}

impl PendingLink {
    pub(super) fn new(user: Uuid, generation: u64, rule: u8, identity: &ProviderIdentity<'_>) -> Self {
        let identity = StoredIdentity::of(identity);
        Self { user, generation, rule, identity, attempts: Attempts::default() }
    }

    /// Checks that the user's tokens are still of the generation of the link: what ends all sessions ends it, too.
    ///
    /// # Errors
    ///
    /// 410 `code_expired`; 503.
    pub(super) async fn check_generation(&self, tx: &Transaction<'_>) -> Result<(), Problem> {
        match stamp(tx, self.user).await? {
            Some(stamp) if stamp.generation == self.generation => Ok(()),
            Some(_) | None => Err(expired()),
        }
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

impl Confirmation {
    pub(super) fn of(facts: &LinkFacts) -> Self {
        let methods = methods(facts).iter().map(LinkMethod::text).collect();
        Self { methods, has_other: facts.has_other }
    }

    /// The code of the problem.
    pub(super) fn code(&self) -> Code {
        if self.has_other { Code::OauthProviderLinked } else { Code::LinkConfirmationRequired }
    }

    /// The problem, whose `flow` is this secret.
    pub(super) fn problem(self, flow: String) -> Problem {
        let detail = match (self.has_other, &*self.methods) {
            (false, []) => Some("Sign in with the method that you used before, and link this account then."),
            (true, _) => Some(
                "Another account of this provider is linked to the account with this e-mail address. Sign in with the \
                 method that you used before, unlink it, and link this one then.",
            ),
            (false, _) => None,
        };
        let problem = Problem::new(self.code()).flow(flow, self.methods);
        match detail {
            Some(detail) => problem.detail(detail),
            None => problem,
        }
    }
}
