//! What becomes of a request for a code, when the worker of mails comes to it: a mail with a code, one that says why there is
//! none, or nothing.

use jiff::Timestamp;
use uuid::Uuid;

use super::asked_link::{addressed, answer_user, to_holder};
use super::store::{self, ResetCandidate};
use crate::access;
use crate::db::{DbError, Transaction};
use crate::keys::LinkToken;
use crate::mail::{CodePurpose, CodeRequest, Message, ResetAdvice, ResolvedMail, SignInAdvice};
use crate::mail_proof::CodeIssuer;
use crate::users::EmailAddress;
use crate::users::email_changes::store as email_changes;
use crate::users::store as users;

/// A request for a code.
pub(super) struct AskedCode<'a> {
    pub(super) codes: &'a CodeIssuer,
    pub(super) mail: Uuid,
    /// The number of the master key with which it was sealed.
    pub(super) sealed_with: u8,
    pub(super) request: &'a CodeRequest,
    pub(super) email: &'a EmailAddress,
}

/// What an account that has the address may get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holder {
    /// No account has it.
    None,
    Disabled,
    /// It is proven, and the account will be erased at this time.
    Erasing {
        at: Timestamp,
    },
    /// It is proven, and the user holds a permission of this service.
    Operator,
    /// The same, but the address is not proven: it may be a stranger's, who gets nothing.
    UnprovenOperator,
    Proven,
    Unproven,
}

impl AskedCode<'_> {
    /// The mail; `None` for no mail. `token` is that of a link to set a password.
    pub(super) async fn answer(
        &self,
        tx: &Transaction<'_>,
        token: &LinkToken,
    ) -> Result<Option<ResolvedMail>, DbError> {
        let candidate = store::by_address(tx, self.email.key()).await?;
        if candidate.is_none()
            && let Some(user) = email_changes::former_holder(&**tx, self.email.key()).await?
            && self.request.user != Some(user)
        {
            return Ok(Some(to_holder(self.email, address_changed(self.request.purpose))));
        }
        let holder = Holder::of(tx, candidate.as_ref()).await?;
        match self.request.purpose {
            CodePurpose::Registration => self.for_registration(tx, token, holder, candidate).await,
            CodePurpose::SignIn => self.for_sign_in(tx, holder, candidate).await,
            CodePurpose::Link => self.for_link(tx, holder, candidate).await,
            CodePurpose::EmailChange => self.for_email_change(tx, holder, candidate).await,
        }
    }

    /// An address that has an account gets no code, unless it was never proven.
    async fn for_registration(
        &self,
        tx: &Transaction<'_>,
        token: &LinkToken,
        holder: Holder,
        candidate: Option<ResetCandidate>,
    ) -> Result<Option<ResolvedMail>, DbError> {
        match holder {
            Holder::UnprovenOperator => Ok(None),
            Holder::None | Holder::Unproven => self.code(tx, candidate).await,
            Holder::Disabled | Holder::Erasing { .. } | Holder::Operator | Holder::Proven => {
                let Some(candidate) = candidate else { return Ok(None) };
                let answered = answer_user(tx, token, candidate).await?;
                Ok(answered.map(|mail| ResolvedMail { message: already_registered(mail.message), ..mail }))
            }
        }
    }

    /// Only to a proven address.
    async fn for_sign_in(
        &self,
        tx: &Transaction<'_>,
        holder: Holder,
        candidate: Option<ResetCandidate>,
    ) -> Result<Option<ResolvedMail>, DbError> {
        let advice = match holder {
            Holder::None | Holder::UnprovenOperator => return Ok(None),
            // With the code the user can keep an account that will be erased.
            Holder::Proven | Holder::Erasing { .. } => return self.code(tx, candidate).await,
            Holder::Disabled => SignInAdvice::Disabled,
            Holder::Operator => SignInAdvice::UsePassword,
            Holder::Unproven => SignInAdvice::Unproven,
        };
        Ok(candidate.and_then(|candidate| addressed(candidate, Message::SignInAdvice(advice))))
    }

    /// Also to an address without an account, which its holder may get by it.
    async fn for_link(
        &self,
        tx: &Transaction<'_>,
        holder: Holder,
        candidate: Option<ResetCandidate>,
    ) -> Result<Option<ResolvedMail>, DbError> {
        let advice = match holder {
            Holder::UnprovenOperator => return Ok(None),
            Holder::None | Holder::Proven | Holder::Unproven => return self.code(tx, candidate).await,
            Holder::Disabled => SignInAdvice::Disabled,
            Holder::Erasing { at } => SignInAdvice::Erasing { at },
            Holder::Operator => SignInAdvice::UsePassword,
        };
        Ok(candidate.and_then(|candidate| addressed(candidate, Message::SignInAdvice(advice))))
    }

    /// Also to the unproven address of the account itself, and to one that was only typed for another account; that of
    /// another operator gets nothing. One that another account has proven gets a code if this account has proven none, so that
    /// they can be joined.
    async fn for_email_change(
        &self,
        tx: &Transaction<'_>,
        holder: Holder,
        candidate: Option<ResetCandidate>,
    ) -> Result<Option<ResolvedMail>, DbError> {
        let is_own = candidate.as_ref().is_some_and(|candidate| Some(candidate.user) == self.request.user);
        match holder {
            Holder::UnprovenOperator if !is_own => Ok(None),
            // Another address of the same mailbox.
            Holder::Proven | Holder::Operator if is_own => self.code(tx, None).await,
            Holder::None | Holder::Unproven | Holder::UnprovenOperator => self.code(tx, None).await,
            Holder::Proven if !self.asker_has_proven(tx).await? => {
                let mail = self.code(tx, candidate).await?;
                Ok(mail.map(|mail| ResolvedMail { message: to_join(mail.message), ..mail }))
            }
            Holder::Disabled | Holder::Erasing { .. } | Holder::Operator | Holder::Proven => {
                Ok(candidate.and_then(|candidate| addressed(candidate, Message::AddressInUse)))
            }
        }
    }

    /// Whether the user who asked has a proven address; not locked, because locks are taken in the order of users.
    async fn asker_has_proven(&self, tx: &Transaction<'_>) -> Result<bool, DbError> {
        let Some(user) = self.request.user else { return Ok(true) };
        Ok(users::address(&**tx, user).await?.is_some_and(|address| address.is_verified))
    }

    /// A mail with the code: to the spelling that the account has, if there is an account.
    async fn code(
        &self,
        tx: &Transaction<'_>,
        candidate: Option<ResetCandidate>,
    ) -> Result<Option<ResolvedMail>, DbError> {
        let issued =
            self.codes.issue(tx, (self.mail, self.sealed_with), self.request, self.email.key()).await?;
        let Some(issued) = issued else { return Ok(None) };
        let message = match (self.request.purpose, issued.link) {
            (CodePurpose::Registration, Some(token)) => Message::Registration { code: issued.code, token },
            // Every registration, and every other address, has a link.
            (CodePurpose::Registration | CodePurpose::EmailChange, None) => return Ok(None),
            (CodePurpose::EmailChange, Some(token)) => Message::EmailChange { code: issued.code, token },
            (CodePurpose::SignIn, _) => Message::SignInCode { code: issued.code },
            (CodePurpose::Link, _) => Message::LinkCode { code: issued.code },
        };
        let to_the_typed =
            |message| ResolvedMail { address: self.email.as_str().to_owned(), language: None, message };
        Ok(match candidate {
            Some(candidate) => addressed(candidate, message),
            None => Some(to_the_typed(message)),
        })
    }
}

impl Holder {
    async fn of(tx: &Transaction<'_>, candidate: Option<&ResetCandidate>) -> Result<Self, DbError> {
        let Some(candidate) = candidate else { return Ok(Self::None) };
        let is_operator = candidate.is_superuser || access::holds_right(tx, candidate.user).await?;
        Ok(match (candidate.is_verified, is_operator, candidate.erase_at) {
            (false, true, _) => Self::UnprovenOperator,
            (true, false, Some(at)) => Self::Erasing { at },
            _ if !candidate.is_active => Self::Disabled,
            (true, true, _) => Self::Operator,
            (true, false, None) => Self::Proven,
            (false, false, _) => Self::Unproven,
        })
    }
}

/// The same link or advice in a mail that says that there is an account already.
fn already_registered(message: Message) -> Message {
    match message {
        Message::Reset { token } => Message::AlreadyRegistered { help: Ok(token) },
        Message::ResetAdvice(advice) => Message::AlreadyRegistered { help: Err(advice) },
        other => other,
    }
}

/// The same code and link in a mail that says what they lead to.
fn to_join(message: Message) -> Message {
    match message {
        Message::EmailChange { code, token } => Message::AccountJoin { code, token },
        other => other,
    }
}

/// To an address from which an account was changed, and which it can still take back: otherwise its holder would be sent in a
/// circle.
fn address_changed(purpose: CodePurpose) -> Message {
    match purpose {
        CodePurpose::Registration => Message::AlreadyRegistered { help: Err(ResetAdvice::AddressChanged) },
        CodePurpose::SignIn | CodePurpose::Link => Message::SignInAdvice(SignInAdvice::AddressChanged),
        CodePurpose::EmailChange => Message::AddressInUse,
    }
}
