//! Proof that it is still the user of a session who acts: by a code from a mail to the proven address of the account. Only pages
//! ask for it; another front end signs in again.
//!
//! Such a flow is one of a sign-in, bound to a user and a session, and it opens no session. As at a sign-in, an address of a
//! user who holds a permission of this service gets no code.

use super::ask::{AskedFlow, ask_code};
use super::check::{Evidence, ProofVerdict, check, code_wrong, expired, used_with};
use super::code::CodeText;
use super::flow::{ChangingAccount, FlowText, MailFlow};
use super::store;
use crate::access::caller;
use crate::actor::Caller;
use crate::api::text::FromText as _;
use crate::api::{Code, Problem, Request};
use crate::context::Context;
use crate::guessing::LimitedRoute;
use crate::mail::CodePurpose;
use crate::permit::{Permit, Tried};
use crate::sessions::store::standing;
use crate::sessions::{AccessToken, ProvenBy, mint_proven};
use crate::users::EmailAddress;
use crate::users::email_owner::store::{EmailOwner, lock_owner_of_mailbox};

/// Sends a code to `email`, the proven address of the caller's account.
///
/// # Errors
///
/// 429 `too_many_attempts`; 501 `mail_not_configured`; 401; 503.
pub(crate) async fn ask_proof(request: &Request, email: EmailAddress) -> Result<AskedFlow, Problem> {
    let (context, caller) = (&request.context, caller(request).await?);
    if !context.outbox.is_on() {
        return Err(Problem::new(Code::MailNotConfigured));
    }
    let flow = MailFlow {
        id: context.random.id(),
        purpose: CodePurpose::SignIn,
        email,
        display_name: None,
        locale: None,
        change: Some(asking(caller)),
        began_at: context.clock.unix_seconds(),
    };
    ask_code(context, &request.actor(), LimitedRoute::CodeRequest, &flow).await?;
    AskedFlow::of(context, &flow, flow.began_at)
}

/// An access token of the caller's session which says that its user has just proved who they are.
///
/// # Errors
///
/// 403 `code_wrong`; 410 `code_expired` when the flow is unknown, over, or of another user or session; 429
/// `too_many_attempts`; 401; 503.
pub(crate) async fn prove_by_code(request: &Request, flow: &str, code: &str) -> Result<AccessToken, Problem> {
    let (context, caller) = (&request.context, caller(request).await?);
    let flow = FlowText::from_text(flow).map_err(|_| expired())?;
    let flow = MailFlow::open(&flow, &context.mail_flows, context.clock.unix_seconds());
    let is_own = |flow: &MailFlow| flow.purpose == CodePurpose::SignIn && flow.change == Some(asking(caller));
    let flow = flow.filter(is_own).ok_or_else(expired)?;
    let code = CodeText::from_text(code).map_err(|_| code_wrong())?;
    let (id, key) = (flow.id.to_string(), flow.email.key());
    let tried = Tried { route: LimitedRoute::Code, identifier: key, session: id.as_bytes(), account: None };
    let permit = Permit::take(context, &request.actor(), tried).await?;
    let with = used_with(context, &[&id, code.as_ref()]);
    let evidence = Evidence::Code { flow: flow.id, purpose: flow.purpose, code: &code };
    match check(context, &evidence, &with).await? {
        ProofVerdict::Right => {}
        ProofVerdict::Wrong => {
            permit.failed();
            return Err(code_wrong());
        }
        // Its token was that of the first request.
        ProofVerdict::Repeated(_) => return Err(expired()),
    }
    permit.succeeded().await;
    mint(context, caller, &flow, &with).await
}

/// Uses the flow up. The account may have another address meanwhile.
async fn mint(
    context: &Context,
    caller: Caller,
    flow: &MailFlow,
    with: &str,
) -> Result<AccessToken, Problem> {
    let mut connection = context.db.get().await?;
    let tx = connection.begin().await?;
    let owner = match lock_owner_of_mailbox(&tx, flow.email.key()).await? {
        Some(EmailOwner::Active(account)) => account.unverified_email().is_none().then(|| account.id()),
        Some(EmailOwner::Erasing(_) | EmailOwner::Disabled | EmailOwner::DisabledUnverified) | None => None,
    };
    if owner != Some(caller.user) || standing(&tx, caller.user).await?.is_operator {
        return Err(expired());
    }
    if !store::use_up(&tx, flow.id, with, None).await? {
        return Err(expired());
    }
    let access = mint_proven(&tx, context, caller, ProvenBy::Mail).await?;
    tx.commit().await?;
    Ok(access)
}

fn asking(caller: Caller) -> ChangingAccount {
    ChangingAccount { user: caller.user, session: caller.session, generation: caller.generation() }
}
