//! Resolves who the user of an identity is, and does what the table decides: in one transaction, with the account
//! concerned locked once.

use uuid::Uuid;

use super::apply::Resolution;
use super::decide::{Candidate, Email, Facts, Policy, decide};
use super::flow::{Flow, Purpose};
use super::identity::ProviderIdentity;
use super::outcome::Outcome;
use super::return_to::ReturnTo;
use super::sign_in::record;
use super::store;
use crate::actor::Actor;
use crate::api::{Code, Problem};
use crate::context::Context;
use crate::db::{DbError, Transaction};
use crate::sessions::store::{stamp, stands};
use crate::users::LockedAccount;
use crate::users::store::{EmailHolder, lock_email_holder, lock_for_change};

/// How often the transaction is tried. Two users who return at the same time with one identity or one address conflict,
/// each of them once.
const ATTEMPTS: u32 = 3;

/// The facts, and the only account that they allow to change or to sign in. It is locked, so they stay true.
struct LockedFacts<'t> {
    facts: Facts,
    /// The owner, the user who asked to link, or the holder of the address. `None` when there is none, or the owner's
    /// account is disabled.
    account: Option<LockedAccount<'t>>,
}

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
    let page = page.zip(flow.initiator.browser());
    for _ in 0..ATTEMPTS {
        let mut connection = context.db.get().await?;
        let tx = connection.begin().await?;
        let Some(known) = read_facts(&tx, identity, flow.purpose).await? else { continue };
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

/// Reads the facts of the table in `tx`. `None` when another transaction has linked the identity meanwhile.
///
/// # Errors
///
/// 401 `token_revoked` when the session that asked to link has ended; 403 `account_disabled` when the address is that of
/// a disabled account; 503.
async fn read_facts<'t>(
    tx: &'t Transaction<'_>,
    identity: &ProviderIdentity<'_>,
    purpose: Purpose,
) -> Result<Option<LockedFacts<'t>>, Problem> {
    let (provider, subject) = (identity.provider.id(), identity.subject.as_str());
    if let Purpose::Link { user, session, generation } = purpose {
        let account = lock_requester(tx, user, session, generation).await?;
        let link_to = Some(Candidate { user, has_other: has_other(tx, identity, user).await? });
        let owner = store::owner(tx, provider, subject).await?;
        let facts = Facts { owner, link_to, email: Email::Absent };
        return Ok(Some(LockedFacts { facts, account: Some(account) }));
    }
    let facts = |owner, email| Facts { owner, link_to: None, email };
    if let Some(owner) = store::owner(tx, provider, subject).await? {
        let account = lock_for_change(tx, owner).await?;
        return Ok(Some(LockedFacts { facts: facts(Some(owner), Email::Absent), account }));
    }
    let (email, account) = find_by_email(tx, identity).await?;
    // The transaction that held the lock may have been the same user's, in another tab.
    let is_linked = store::owner(tx, provider, subject).await?.is_some();
    Ok((!is_linked).then_some(LockedFacts { facts: facts(None, email), account }))
}

/// The account that asked to link, if its session and its generation of tokens still count.
async fn lock_requester<'t>(
    tx: &'t Transaction<'_>,
    user: Uuid,
    session: Uuid,
    generation: u64,
) -> Result<LockedAccount<'t>, Problem> {
    let account = lock_for_change(tx, user).await?;
    let is_current = stamp(tx, user).await?.is_some_and(|stamp| stamp.generation == generation);
    match account {
        Some(account) if is_current && stands(tx, session, user).await? => Ok(account),
        Some(_) | None => Err(Problem::new(Code::TokenRevoked)
            .detail("The session that requested linking has ended; start again.")),
    }
}

/// Looks up the account of the address, only if the provider vouches for it.
async fn find_by_email<'t>(
    tx: &'t Transaction<'_>,
    identity: &ProviderIdentity<'_>,
) -> Result<(Email, Option<LockedAccount<'t>>), Problem> {
    if identity.email.is_none() {
        return Ok((Email::Absent, None));
    }
    let Some(email) = identity.vouched_email() else { return Ok((Email::Untrusted, None)) };
    match lock_email_holder(tx, email).await? {
        None => Ok((Email::Free, None)),
        // A disabled user must not return as a new one.
        Some(EmailHolder::Disabled) => Err(Problem::new(Code::AccountDisabled)),
        Some(EmailHolder::Active { account, is_verified: false }) => {
            Ok((Email::Unverified(account.id()), Some(account)))
        }
        Some(EmailHolder::Active { account, is_verified: true }) => {
            let user = account.id();
            let has_other = has_other(tx, identity, user).await?;
            Ok((Email::Verified(Candidate { user, has_other }), Some(account)))
        }
    }
}

/// Whether another identity of the same provider is linked to the user.
async fn has_other(
    tx: &Transaction<'_>,
    identity: &ProviderIdentity<'_>,
    user: Uuid,
) -> Result<bool, DbError> {
    let linked = store::list(&**tx, user).await?;
    let is_other = |account: &store::LinkedAccount| {
        account.provider == identity.provider.id() && account.subject != identity.subject
    };
    Ok(linked.iter().any(is_other))
}
