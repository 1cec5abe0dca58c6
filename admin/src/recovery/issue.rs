//! Makes links: for the worker of mails, when it comes to a request for one, and for an operator who prints one. Requests for
//! codes are answered in `asked_code`.

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use uuid::Uuid;

use super::asked_code::AskedCode;
use super::asked_link::{addressed, answer_user, to_holder};
use super::purpose::LinkPurpose;
use super::store::{self, NewLink};
use crate::api::{Code, Problem};
use crate::context::{Context, Core};
use crate::db::{DbError, Transaction};
use crate::keys::LinkToken;
use crate::mail::{
    MailRequest, Message, NewMail, QueuedMail, Recipient, RequestResolver, ResetAdvice, ResolvedMail,
};
use crate::mail_proof::CodeIssuer;
use crate::users::EmailAddress;
use crate::users::email_changes::store::former_holder;

/// Answers requests of the outbox for a link.
pub(crate) struct LinkIssuer {
    core: Core,
    codes: CodeIssuer,
}

impl LinkIssuer {
    pub(crate) fn new(context: &Context) -> Self {
        Self { core: (**context).clone(), codes: CodeIssuer::of(context) }
    }

    async fn answer(
        &self,
        request: &MailRequest,
        (mail, sealed_with): (Uuid, u8),
        address: &str,
    ) -> Result<Option<ResolvedMail>, DbError> {
        let Ok(address) = address.parse::<EmailAddress>() else { return Ok(None) };
        let key = address.key();
        let Some(token) = LinkToken::of_mail(&self.core.link_keys, sealed_with, mail) else {
            return Ok(None);
        };
        let mut connection = self.core.db.get().await?;
        let tx = connection.begin().await?;
        let answered = match request {
            MailRequest::Reset => match store::by_address(&tx, key).await? {
                Some(candidate) => answer_user(&tx, &token, candidate).await?,
                None => {
                    let advice = Message::ResetAdvice(ResetAdvice::AddressChanged);
                    former_holder(&*tx, key).await?.map(|_user| to_holder(&address, advice))
                }
            },
            MailRequest::OperatorReset { user } => {
                for_user(&tx, &token, *user, LinkPurpose::OperatorReset, key).await?
            }
            MailRequest::Invitation { user } => {
                for_user(&tx, &token, *user, LinkPurpose::Invitation, key).await?
            }
            MailRequest::Code(request) => {
                let asked = AskedCode { codes: &self.codes, mail, sealed_with, request, email: &address };
                asked.answer(&tx, &token).await?
            }
            MailRequest::Export { user } => for_user(&tx, &token, *user, LinkPurpose::Export, key).await?,
        };
        tx.commit().await?;
        Ok(answered)
    }
}

impl RequestResolver for LinkIssuer {
    fn resolve<'r>(
        &'r self,
        request: &'r MailRequest,
        mail: (Uuid, u8),
        address: &'r str,
    ) -> BoxFuture<'r, Result<Option<ResolvedMail>, DbError>> {
        self.answer(request, mail, address).boxed()
    }
}

/// A link that was ordered for a user, unless it was made void since, or the account may not have it by now.
async fn for_user(
    tx: &Transaction<'_>,
    token: &LinkToken,
    user: Uuid,
    purpose: LinkPurpose,
    key: &str,
) -> Result<Option<ResolvedMail>, DbError> {
    let Some(candidate) = store::by_id(tx, user).await? else { return Ok(None) };
    if !candidate.is_active || candidate.key.as_deref() != Some(key) {
        return Ok(None);
    }
    let is_for_operator = candidate.is_operator(tx).await?;
    let link = NewLink { token, user, purpose, email_key: Some(key), is_for_operator };
    if (is_for_operator && !candidate.is_verified) || !store::insert(tx, &link).await? {
        tracing::warn!(%user, purpose = purpose.word(), "A link that an operator ordered is not sent: it was made void \
            since, or the user has got rights; order another one.");
        return Ok(None);
    }
    let token = token.expose().to_owned().into();
    let message = match purpose {
        LinkPurpose::Invitation => Message::Invitation { token },
        LinkPurpose::Export => Message::Export { token },
        LinkPurpose::Reset | LinkPurpose::OperatorReset => Message::Reset { token },
    };
    Ok(addressed(candidate, message))
}

/// Makes a link for an operator, who prints it on a terminal. Its use proves no address. The user must be locked.
///
/// # Errors
///
/// 404 for an unknown user; 403 `account_disabled`; 503.
pub(crate) async fn print_link(
    core: &Core,
    tx: &Transaction<'_>,
    user: Uuid,
    purpose: LinkPurpose,
) -> Result<LinkToken, Problem> {
    let candidate = store::by_id(tx, user).await?.ok_or_else(|| Problem::new(Code::NotFound))?;
    if !candidate.is_active {
        return Err(Problem::new(Code::AccountDisabled));
    }
    let token = LinkToken::random(&*core.random).map_err(|error| {
        tracing::error!(%error, "Request failed: no link could be created.");
        Problem::new(Code::Internal)
    })?;
    let is_for_operator = candidate.is_operator(tx).await?;
    store::insert(tx, &NewLink { token: &token, user, purpose, email_key: None, is_for_operator }).await?;
    Ok(token)
}

/// Makes a link and puts its mail into the outbox, by order of an operator or, for an export, of the user. The user must be
/// locked.
///
/// # Errors
///
/// 403 `account_disabled`; 404 for an unknown user; 422 `validation_failed` without an address to which it may be sent; 501
/// `mail_not_configured`; 503.
pub(crate) async fn mail_link(
    core: &Core,
    tx: &Transaction<'_>,
    user: Uuid,
    purpose: LinkPurpose,
) -> Result<(), Problem> {
    if !core.outbox.is_on() {
        return Err(Problem::new(Code::MailNotConfigured));
    }
    let candidate = store::by_id(tx, user).await?.ok_or_else(|| Problem::new(Code::NotFound))?;
    if !candidate.is_active {
        return Err(Problem::new(Code::AccountDisabled));
    }
    let refused = |why| Problem::new(Code::ValidationFailed).detail(why);
    let (Some(address), Some(key)) = (&candidate.email, &candidate.key) else {
        return Err(refused("The account has no e-mail address; set one first."));
    };
    let is_for_operator = candidate.is_operator(tx).await?;
    if is_for_operator && !candidate.is_verified {
        return Err(refused(
            "The user is an operator, and the address was never verified: print the link with `admin users send-reset \
             --print`.",
        ));
    }
    let id = core.random.id();
    // The outbox seals the mail with the same master key.
    let token = LinkToken::of_mail(&core.link_keys, core.link_keys.current(), id);
    let token = token.ok_or_else(|| Problem::new(Code::Internal))?;
    let link = NewLink { token: &token, user, purpose, email_key: Some(key), is_for_operator };
    store::insert(tx, &link).await?;
    let request = match purpose {
        LinkPurpose::Invitation => MailRequest::Invitation { user },
        LinkPurpose::Reset | LinkPurpose::OperatorReset => MailRequest::OperatorReset { user },
        LinkPurpose::Export => MailRequest::Export { user },
    };
    let queued = QueuedMail::Request(request);
    let recipient = Recipient { address, key, language: None };
    let mail = NewMail { id, recipient, queued: &queued, merged_for: None };
    match core.outbox.put(tx, &mail).await? {
        true => Ok(()),
        false => Err(Problem::new(Code::Overloaded)
            .detail("Too many mails wait for the mail server; try again later.")),
    }
}
