//! `POST /api/v1/oauth/link/confirm`: links an identity to the account that has its address, with the password of the
//! account, or with a code from a mail to the address.

use deserr::Deserr;
use serde_json::json;
use utoipa::ToSchema;

use super::by_code::check_code;
use super::{delay, link_by_password, link_confirmed, owner_of};
use crate::actor::{Actor, DeviceText};
use crate::api::text::Opaque;
use crate::api::{Access, Code, Findings, Operation, Problem, Request, Response};
use crate::context::Context;
use crate::delayed_recovery;
use crate::guessing::LimitedRoute;
use crate::mail_proof::{CodeText, use_up, used_with};
use crate::passwords::{Password, PasswordMatch};
use crate::permit::{HashPermit, Tried};
use crate::provider_sign_in::email_proof::Proved;
use crate::provider_sign_in::flow::CodeVerifier;
use crate::provider_sign_in::link_facts;
use crate::provider_sign_in::link_methods::{LinkMethod, methods};
use crate::provider_sign_in::one_time::{self, Claim, OneTimeKind, Ticket};
use crate::provider_sign_in::pending_link::PendingLink;
use crate::provider_sign_in::resolution::generation;
use crate::provider_sign_in::sign_in::sign_in;
use crate::provider_sign_in::store::ConfirmedBy;
use crate::provider_sign_in::stored_identity::expired;
use crate::sessions::history::{self, Event, HistoryEntry};
use crate::sessions::open::Opened;
use crate::sessions::{Pair, pair, pair_again};
use crate::users::email_changes::check_not_frozen;
use crate::users::store as users;

/// The `flow` of `link_confirmation_required`, and either the password of the account or a code.
#[derive(Deserr, ToSchema)]
#[schema(as = LinkConfirmation)]
#[serde(deny_unknown_fields)]
#[deserr(error = Findings, deny_unknown_fields)]
struct Body {
    #[schema(value_type = String, pattern = "^[A-Za-z0-9_-]{43}$")]
    flow: Opaque,
    /// The verifier of the app whose sign-in got the flow; without one the cookie of the browser is used.
    #[deserr(default)]
    #[schema(value_type = Option<String>, pattern = "^[A-Za-z0-9._~-]{43,128}$")]
    code_verifier: Option<CodeVerifier>,
    #[deserr(default)]
    #[schema(value_type = Option<String>, format = Password, pattern = "^[^\\x00]*$")]
    password: Option<Password>,
    /// From a mail that `/oauth/link/mail` caused.
    #[deserr(default)]
    #[schema(value_type = Option<String>, pattern = "^[\\t-\\r \\-]*([0-9A-Za-z][\\t-\\r \\-]*){6,10}$")]
    code: Option<CodeText>,
    /// The device token of an earlier pair, from an app that keeps no cookies.
    #[deserr(default)]
    #[schema(value_type = Option<String>, pattern = "^[!-~]+$", min_length = 1, max_length = 512)]
    device_token: Option<DeviceText>,
}

/// The members of which exactly one must be present.
const PROOFS: [&str; 2] = ["password", "code"];

/// What confirms.
enum Confirming<'c> {
    Password(&'c Password),
    Code(&'c CodeText),
}

/// Describes the endpoint.
pub fn describe(operation: Operation) -> Operation {
    operation
        .tag("Providers")
        .summary("Link a provider's account to the existing account with the same e-mail address.")
        .detail(
            "The flow is valid for ten minutes and five attempts, and only for the browser or app that started the sign-in. \
             Afterwards the account at the provider is another sign-in method, and the address is verified. If a code verifies it for \
             the first time, all other sessions and linked accounts end. The same request, repeated within a minute, returns \
             tokens of the same session.",
        )
        .access(Access::Public)
        .for_people()
        .body::<Body>(json!({
            "flow": "bJ3t1mR0t8nYk6w2Qv5xZ7aC9dE1fG3hI5jK7lM9nO0",
            "password": "correct horse battery staple"
        }))
        .exactly_one(&PROOFS)
        .answer::<Pair>(200, "The session's token pair.", pair::example())
        .problems(&[
            Code::CodeExpired,
            Code::InvalidCredentials,
            Code::CodeWrong,
            Code::TooManyAttempts,
            Code::AccountDisabled,
            Code::AccountFrozen,
            Code::ConsentRequired,
            Code::RecoveryDelayed,
            Code::OauthAccountInUse,
            Code::OauthProviderLinked,
            Code::TooManySessions,
        ])
}

/// Handles the request.
///
/// # Errors
///
/// 410 `code_expired` when the flow is unknown, over, or another client's; 401 `invalid_credentials`; 403 `code_wrong` or
/// `account_disabled`; 409 `recovery_delayed`, `oauth_account_in_use` or `oauth_provider_linked`; 429 `too_many_attempts`; 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    perform(request).await.map(|pair| pair.respond())
}

/// What the endpoint does, for a page too.
pub(crate) async fn perform(mut request: Request) -> Result<Pair, Problem> {
    let form = request.form()?;
    let present = PROOFS.iter().filter(|name| form.has(name)).count();
    let (body, mut found) = form.read::<Body>();
    match present {
        0 => found.add("password", "field_missing", "One of `password` and `code` is required."),
        1 => {}
        _ => found.add("password", "field_invalid", "Send only one of `password` and `code`."),
    }
    let body = found.finish(body)?;
    request.client.present(body.device_token);
    let owner = owner_of(&request, body.code_verifier.as_ref());
    let secret = body.flow.as_ref();
    // What was tried must not be found in Redis, nor be guessed from it: the flow itself is not there either.
    let (confirming, attempt) = match (&body.password, &body.code) {
        (Some(password), _) => (Confirming::Password(password), password.fingerprint(secret)),
        (None, Some(code)) => {
            (Confirming::Code(code), used_with(&request.context, &["confirm", secret, code.as_ref()]))
        }
        // One of them is present.
        (None, None) => return Err(expired()),
    };
    let claim = one_time::claim(&request.context, (OneTimeKind::Link, secret), &owner, attempt).await?;
    let pair = match claim.ok_or_else(expired)? {
        Claim::First(pending, ticket) => {
            attempt_to_link(&request, pending, (secret, &confirming), ticket).await?
        }
        Claim::Again(session) => {
            pair_again(&request.context, &request.client, session).await?.ok_or_else(expired)?
        }
    };
    Ok(pair)
}

/// Confirms the link, and keeps the identifier of the session for a repeated request. The value is claimed, so two
/// passwords are never checked at the same time.
async fn attempt_to_link(
    request: &Request,
    mut pending: PendingLink,
    (secret, confirming): (&str, &Confirming<'_>),
    ticket: Ticket,
) -> Result<Pair, Problem> {
    let (context, actor) = (&request.context, request.actor());
    let opened = match confirming {
        Confirming::Password(password) => {
            let flow = ticket.fingerprint();
            confirm(context, &actor, (&mut pending, &flow), password).await
        }
        Confirming::Code(code) => confirm_by_code(context, &actor, &pending, secret, code).await,
    };
    let are_left = pending.attempts.are_left();
    // An attempt that was not checked costs the user none; a code has counters of its own.
    let keeps = |code| match code {
        Code::TooManyAttempts | Code::CodeWrong | Code::RecoveryDelayed => true,
        Code::InvalidCredentials => are_left,
        _ => false,
    };
    one_time::settle(context, ticket, &pending, opened.map(|opened| (opened.session, opened.pair)), keeps)
        .await
}

async fn confirm(
    context: &Context,
    actor: &Actor,
    (pending, flow): (&mut PendingLink, &str),
    password: &Password,
) -> Result<Opened, Problem> {
    let user = pending.user;
    let account = users::find_by_id(&context.db.get().await?, user, actor.address()).await?;
    let tried = Tried {
        route: LimitedRoute::Confirmation,
        identifier: "",
        session: flow.as_bytes(),
        account: account.as_ref().map(|account| account.facts),
    };
    let mut permit = HashPermit::take(context, actor, tried).await?;
    let hash = account.and_then(|account| account.password_hash);
    let matched = permit.verify(password, hash.as_ref()).await?;
    let entry = |event| HistoryEntry { event, user: Some(user), session: None };
    let (Some(hash), PasswordMatch::Yes | PasswordMatch::YesButOutdated) = (hash, matched) else {
        permit.failed();
        pending.attempts.fail();
        history::record(context, actor, entry(Event::ProofFailed)).await;
        return Err(Problem::new(Code::InvalidCredentials));
    };
    permit.succeeded().await;
    let identity = (&pending.identity(context)?, pending.rule);
    let verified = (&hash, Code::AccountDisabled, Some(&*pending));
    let (proof, history) = link_by_password(context, actor, identity, user, verified).await?;
    for entry in history {
        history::record(context, actor, entry).await;
    }
    sign_in(context, actor, &proof).await
}

/// Links the identity, if a code from a mail to the address is right, and signs in.
async fn confirm_by_code(
    context: &Context,
    actor: &Actor,
    pending: &PendingLink,
    secret: &str,
    code: &CodeText,
) -> Result<Opened, Problem> {
    let identity = pending.identity(context)?;
    let email = identity.email.as_ref().ok_or_else(expired)?;
    let right = check_code(context, actor, (secret, email), code).await?;
    let mut connection = context.db.get().await?;
    let tx = connection.begin().await?;
    let account = users::lock_for_change(&tx, pending.user).await?;
    let account = account.ok_or_else(|| Problem::new(Code::AccountDisabled))?;
    pending.check_generation(&tx).await?;
    check_not_frozen(&*tx, pending.user).await?;
    // What was offered may have changed since.
    let facts = link_facts::read(context, &tx, &account, &identity).await?;
    if !methods(&facts).contains(&LinkMethod::Mail) || !use_up(&tx, right.flow, &right.with, None).await? {
        return Err(expired());
    }
    if let Some(at) = delay(&tx, (context, actor), &account, email).await? {
        tx.commit().await?;
        return Err(delayed_recovery::delayed(at));
    }
    let link = identity.confirmed_link_to(account.id(), pending.rule, ConfirmedBy::Mail);
    let kept = [identity.provider.id()];
    let proved = Proved::Mailbox(&kept);
    let history = link_confirmed(&tx, context, actor, &account, (&identity, &link), proved).await?;
    // The first proof of the address has begun another generation.
    let proof = identity.proof_of(account.id(), generation(&tx, account.id()).await?);
    tx.commit().await?;
    for entry in history {
        history::record(context, actor, entry).await;
    }
    sign_in(context, actor, &proof).await
}
