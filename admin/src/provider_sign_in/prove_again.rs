//! Proof that it is still the user of a session who acts: by a sign-in at a provider that is linked to the account. Only pages
//! ask for it; another front end signs in again.
//!
//! The flow names the user and the session. An identity of any other user, or of none, is refused, and nothing is created:
//! the browser may be signed in at the provider as another person.

use super::authorize::{FlowStart, Started, start};
use super::flow::{AskingSession, FlowPurpose};
use super::identity::ProviderIdentity;
use super::linking::owner_of;
use super::one_time::{self, Claim, OneTimeKind};
use super::outcome::Outcome;
use super::path::provider;
use super::proven_again::ProvenAgain;
use super::return_to::ReturnTo;
use super::sign_in::is_current;
use super::stored_identity::expired;
use super::{resolution, store};
use crate::access::caller;
use crate::actor::Caller;
use crate::api::{Code, Problem, Request};
use crate::context::Context;
use crate::sessions::{AccessToken, ProvenBy, mint_proven};
use crate::users::store::lock_for_sign_in;

/// Starts a flow with the provider of the path, which comes back to the page `return_to`.
///
/// # Errors
///
/// 404 `provider_unknown`; 422 `validation_failed` when it is not linked, or `return_to_not_allowed`; 401; 429; 502, 503 or 504
/// when the provider is unavailable.
pub(crate) async fn start_proof(request: &Request, return_to: &str) -> Result<Started, Problem> {
    let (context, caller) = (&request.context, caller(request).await?);
    let provider = provider(request)?;
    let page = ReturnTo::parse(context, return_to).or_else(|found| found.finish(None))?;
    let linked = store::list(&*context.db.get().await?, caller.user).await?;
    if linked.iter().all(|account| account.provider != provider.id()) {
        let problem = Problem::new(Code::ValidationFailed);
        return Err(problem.field("provider", "provider_not_linked", "Must be linked to the account."));
    }
    let (user, session, generation) = (caller.user, caller.session, caller.generation());
    let purpose = FlowPurpose::Prove(AskingSession { user, session, generation });
    let flow = FlowStart { provider, purpose, return_to: Some(page), challenge: None, consent: None };
    start(context, &request.actor(), &request.headers, flow).await
}

/// What a return from the provider proves.
///
/// # Errors
///
/// 403 `identity_of_another` for an identity that is not linked to the user who asked; 400 `state_invalid`; 503.
pub(super) async fn identify(
    context: &Context,
    asking: AskingSession,
    identity: &ProviderIdentity<'_>,
) -> Result<Outcome, Problem> {
    let mut connection = context.db.get().await?;
    let tx = connection.begin().await?;
    let owner = store::owner(&tx, identity.provider.id(), &identity.subject).await?;
    let generation = resolution::generation(&tx, asking.user).await?;
    tx.rollback().await?;
    if owner != Some(asking.user) {
        return Err(Problem::new(Code::IdentityOfAnother));
    }
    if generation != asking.generation {
        return Err(Problem::new(Code::StateInvalid));
    }
    let proof = identity.proof_of(asking.user, generation);
    Ok(Outcome::Proven { proven: Some(ProvenAgain { session: asking.session, proof }) })
}

/// Exchanges the code of a proof for an access token of the caller's session which says that its user has just proved who they
/// are. Only the browser that started the flow has the code, and only the session that asked gets the token.
///
/// # Errors
///
/// 410 `code_expired` when the code is unknown, used, or of another browser, user or session; 401; 503.
pub(crate) async fn finish_proof(request: &Request, code: &str) -> Result<AccessToken, Problem> {
    let (context, caller) = (&request.context, caller(request).await?);
    let value = (OneTimeKind::Proven, code);
    let owner = owner_of(request, None);
    match one_time::claim::<ProvenAgain, ()>(context, value, &owner, "prove".to_owned()).await? {
        Some(Claim::First(proven, ticket)) => {
            let minted = mint(context, caller, &proven).await.map(|access| ((), access));
            one_time::settle(context, ticket, &proven, minted, |_| false).await
        }
        // Its token was that of the first request.
        Some(Claim::Again(())) | None => Err(expired()),
    }
}

async fn mint(context: &Context, caller: Caller, proven: &ProvenAgain) -> Result<AccessToken, Problem> {
    if (proven.proof.user, proven.session) != (caller.user, caller.session) {
        return Err(expired());
    }
    let mut connection = context.db.get().await?;
    let tx = connection.begin().await?;
    let account = lock_for_sign_in(&tx, caller.user).await?;
    // Unlinking takes the same lock exclusively.
    if account.is_none() || !is_current(&tx, &proven.proof).await? {
        return Err(expired());
    }
    let access = mint_proven(&tx, context, caller, ProvenBy::Provider).await?;
    tx.commit().await?;
    Ok(access)
}
