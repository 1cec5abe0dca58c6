//! `POST /api/v1/auth/mail-code/login`: creates a session by a code from a mail.
//!
//! Only the proven address of an active account counts, and never that of a user who holds a permission of this service.

use deserr::Deserr;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::check::{Evidence, ProofVerdict, check, code_wrong, expired, used_with};
use super::code::{CodeText, EXAMPLE_CODE};
use super::flow::{EXAMPLE_FLOW, FlowText, MailFlow};
use super::store;
use crate::actor::{Actor, DeviceText};
use crate::api::{Access, Code, Findings, Operation, Problem, Request, Response};
use crate::context::Context;
use crate::guessing::LimitedRoute;
use crate::mail::CodePurpose;
use crate::pending_erasure;
use crate::permit::{Permit, Tried};
use crate::sessions::history::{self, Event, HistoryEntry, LoginFailure};
use crate::sessions::login::DeviceName;
use crate::sessions::open::{Opened, SignInMethod, open};
use crate::sessions::session::Device;
use crate::sessions::store::standing;
use crate::sessions::{Pair, pair, pair_again};
use crate::users::email_owner::store::{EmailOwner, lock_owner_of_mailbox};
use crate::users::{Identifier, store as users};
use crate::visible_text::VisibleLine;

/// How often the flow is checked: another request may use it up meanwhile.
const CHECKS: usize = 3;

/// The flow, and the code of its mail.
#[derive(Deserr, ToSchema)]
#[schema(as = CodeSignIn)]
#[serde(deny_unknown_fields)]
#[deserr(error = Findings, deny_unknown_fields)]
struct Body {
    /// From the response to the request for the code.
    #[schema(value_type = String, pattern = "^[A-Za-z0-9_-]{40,1200}$", min_length = 40, max_length = 1200)]
    flow: FlowText,
    /// Six digits, or ten letters and digits; in any case, with or without spaces and hyphens.
    #[schema(value_type = String, pattern = "^[\\t-\\r \\-]*([0-9A-Za-z][\\t-\\r \\-]*){6,10}$")]
    code: CodeText,
    /// Shown in the list of sessions, with the same rules as `display_name` of an account.
    #[deserr(default)]
    #[schema(value_type = Option<VisibleLine>)]
    device_name: Option<DeviceName>,
    /// The device token of an earlier pair, from an app that keeps no cookies.
    #[deserr(default)]
    #[schema(value_type = Option<String>, pattern = "^[!-~]+$", min_length = 1, max_length = 512)]
    device_token: Option<DeviceText>,
}

/// Documents the endpoint.
pub fn describe(operation: Operation) -> Operation {
    operation
        .tag("Sign-in")
        .summary("Sign in with a code from a mail.")
        .detail(
            "Creates a session and returns its first token pair; `amr` is `mail`. A code is valid for ten minutes from its \
            mail, the last three codes of a flow count, and five wrong codes end the flow. The same request, repeated within \
            a minute, returns tokens of the same session.",
        )
        .access(Access::Public)
        .body::<Body>(json!({ "flow": EXAMPLE_FLOW, "code": EXAMPLE_CODE, "device_name": "Living room" }))
        .answer::<Pair>(200, "The token pair of the session.", pair::example())
        .problems(&[
            Code::CodeWrong,
            Code::ErasurePending,
            Code::CodeExpired,
            Code::TooManyAttempts,
            Code::TooManySessions,
        ])
}

/// Handles the request.
///
/// # Errors
///
/// 403 `code_wrong` for a code that is wrong, expired or used, or `erasure_pending` with the right one; 410 `code_expired` when the flow is unknown or over; 422
/// `validation_failed`; 429 `too_many_attempts` or `too_many_sessions`; 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    perform(request).await.map(|pair| pair.respond())
}

/// What the endpoint does, for a page too.
pub(crate) async fn perform(mut request: Request) -> Result<Pair, Problem> {
    let body: Body = request.form()?.finish()?;
    request.client.present(body.device_token);
    let context = &request.context;
    let flow = MailFlow::open(&body.flow, &context.mail_flows, context.clock.unix_seconds());
    // A flow with an account proves who its user is, and opens no session.
    let flow = flow.filter(|flow| flow.purpose == CodePurpose::SignIn && flow.change.is_none());
    let flow = flow.ok_or_else(expired)?;
    let device = Device::of(&request.client, body.device_name.map(String::from));
    let pair = sign_in(context, &request.actor(), &flow, &body.code, &device).await?;
    Ok(pair)
}

async fn sign_in(
    context: &Context,
    actor: &Actor,
    flow: &MailFlow,
    code: &CodeText,
    device: &Device,
) -> Result<Pair, Problem> {
    let (id, key) = (flow.id.to_string(), flow.email.key());
    let tried = Tried { route: LimitedRoute::Code, identifier: key, session: id.as_bytes(), account: None };
    let permit = Permit::take(context, actor, tried).await?;
    let with = used_with(context, &[&id, code.as_ref()]);
    let evidence = Evidence::Code { flow: flow.id, purpose: flow.purpose, code };
    let mut checked = check(context, &evidence, &with).await?;
    if checked == ProofVerdict::Wrong {
        permit.failed();
        note_failure(context, actor, flow).await?;
        return Err(code_wrong());
    }
    permit.succeeded().await;
    for _ in 0..CHECKS {
        match checked {
            ProofVerdict::Repeated(session) => return again(context, actor, session).await,
            ProofVerdict::Wrong => return Err(expired()),
            ProofVerdict::Right => {}
        }
        match open_session(context, flow, &with, device).await? {
            CodeUse::Opened { user, opened } => {
                for entry in opened.history(user, Event::Login) {
                    history::record(context, actor, entry).await;
                }
                return Ok(opened.pair);
            }
            CodeUse::Erasing { user } => return Err(refuse_erasing(context, actor, user).await?),
            CodeUse::OfAnother => {}
        }
        checked = check(context, &evidence, &with).await?;
    }
    Err(Problem::new(Code::Overloaded))
}

async fn again(context: &Context, actor: &Actor, session: Option<Uuid>) -> Result<Pair, Problem> {
    let session = session.ok_or_else(expired)?;
    pair_again(context, actor.client(), session).await?.ok_or_else(expired)
}

/// The same steps whether or not an account has the address.
async fn note_failure(context: &Context, actor: &Actor, flow: &MailFlow) -> Result<(), Problem> {
    let name = Identifier::Email(flow.email.clone());
    let account = users::find(&context.db.get().await?, &name, actor.address()).await?;
    let user = account.map(|account| account.id);
    let entry = HistoryEntry { event: Event::LoginFailed(LoginFailure::WrongCode), user, session: None };
    history::record(context, actor, entry).await;
    Ok(())
}

/// What a right code leads to.
enum CodeUse {
    Opened {
        user: Uuid,
        opened: Opened,
    },
    /// The account will be erased unless its user keeps it. The code stays valid, so that the user can sign in then.
    Erasing {
        user: Uuid,
    },
    /// Another request was first.
    OfAnother,
}

/// As every way to sign in does: with a flow to keep the account.
async fn refuse_erasing(context: &Context, actor: &Actor, user: Uuid) -> Result<Problem, Problem> {
    let event = Event::LoginFailed(LoginFailure::Erasing);
    history::record(context, actor, HistoryEntry { event, user: Some(user), session: None }).await;
    let problem = pending_erasure::problem(context, &*context.db.get().await?, user).await?;
    Ok(problem.unwrap_or_else(expired))
}

/// Opens a session for the owner of the address, and uses the flow up.
async fn open_session(
    context: &Context,
    flow: &MailFlow,
    with: &str,
    device: &Device,
) -> Result<CodeUse, Problem> {
    let mut connection = context.db.get().await?;
    let tx = connection.begin().await?;
    // What the worker of mails has checked may have changed since.
    let account = match lock_owner_of_mailbox(&tx, flow.email.key()).await? {
        Some(EmailOwner::Active(account)) => account,
        Some(EmailOwner::Erasing(user)) if !standing(&tx, user).await?.is_operator => {
            return Ok(CodeUse::Erasing { user });
        }
        Some(EmailOwner::Erasing(_) | EmailOwner::Disabled | EmailOwner::DisabledUnverified) | None => {
            return Err(expired());
        }
    };
    let user = account.id();
    if account.unverified_email().is_some() || standing(&tx, user).await?.is_operator {
        return Err(expired());
    }
    let opened = open(&tx, context, &account, SignInMethod::Mail, device).await?;
    if !store::use_up(&tx, flow.id, with, Some(opened.session)).await? {
        return Ok(CodeUse::OfAnother);
    }
    tx.commit().await?;
    Ok(CodeUse::Opened { user, opened })
}
