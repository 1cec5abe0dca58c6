//! A user without a proven address proves one that another account has proven: both are the user's.
//!
//! The linked accounts at providers move to that account, and what is left is erased after its grace. An account with a role is
//! not emptied here: an operator merges the two.

use serde_json::json;
use uuid::Uuid;

use crate::actor::Actor;
use crate::api::{Code, Problem};
use crate::audit::{self, AuditAction, AuditEntry};
use crate::context::Context;
use crate::db::Transaction;
use crate::erasure::{Origin, begin};
use crate::mail_proof::expired;
use crate::notices::{self, NoticeTarget};
use crate::provider_sign_in::{linked_providers, move_links};
use crate::sessions::Pair;
use crate::sessions::history::{Event, HistoryEntry};
use crate::sessions::open::{SignInMethod, open};
use crate::sessions::session::Device;
use crate::sessions::store::standing;
use crate::users::email_changes::{check_not_frozen, check_settled};
use crate::users::email_owner::store as owners;
use crate::users::{LockedAccount, store as users};

use super::answer::AddressAnswer;

/// Two accounts that became one.
pub(super) struct JoinedAccounts {
    /// A session of the account that stays, for a caller with one.
    pub(super) pair: Option<Pair>,
    pub(super) session: Option<Uuid>,
    pub(super) history: Vec<HistoryEntry>,
}

/// Moves the linked accounts of `from` to the `holder` of the address, if the user wants that. All are locked.
///
/// # Errors
///
/// 409 `email_taken` where that is impossible, or `account_proven` where it was not asked for; 403 `account_frozen`; 429
/// `too_many_sessions`; 503.
pub(super) async fn join(
    tx: &Transaction<'_>,
    (context, actor): (&Context, &Actor),
    (from, holder): (Uuid, &LockedAccount<'_>),
    answer: AddressAnswer,
) -> Result<JoinedAccounts, Problem> {
    let into = holder.id();
    check_may_join(tx, from, into).await?;
    if answer != AddressAnswer::Move {
        return Err(ask(tx, into).await?);
    }
    check_settled(&**tx, from).await?;
    check_not_frozen(&**tx, into).await?;
    let moved = move_links(tx, from, into).await?;
    let left = linked_providers(tx, from).await?;
    let target = NoticeTarget { core: context, tx, user: into };
    for provider in &moved {
        let name = context.provider_names.name_of(provider);
        notices::provider_linked(target, actor.client().into(), name).await?;
    }
    let (pair, session) = match actor.caller() {
        Ok(_) => {
            let device = Device::of(actor.client(), None);
            let opened = open(tx, context, holder, SignInMethod::Mail, &device).await?;
            (Some(opened.pair), Some(opened.session))
        }
        Err(_) => (None, None),
    };
    let grace = context.config.retention.erasure_grace;
    begin(tx, context, actor, from, grace, (Origin::User, None)).await?;
    let detail = json!({ "from": from, "roles": [], "providers": moved, "left": left });
    let entry = AuditEntry::new(AuditAction::UsersMerged, into.to_string(), detail);
    audit::record(tx, &context.audit_keys, actor, entry).await?;
    let entry = |user, session| HistoryEntry { event: Event::Merged, user: Some(user), session };
    Ok(JoinedAccounts { pair, session, history: vec![entry(from, None), entry(into, session)] })
}

/// Checks that the first account may be emptied into the second one: it has proven no address, and no role; and neither is an
/// operator's, because rights are not opened by a mail.
async fn check_may_join(tx: &Transaction<'_>, from: Uuid, into: Uuid) -> Result<(), Problem> {
    let own = users::address(&**tx, from).await?;
    let (of_from, of_into) = (standing(tx, from).await?, standing(tx, into).await?);
    if own.is_some_and(|own| own.is_verified) || of_from.is_operator || of_into.is_operator {
        return Err(Problem::new(Code::EmailTaken));
    }
    if !of_from.roles.is_empty() {
        let detail =
            "Your account has a role, so only an operator can merge the two accounts: contact support.";
        return Err(Problem::new(Code::EmailTaken).detail(detail));
    }
    Ok(())
}

/// 409 `account_proven`, with what the prover may know of the account.
async fn ask(tx: &Transaction<'_>, into: Uuid) -> Result<Problem, Problem> {
    let summary = owners::summary(&**tx, into).await?.ok_or_else(expired)?;
    let role = if summary.has_role { "with a role" } else { "without a role" };
    let detail = format!(
        "It was created in {}, {role}. To move your linked accounts there, repeat the request with `account`: `move`.",
        summary.created_in
    );
    Ok(Problem::new(Code::AccountProven).detail(detail))
}
