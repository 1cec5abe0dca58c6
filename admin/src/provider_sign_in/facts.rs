//! Reads the facts of the table, with the account concerned locked.

use super::decide::{Candidate, Email, Facts};
use super::flow::Purpose;
use super::identity::ProviderIdentity;
use super::store;
use crate::api::{Code, Problem};
use crate::db::{DbError, Transaction};
use crate::sessions::store::{stamp, stands};
use crate::users::LockedAccount;
use crate::users::store::{EmailHolder, lock_email_holder, lock_for_change};
use uuid::Uuid;

/// The facts, and the only account that they allow to change or to sign in. It is locked, so they stay true.
pub(super) struct LockedFacts<'t> {
    pub(super) facts: Facts,
    /// The owner, the user who asked to link, or the holder of the address. `None` when there is none, or the owner's
    /// account is disabled.
    pub(super) account: Option<LockedAccount<'t>>,
}

/// Reads them in `tx`. `None` when another transaction has linked the identity meanwhile.
///
/// # Errors
///
/// 401 `token_revoked` when the session that asked to link has ended; 403 `account_disabled` when the address is that of
/// a disabled account; 503.
pub(super) async fn read<'t>(
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
