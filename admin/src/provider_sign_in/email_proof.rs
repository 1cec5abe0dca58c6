//! An identity that vouches for the address of an account proves that address, and may be the first to do so.

use crate::actor::Actor;
use crate::context::Context;
use crate::db::Transaction;
use crate::evict::{evict_before_owner, evict_with_password};
use crate::notices::NoticeTarget;
use crate::sessions::history::{Event, HistoryEntry};
use crate::sessions::session::EndReason;
use crate::users::LockedAccount;
use crate::users::email_owner;

use super::identity::ProviderIdentity;
use crate::api::Problem;

/// What the user has proved besides the address.
#[derive(Debug, Clone, Copy)]
pub(super) enum Proved<'p> {
    /// The account: with its password, or in a session that had begun at most ten minutes before it started the flow.
    Account,
    /// Only that these are their identities at providers, of which at least one is linked to the account.
    Identities(&'p [&'p str]),
    /// Only the address, by a code from a mail, and that these are their identities: a password is another person's.
    Mailbox(&'p [&'p str]),
}

/// Marks the address of the account, which is locked exclusively, as verified if the identity vouches for it. Users who
/// had the account before the owner of the address are evicted, unless the user has proved the account itself. Returns what
/// the login history must contain once the transaction has been committed.
///
/// # Errors
///
/// 503.
pub(super) async fn verify_email(
    tx: &Transaction<'_>,
    (context, actor): (&Context, &Actor),
    account: &LockedAccount<'_>,
    identity: &ProviderIdentity<'_>,
    proved: Proved<'_>,
) -> Result<Vec<HistoryEntry>, Problem> {
    let vouched = identity.vouched_keys();
    let Some(key) = account.unverified_email().filter(|key| vouched.iter().any(|known| known == key)) else {
        return Ok(Vec::new());
    };
    if !email_owner::store::verify(tx, account.id(), key).await? {
        return Ok(Vec::new());
    }
    let (user, issuer, reason) = (account.id(), &context.issuer, EndReason::EmailClaimed);
    let evicted = match proved {
        Proved::Account => {
            return Ok(vec![HistoryEntry { event: Event::EmailVerified, user: Some(user), session: None }]);
        }
        Proved::Identities(kept) => evict_before_owner(tx, issuer, user, kept, reason).await?,
        Proved::Mailbox(kept) => evict_with_password(tx, issuer, user, kept, reason).await?,
    };
    evicted.notify(context, NoticeTarget { core: context, tx, user }, actor.client().into()).await?;
    Ok(evicted.history(user, Event::EmailVerified))
}
