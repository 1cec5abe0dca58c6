//! Reads the facts about the account that has the address of an identity.

use super::identity::ProviderIdentity;
use super::link_methods::LinkFacts;
use super::store::{self, LinkedAccount};
use crate::context::Context;
use crate::db::{DbError, Transaction};
use crate::sessions::store::standing;
use crate::users::LockedAccount;
use crate::users::email_changes::store::frozen_until;
use crate::users::email_owner::store::is_in_use;
use crate::users::recoveries::store::is_objected;

/// The facts about `account`, which is locked, so that they stay true.
pub(super) async fn read(
    context: &Context,
    tx: &Transaction<'_>,
    account: &LockedAccount<'_>,
    identity: &ProviderIdentity<'_>,
) -> Result<LinkFacts, DbError> {
    let linked = store::list(&**tx, account.id()).await?;
    let is_of_this_provider = |linked: &&LinkedAccount| linked.provider == identity.provider.id();
    let is_configured = |linked: &&LinkedAccount| context.providers.find(&linked.provider).is_some();
    Ok(LinkFacts {
        is_verified: account.unverified_email().is_none(),
        is_operator: standing(tx, account.id()).await?.is_operator,
        has_other: linked.iter().filter(is_of_this_provider).any(|linked| linked.subject != identity.subject),
        has_password: account.has_password(),
        providers: linked
            .iter()
            .filter(|linked| !is_of_this_provider(linked))
            .filter(is_configured)
            .map(|linked| linked.provider.clone())
            .collect(),
        is_authoritative: identity.is_email_authoritative,
        is_objected: match &identity.email {
            Some(email) => {
                is_in_use(tx, account.id()).await? && is_objected(&**tx, account.id(), email.key()).await?
            }
            None => false,
        },
        is_frozen: frozen_until(&**tx, account.id()).await?.is_some(),
        has_mail: context.outbox.is_on(),
        registration: context.config.registration,
    })
}
