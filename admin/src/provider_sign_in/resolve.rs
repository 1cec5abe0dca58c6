//! Resolves who the user of an identity is: reads the facts, decides, and does what the table says, in one transaction.

use super::decide::{LinkPolicy, decide};
use super::flow::AskingSession;
use super::identity::ProviderIdentity;
use super::locked_facts::{facts_to_link, facts_to_sign_in};
use super::outcome::Outcome;
use super::resolution::Resolution;
use crate::actor::Actor;
use crate::api::{Code, Problem};
use crate::context::Context;

/// How often the transaction is tried. Two users who return at the same time with one identity or one address conflict,
/// each of them once.
const ATTEMPTS: u32 = 3;

/// Resolves `identity` for a sign-in, or to link it as a signed-in user asked. The session of a sign-in `is_for_page` when
/// the page that the browser returns to opens it.
///
/// # Errors
///
/// 409 `oauth_account_in_use`, `oauth_provider_linked` or `email_proof_required`; 403 `registration_closed` for a new
/// user, `account_disabled` for the address of a disabled account; 401 `token_revoked` when the session that asked to
/// link has ended; 503.
pub(super) async fn resolve(
    context: &Context,
    actor: &Actor,
    request: Option<AskingSession>,
    identity: &ProviderIdentity<'_>,
    is_for_page: bool,
) -> Result<Outcome, Problem> {
    let providers = &context.config.providers;
    let policy =
        LinkPolicy { link_verified: providers.link_verified, untrusted_email: providers.untrusted_email };
    for _ in 0..ATTEMPTS {
        let mut connection = context.db.get().await?;
        let tx = connection.begin().await?;
        let known = match request {
            Some(request) => Some(facts_to_link(&tx, identity, request).await?),
            None => facts_to_sign_in(context, &tx, identity).await?,
        };
        let Some(known) = known else { continue };
        let (rule, decision) = decide(known.facts, policy);
        let (link, history) = (request, Vec::new());
        let mut resolution = Resolution { context, actor, link, identity, is_for_page, rule, history };
        let Some(outcome) = resolution.apply(&tx, decision, &known).await? else { continue };
        tx.commit().await?;
        resolution.record().await;
        return Ok(outcome);
    }
    tracing::warn!("Sign-in through a provider gave up after repeated conflicts.");
    Err(Problem::new(Code::Overloaded))
}
