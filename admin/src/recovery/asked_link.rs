//! What becomes of a user's request for a link, when the worker of mails comes to it: a mail with the link, or one that says
//! why there is none.

use super::purpose::LinkPurpose;
use super::store::{self, NewLink, ResetCandidate};
use crate::db::{DbError, Transaction};
use crate::keys::LinkToken;
use crate::mail::{Message, ResetAdvice, ResolvedMail, language_of};
use crate::users::EmailAddress;
use crate::users::email_changes::store as email_changes;
use crate::users::email_owner::store::is_in_use;
use crate::users::recoveries::store as recoveries;

/// A link for a user who asked for one, or the reason why there is none. The unproven address of an operator gets nothing.
pub(super) async fn answer_user(
    tx: &Transaction<'_>,
    token: &LinkToken,
    candidate: ResetCandidate,
) -> Result<Option<ResolvedMail>, DbError> {
    let user = candidate.user;
    let message = if candidate.is_operator(tx).await? {
        if !candidate.is_verified {
            return Ok(None);
        }
        Message::ResetAdvice(ResetAdvice::AskOperator)
    } else if let Some(at) = candidate.erase_at.filter(|_| candidate.is_verified) {
        Message::ResetAdvice(ResetAdvice::Erasing { at })
    } else if !candidate.is_active {
        Message::ResetAdvice(ResetAdvice::Disabled)
    } else if email_changes::frozen_until(&**tx, user).await?.is_some() {
        Message::ResetAdvice(ResetAdvice::Frozen)
    } else if !candidate.is_verified && is_objected(tx, &candidate).await? {
        // The address may have been mistyped: its holder must not take over an account that another person uses.
        Message::ResetAdvice(ResetAdvice::Unproven)
    } else {
        let email_key = candidate.key.as_deref();
        let link = NewLink { token, user, purpose: LinkPurpose::Reset, email_key, is_for_operator: false };
        if !store::insert(tx, &link).await? {
            return Ok(None);
        }
        Message::Reset { token: token.expose().to_owned().into() }
    };
    Ok(addressed(candidate, message))
}

/// Whether a session of the account, which is in use, objected to a recovery by its unproven address.
async fn is_objected(tx: &Transaction<'_>, candidate: &ResetCandidate) -> Result<bool, DbError> {
    let Some(key) = candidate.key.as_deref() else { return Ok(false) };
    Ok(recoveries::is_objected(&**tx, candidate.user, key).await? && is_in_use(tx, candidate.user).await?)
}

/// To the spelling that the account has, never that of the request.
pub(super) fn addressed(candidate: ResetCandidate, message: Message) -> Option<ResolvedMail> {
    let language = language_of(candidate.locale.as_deref(), None);
    candidate.email.map(|address| ResolvedMail { address, language, message })
}

/// A mail to an address that no account has.
pub(super) fn to_holder(email: &EmailAddress, message: Message) -> ResolvedMail {
    ResolvedMail { address: email.as_str().to_owned(), language: None, message }
}
