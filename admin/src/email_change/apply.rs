//! Sets a proven address, in one transaction.
//!
//! The user typed the password when asking for it, or had just signed in, so a first proof ends nothing. A change revokes all
//! other sessions; an address for an account without one ends nothing either.

use uuid::Uuid;

use super::answer::AddressAnswer;
use super::join::{JoinedAccounts, join};
use super::present::PresentedChange;
use crate::actor::Actor;
use crate::api::{Code, Problem};
use crate::context::Context;
use crate::db::Transaction;
use crate::mail_proof::{ChangingAccount, expired, use_up};
use crate::notices::{self, NoticeTarget};
use crate::sessions::history::{Event, HistoryEntry};
use crate::sessions::renew::{end_older, lock_account, lock_current, renew};
use crate::sessions::session::{EndReason, Session};
use crate::sessions::store::{stamp, standing, stands};
use crate::sessions::{Pair, Proof};
use crate::users::email_owner::store::{self as owners, EmailOwner};
use crate::users::store as users;
use crate::users::{FormerAddress, email_changes, email_owner, taken};

/// A change that was made.
pub(super) struct AppliedChange {
    /// The tokens of the session, for a caller with one.
    pub(super) pair: Option<Pair>,
    pub(super) history: Vec<HistoryEntry>,
}

/// The session that stays.
struct KeptSession {
    /// That of the caller, which gets new tokens.
    renewed: Option<Session>,
    id: Option<Uuid>,
}

/// Sets the address, and uses the flow up. `None` when another request was first.
pub(super) async fn apply(
    context: &Context,
    actor: &Actor,
    presented: &PresentedChange,
    with: &str,
    answer: AddressAnswer,
) -> Result<Option<AppliedChange>, Problem> {
    let (user, key) = (presented.account.user, presented.email.key());
    let mut connection = context.db.get().await?;
    let tx = connection.begin().await?;
    let kept = lock(&tx, actor, presented).await?;
    let mut history = match free_address(&tx, (context, actor), user, key, answer).await? {
        FreedAddress::Free(history) => history,
        FreedAddress::Joined(JoinedAccounts { pair, session, history }) => {
            if !use_up(&tx, presented.evidence().flow(), with, session).await? {
                return Ok(None);
            }
            tx.commit().await?;
            return Ok(Some(AppliedChange { pair, history }));
        }
    };
    let former = users::address(&*tx, user).await?;
    let changes = former.as_ref().is_some_and(|former| former.key != key);
    owners::set_proven(&tx, user, (presented.email.as_str(), key)).await.map_err(taken)?;
    if changes {
        let generation = users::advance_generation(&tx, user).await?;
        end_older(&tx, &context.issuer, user, kept.id, generation, EndReason::EmailChanged).await?;
        users::void_links(&tx, user).await?;
    }
    let pair = match kept.renewed {
        Some(session) => Some(renew(context, actor.client(), &tx, session, Proof::SignIn).await?),
        None => None,
    };
    if changes {
        notify(&tx, context, actor, user, former.as_ref()).await?;
    }
    if !use_up(&tx, presented.evidence().flow(), with, kept.id).await? {
        return Ok(None);
    }
    tx.commit().await?;
    let event = if changes { Event::EmailChanged } else { Event::EmailVerified };
    history.insert(0, HistoryEntry { event, user: Some(user), session: kept.id });
    Ok(Some(AppliedChange { pair, history }))
}

/// Locks the user and the one who has the address, then the session that stays, and checks that the change was not made void.
async fn lock(
    tx: &Transaction<'_>,
    actor: &Actor,
    presented: &PresentedChange,
) -> Result<KeptSession, Problem> {
    let ChangingAccount { user, session, generation } = presented.account;
    let holders = owners::holders(tx, presented.email.key()).await?;
    // All at once, in the order of all locks.
    users::lock_all(tx, &[holders.as_slice(), &[user]].concat()).await?;
    let caller = actor.caller().ok();
    match caller {
        Some(caller) => drop(lock_account(tx, caller).await?),
        None => drop(users::lock_for_change(tx, user).await?.ok_or_else(expired)?),
    }
    // Whatever revoked the tokens since ended the change, too.
    if stamp(tx, user).await?.is_none_or(|stamp| stamp.generation != generation) {
        return Err(expired());
    }
    email_changes::check_not_frozen(&**tx, user).await?;
    // A user who ended the session that asked for the change did not want it.
    if !stands(tx, session, user).await? {
        return Err(expired());
    }
    match caller {
        Some(caller) => {
            let session = lock_current(tx, caller).await?;
            Ok(KeptSession { id: Some(session.id), renewed: Some(session) })
        }
        None => Ok(KeptSession { renewed: None, id: Some(session) }),
    }
}

async fn notify(
    tx: &Transaction<'_>,
    context: &Context,
    actor: &Actor,
    user: Uuid,
    former: Option<&FormerAddress>,
) -> Result<(), Problem> {
    let undo = match former {
        Some(former) => email_changes::begin_undo(context, tx, user, former).await?,
        None => None,
    };
    let target = NoticeTarget { core: context, tx, user };
    Ok(notices::email_changed(target, actor.client().into(), former, undo.as_ref()).await?)
}

/// What became of the account that had the address.
enum FreedAddress {
    /// No other account has the address now.
    Free(Vec<HistoryEntry>),
    /// It stays there, and this account is emptied into that one.
    Joined(JoinedAccounts),
}

/// Takes the address from an account that never proved it, if the user wants that; it loses nothing else. To one that has
/// proven it this account moves. All are locked.
async fn free_address(
    tx: &Transaction<'_>,
    (context, actor): (&Context, &Actor),
    user: Uuid,
    key: &str,
    answer: AddressAnswer,
) -> Result<FreedAddress, Problem> {
    let is_taken = || Problem::new(Code::EmailTaken);
    let holder = match owners::lock_owner_of_mailbox(tx, key).await? {
        None => return Ok(FreedAddress::Free(Vec::new())),
        Some(EmailOwner::Active(holder)) => holder,
        Some(EmailOwner::Erasing(_) | EmailOwner::Disabled | EmailOwner::DisabledUnverified) => {
            return Err(is_taken());
        }
    };
    if holder.id() == user {
        return Ok(FreedAddress::Free(Vec::new()));
    }
    if holder.unverified_email().is_none() {
        return Ok(FreedAddress::Joined(join(tx, (context, actor), (user, &holder), answer).await?));
    }
    if standing(tx, holder.id()).await?.is_operator {
        return Err(is_taken());
    }
    if answer != AddressAnswer::Take {
        let summary = owners::summary(&**tx, holder.id()).await?.ok_or_else(expired)?;
        let role = if summary.has_role { "with a role" } else { "without a role" };
        let detail = format!(
            "It was created in {}, {role}. To take the address from it, repeat the request with `account`: `new`.",
            summary.created_in
        );
        return Err(Problem::new(Code::AccountUnproven).detail(detail));
    }
    email_owner::withdraw(tx, &context.former_email_keys, holder.id(), key).await?;
    notices::email_claimed(NoticeTarget { core: context, tx, user: holder.id() }).await?;
    let entry = HistoryEntry { event: Event::EmailClaimed, user: Some(holder.id()), session: None };
    Ok(FreedAddress::Free(vec![entry]))
}
