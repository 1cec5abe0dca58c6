//! Resolves who the user of an identity is, and does what the table decides: in one transaction, with the account
//! concerned locked once.

use super::apply::Resolution;
use super::decide::{Policy, decide};
use super::facts;
use super::flow::Flow;
use super::identity::ProviderIdentity;
use super::outcome::Outcome;
use super::return_to::ReturnTo;
use super::sign_in::record;
use crate::actor::Actor;
use crate::api::{Code, Problem};
use crate::context::Context;

/// How often the transaction is tried. Two users who return at the same time with one identity or one address conflict,
/// each of them once.
const ATTEMPTS: u32 = 3;

/// Resolves `identity` for `flow`; `page` is where the browser returns to.
///
/// # Errors
///
/// 409 `oauth_account_in_use`, `oauth_provider_linked` or `email_proof_required`; 403 `registration_closed` for a new
/// user, `account_disabled` for the address of a disabled account; 401 `token_revoked` when the session that asked to
/// link has ended; 503.
pub(super) async fn resolve(
    context: &Context,
    actor: &Actor,
    flow: &Flow,
    identity: &ProviderIdentity<'_>,
    page: Option<&ReturnTo>,
) -> Result<Outcome, Problem> {
    let providers = &context.config.providers;
    let policy =
        Policy { link_verified: providers.link_verified, untrusted_email: providers.untrusted_email };
    for _ in 0..ATTEMPTS {
        let mut connection = context.db.get().await?;
        let tx = connection.begin().await?;
        let Some(known) = facts::read(&tx, identity, flow.purpose).await? else { continue };
        let (rule, decision) = decide(known.facts, policy);
        tracing::info!(provider = identity.provider.id(), rule, "A user returned from an identity provider.");
        let mut resolution = Resolution { context, actor, flow, identity, page, rule, history: Vec::new() };
        let outcome = resolution.apply(&tx, decision, known.account.as_ref()).await?;
        let history = resolution.history;
        let Some(outcome) = outcome else { continue };
        tx.commit().await?;
        record(context, actor, history).await;
        return Ok(outcome);
    }
    tracing::warn!("Sign-in through a provider gave up after repeated conflicts.");
    Err(Problem::new(Code::Overloaded))
}
