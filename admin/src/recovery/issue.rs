//! Makes links: for the worker of mails, when it comes to a request for one, and for an operator who prints one.

use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use uuid::Uuid;

use super::link_token::LinkToken;
use super::purpose::LinkPurpose;
use super::store::{self, ResetCandidate};
use crate::access;
use crate::api::{Code, Problem};
use crate::context::Core;
use crate::db::{DbError, Transaction};
use crate::keys::DerivedKeys;
use crate::mail::{MailRequest, Message, RequestResolver, ResetAdvice, ResolvedMail, language_of};
use crate::users::EmailAddress;

/// Answers requests of the outbox for a link.
pub(crate) struct LinkIssuer {
    core: Core,
    keys: Arc<DerivedKeys>,
}

impl LinkIssuer {
    pub(crate) fn new(core: Core, keys: Arc<DerivedKeys>) -> Self {
        Self { core, keys }
    }

    async fn answer(
        &self,
        request: &MailRequest,
        mail: Uuid,
        address: &str,
    ) -> Result<Option<ResolvedMail>, DbError> {
        let Ok(address) = address.parse::<EmailAddress>() else { return Ok(None) };
        let key = address.key();
        let Some(token) = LinkToken::of_mail(&self.keys, mail) else { return Ok(None) };
        let mut connection = self.core.db.get().await?;
        let tx = connection.begin().await?;
        let answered = match request {
            MailRequest::Reset => match store::by_address(&tx, key).await? {
                Some(candidate) => answer_user(&tx, &token, candidate).await?,
                None => None,
            },
            MailRequest::OperatorReset { user } => {
                by_operator(&tx, &token, *user, LinkPurpose::OperatorReset, key).await?
            }
            MailRequest::Invitation { user } => {
                by_operator(&tx, &token, *user, LinkPurpose::Invitation, key).await?
            }
        };
        tx.commit().await?;
        Ok(answered)
    }
}

impl RequestResolver for LinkIssuer {
    fn resolve<'r>(
        &'r self,
        request: &'r MailRequest,
        mail: Uuid,
        address: &'r str,
    ) -> BoxFuture<'r, Result<Option<ResolvedMail>, DbError>> {
        self.answer(request, mail, address).boxed()
    }
}

/// A link for a user who asked for one, or the reason why there is none. The unproven address of an operator gets nothing.
async fn answer_user(
    tx: &Transaction<'_>,
    token: &LinkToken,
    candidate: ResetCandidate,
) -> Result<Option<ResolvedMail>, DbError> {
    let user = candidate.user;
    let is_operator = candidate.is_superuser || access::holds_right(tx, user).await?;
    let message = if is_operator {
        if !candidate.is_verified {
            return Ok(None);
        }
        Message::ResetAdvice(ResetAdvice::AskOperator)
    } else if !candidate.is_active {
        Message::ResetAdvice(ResetAdvice::Disabled)
    } else if !candidate.is_verified && store::is_in_use(tx, user).await? {
        // The address may have been mistyped: its holder must not take over an account that another person uses.
        Message::ResetAdvice(ResetAdvice::Unproven)
    } else {
        store::insert(tx, token, user, LinkPurpose::Reset, candidate.key.as_deref()).await?;
        Message::Reset { token: token.expose().to_owned().into() }
    };
    Ok(addressed(candidate, message))
}

/// A link that an operator ordered, unless the account has another address by now.
async fn by_operator(
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
    store::insert(tx, token, user, purpose, Some(key)).await?;
    let token = token.expose().to_owned().into();
    let message = match purpose {
        LinkPurpose::Invitation => Message::Invitation { token },
        LinkPurpose::Reset | LinkPurpose::OperatorReset => Message::Reset { token },
    };
    Ok(addressed(candidate, message))
}

/// To the spelling that the account has, never that of the request.
fn addressed(candidate: ResetCandidate, message: Message) -> Option<ResolvedMail> {
    let language = language_of(candidate.locale.as_deref(), None);
    candidate.email.map(|address| ResolvedMail { address, language, message })
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
    store::insert(tx, &token, user, purpose, None).await?;
    Ok(token)
}
