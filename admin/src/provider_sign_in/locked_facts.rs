//! Reads the facts about an identity, with the account concerned locked once, so that they stay true.

use uuid::Uuid;

use super::decide::{Candidate, Email, EmailHolder, IdentityFacts};
use super::flow::AskingSession;
use super::identity::ProviderIdentity;
use super::link_facts;
use super::link_methods::LinkFacts;
use super::store;
use crate::api::{Code, Problem};
use crate::context::Context;
use crate::db::{DbError, Transaction};
use crate::sessions::store::{stamp, stands};
use crate::users::LockedAccount;
use crate::users::email_owner::store::{EmailOwner, lock_owner};
use crate::users::store::{lock_for_change, lock_linked};

/// The facts, and the only account that they allow to change or to sign in. It is locked, so they stay true.
pub(super) struct LockedFacts<'t> {
    pub(super) facts: IdentityFacts,
    /// The owner, the user who asked to link, or the holder of the address. `None` when there is none, or the owner's
    /// account is disabled.
    pub(super) account: Option<LockedAccount<'t>>,
    /// More about the holder of the address.
    pub(super) link: Option<LinkFacts>,
}

/// The facts of an identity that signs in. `None` when another transaction was first.
///
/// # Errors
///
/// As [`facts_of_new`].
pub(super) async fn facts_to_sign_in<'t>(
    context: &Context,
    tx: &'t Transaction<'_>,
    identity: &ProviderIdentity<'_>,
) -> Result<Option<LockedFacts<'t>>, Problem> {
    match lock_linked(tx, identity.provider.id(), &identity.subject).await? {
        Some((owner, account)) => {
            let facts = IdentityFacts { owner: Some(owner), link_to: None, email: Email::Absent };
            Ok(Some(LockedFacts { facts, account, link: None }))
        }
        None => facts_of_new(context, tx, identity).await,
    }
}

/// The facts of a request to link, whose account is locked, if its session and its generation of tokens still count.
///
/// # Errors
///
/// 401 `token_revoked` when they do not; 503.
pub(super) async fn facts_to_link<'t>(
    tx: &'t Transaction<'_>,
    identity: &ProviderIdentity<'_>,
    AskingSession { user, session, generation }: AskingSession,
) -> Result<LockedFacts<'t>, Problem> {
    let account = lock_for_change(tx, user).await?;
    let is_current = stamp(tx, user).await?.is_some_and(|stamp| stamp.generation == generation);
    if account.is_none() || !is_current || !stands(tx, session, user).await? {
        return Err(Problem::new(Code::TokenRevoked)
            .detail("The session that requested linking has ended; start again."));
    }
    let link_to = Some(Candidate { user, has_other: has_other(tx, identity, user).await? });
    let owner = store::owner(tx, identity.provider.id(), &identity.subject).await?;
    let facts = IdentityFacts { owner, link_to, email: Email::Absent };
    Ok(LockedFacts { facts, account, link: None })
}

/// The facts of an identity that is linked to no user; its address is looked up only if the provider vouches for it.
/// `None` when another transaction has linked the identity meanwhile.
///
/// # Errors
///
/// 403 `account_disabled` or `erasure_pending` when the address is the verified one of such an account; 503.
pub(super) async fn facts_of_new<'t>(
    context: &Context,
    tx: &'t Transaction<'_>,
    identity: &ProviderIdentity<'_>,
) -> Result<Option<LockedFacts<'t>>, Problem> {
    let (mut account, mut link) = (None, None);
    let email = match (&identity.email, identity.vouched_email()) {
        (None, _) => Email::Absent,
        (Some(_), None) => Email::Untrusted,
        (Some(_), Some(_)) => match lock_owner(tx, &identity.vouched_keys()).await? {
            None => Email::Free,
            // A provider that is not linked proves too little to decide about the erasure.
            Some(EmailOwner::Erasing(_)) => {
                let detail = "The account with this address will be erased. To keep it, sign in with its password, a provider \
                              that is linked to it, or a code from a mail.";
                return Err(Problem::new(Code::ErasurePending).detail(detail));
            }
            // A disabled user must not return as a new one.
            Some(EmailOwner::Disabled) => return Err(Problem::new(Code::AccountDisabled)),
            // No user can confirm anything with that account, and its user may be a stranger to the mailbox.
            Some(EmailOwner::DisabledUnverified) => Email::Untrusted,
            Some(EmailOwner::Active(owner)) => {
                let facts = link_facts::read(context, tx, &owner, identity).await?;
                let candidate = Candidate { user: owner.id(), has_other: facts.has_other };
                let (is_verified, is_operator) = (facts.is_verified, facts.is_operator);
                let is_invited = store::is_invited(tx, owner.id()).await?;
                (account, link) = (Some(owner), Some(facts));
                Email::Held(EmailHolder { candidate, is_verified, is_operator, is_invited })
            }
        },
    };
    // The transaction that held the lock may have been the same user's, in another tab.
    let is_linked = store::owner(tx, identity.provider.id(), &identity.subject).await?.is_some();
    let facts = IdentityFacts { owner: None, link_to: None, email };
    Ok((!is_linked).then_some(LockedFacts { facts, account, link }))
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
