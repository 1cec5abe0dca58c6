//! `PUT /api/v1/me/email`: sets a new e-mail address, or asks for its proof.
//!
//! Where mail is sent, a new address takes effect with its proof (`email_change`), and the response is the same whether or not
//! an account has it. With `ADMIN_REGISTRATION=open`, and without mail, it is set at once, unproven.

use deserr::Deserr;
use serde_json::json;
use utoipa::ToSchema;

use super::credentials::{
    CURRENT, account_of, change, check_current, permit, present_device, prove, prove_and_change,
};
use crate::access::caller;
use crate::actor::{Actor, DeviceText};
use crate::api::{Access, Code, Findings, Operation, Problem, Request, Response};
use crate::context::Context;
use crate::guessing::LimitedRoute;
use crate::mail::CodePurpose;
use crate::mail_proof::{AskedFlow, ChangingAccount, MailFlow, ask_code};
use crate::passwords::Password;
use crate::sessions::{Pair, pair};
use crate::users::store::{self as users, Credential};
use crate::users::{Account, EmailAddress, email_changes};

/// A new address, and the current password.
#[derive(Deserr, ToSchema)]
#[schema(as = EmailChange)]
#[serde(deny_unknown_fields)]
#[deserr(error = Findings, deny_unknown_fields)]
struct Body {
    /// `name@example.org`, in any script, without quotes or spaces; at most 254 bytes.
    #[schema(value_type = String, format = "idn-email", max_length = 254, pattern = "^[\\t-\\r ]*[^\\x00-\\x20\\x7f]+[\\t-\\r ]*$")]
    email: EmailAddress,
    /// May be omitted if the account has no password and you signed in through a provider within the last ten
    /// minutes.
    #[deserr(default)]
    #[schema(value_type = Option<String>, format = Password, pattern = "^[^\\x00]*$")]
    current_password: Option<Password>,
    /// The device token of an earlier pair, from an app that keeps no cookies.
    #[deserr(default)]
    #[schema(value_type = Option<String>, pattern = "^[!-~]+$", min_length = 1, max_length = 512)]
    #[expect(dead_code, reason = "read before the form, because it decides how the attempt is counted")]
    device_token: Option<DeviceText>,
}

/// Documents the endpoint.
pub fn describe(operation: Operation) -> Operation {
    operation
        .tag("Me")
        .summary("Change your e-mail address.")
        .detail(
            "Where mail is sent, a mail with a code and a link goes to the new address, and the response is 202 whether or not \
            an account has it; `/me/email/verify` sets it. Elsewhere, and with `ADMIN_REGISTRATION=open`, it is set at once, \
            unproven: all other sessions are revoked, and the tokens of this session are replaced. If only the spelling \
            changes, or nothing, the response is 200, too. The new access token counts as a recent sign-in if the current \
            password was sent.",
        )
        .access(Access::SignedIn)
        .body::<Body>(json!({
            "email": "anna.k@example.org", "current_password": "correct horse battery staple"
        }))
        .answer::<Pair>(
            200,
            "A new token pair for this session, which is the only session left.",
            pair::example(),
        )
        .answer::<AskedFlow>(202, "A mail will be sent to the new address.", AskedFlow::example())
        .problems(&[
            Code::CurrentPasswordWrong,
            Code::FreshAuthRequired,
            Code::AccountFrozen,
            Code::SessionExpired,
            Code::TooManyAttempts,
            Code::EmailTaken,
        ])
}

/// Handles the request. Returns a flow, or a new token pair for this session, the only remaining one.
///
/// # Errors
///
/// 403 `current_password_wrong` or `fresh_auth_required`, 409 `email_taken`, 422 `validation_failed`, 429
/// `too_many_attempts`, 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    match perform(request).await? {
        EmailChange::Done(pair) => Ok(pair.respond()),
        EmailChange::Asked(flow) => Ok(flow.respond()),
    }
}

/// The outcome of a change.
pub(crate) enum EmailChange {
    /// The address is set; the tokens of the session that stays.
    Done(Pair),
    /// The address is to be proven in this flow.
    Asked(AskedFlow),
}

/// What the endpoint does, for a page too.
///
/// # Errors
///
/// As [`handle`].
pub(crate) async fn perform(mut request: Request) -> Result<EmailChange, Problem> {
    caller(&request).await?;
    let form = request.form()?;
    present_device(&mut request, &form);
    let (context, actor) = (&request.context, request.actor());
    let account = account_of(context, &actor).await?;
    let is_present = form.has(CURRENT);
    let (body, mut found) = form.read::<Body>();
    check_current(&mut found, &account, is_present);
    let body = found.finish(body)?;
    let (current, email) = (body.current_password.as_ref(), body.email);
    if context.outbox.is_on() && context.config.registration.proves_changes() {
        return ask(context, &actor, &account, current, email).await;
    }
    prove_and_change(context, &actor, &account, current, &Credential::Email(email))
        .await
        .map(EmailChange::Done)
}

/// Asks for a proof of the new address, unless the account has proven it already.
async fn ask(
    context: &Context,
    actor: &Actor,
    account: &Account,
    current: Option<&Password>,
    email: EmailAddress,
) -> Result<EmailChange, Problem> {
    let permit = permit(context, actor, account).await?;
    let (verified, permit) = prove(context, actor, permit, account, current).await?;
    permit.succeeded().await;
    let caller = actor.caller()?;
    let connection = context.db.get().await?;
    email_changes::check_not_frozen(&*connection, caller.user).await?;
    let own = users::address(&*connection, caller.user).await?;
    drop(connection);
    if own.is_some_and(|own| own.is_verified && own.key == email.key()) {
        return change(context, actor, verified.as_ref(), &Credential::Email(email))
            .await
            .map(EmailChange::Done);
    }
    let (user, session, generation) = (caller.user, caller.session, caller.generation());
    let flow = MailFlow {
        id: context.random.id(),
        purpose: CodePurpose::EmailChange,
        email,
        display_name: None,
        locale: None,
        change: Some(ChangingAccount { user, session, generation }),
        began_at: context.clock.unix_seconds(),
    };
    ask_code(context, actor, LimitedRoute::CodeRequest, &flow).await?;
    AskedFlow::of(context, &flow, flow.began_at).map(EmailChange::Asked)
}
