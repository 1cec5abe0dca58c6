//! `POST /api/v1/oauth/link/confirm`: somebody whose address is that of an account here shows that it is theirs.

use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::begin::is_from;
use super::secret;
use super::settle::Comer;
use super::sign_in::{Proven, sign_in};
use super::store::{self, NewAccount, Snapshot};
use crate::api::{Access, Code, Operation, Problem, Request, Response};
use crate::passwords::{Password, PasswordHash, PasswordMatch};
use crate::pending::Kind;
use crate::sessions::history::{self, Entry, Event};
use crate::sessions::session::Device;
use crate::sessions::{Pair, mint};
use crate::users::store as users;

/// How often a password may be tried.
const TRIES: u8 = 5;

/// What was answered with `link_confirmation_required`, and the password of the account here.
#[derive(Deserialize, ToSchema)]
#[schema(as = LinkConfirmation)]
#[serde(deny_unknown_fields)]
struct Body {
    #[schema(pattern = "^[A-Za-z0-9_-]{43}$")]
    flow: String,
    #[schema(value_type = String, format = Password, pattern = "^[^\\x00]*$")]
    password: Password,
}

/// Somebody who may be a user. Purposefully without `Debug`.
#[derive(Serialize, Deserialize)]
pub(super) struct Unconfirmed {
    proven: Proven,
    /// By which it is linked then.
    rule: u8,
    email: Option<String>,
    is_email_vouched: bool,
    display_name: Option<String>,
    /// The hash of their browser's secret; an app has none.
    browser: Option<String>,
    tries: u8,
}

/// Documents the endpoint.
pub fn describe(operation: Operation) -> Operation {
    operation
        .tag("Providers")
        .summary("Link an account at a provider to the account here that has its address.")
        .detail(
            "The flow counts for ten minutes and five passwords, and only in the browser that began the sign-in. \
             Afterwards the account at the provider is another way in.",
        )
        .access(Access::Public)
        .body::<Body>(json!({
            "flow": "bJ3t1mR0t8nYk6w2Qv5xZ7aC9dE1fG3hI5jK7lM9nO0",
            "password": "correct horse battery staple"
        }))
        .answer::<Pair>(200, "The token pair of the session.", mint::example())
        .problems(&[
            Code::CodeExpired,
            Code::InvalidCredentials,
            Code::AccountDisabled,
            Code::OauthAccountInUse,
            Code::OauthProviderLinked,
        ])
}

/// Handles the request.
///
/// # Errors
///
/// 410 `code_expired` for a flow that is not known, is over, or another browser's; 401 `invalid_credentials`; 403
/// `account_disabled`; 409 `oauth_account_in_use` or `oauth_provider_linked`; 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    let body: Body = request.json()?;
    let mut unconfirmed = take(&request, &body.flow).await?;
    let confirmed = confirm(&request, &mut unconfirmed, &body.password).await;
    let may_try_again = match &confirmed {
        Ok(_) => false,
        // What went wrong here is no fault of theirs.
        Err(problem) if problem.code().status().is_server_error() => true,
        Err(problem) => problem.code() == Code::InvalidCredentials && unconfirmed.tries < TRIES,
    };
    if may_try_again {
        request.context.pending.put(Kind::Flow, &body.flow, &unconfirmed).await?;
    }
    Ok(Response::json(StatusCode::OK, &confirmed?))
}

async fn confirm(
    request: &Request,
    unconfirmed: &mut Unconfirmed,
    password: &Password,
) -> Result<Pair, Problem> {
    let user = unconfirmed.proven.user;
    let mut slot = request.context.hasher.reserve()?;
    let account = users::find_by_id(&request.context.db.get().await?, user).await?;
    let hash = account.and_then(|account| account.password_hash);
    let verdict = slot.verify(password, hash.as_ref()).await?;
    drop(slot);
    let entry = |event| Entry { event, user: Some(user), session: None };
    let (Some(hash), PasswordMatch::Yes | PasswordMatch::YesButOutdated) = (hash, verdict) else {
        unconfirmed.tries += 1;
        history::record(&request.context, &request.actor(), entry(Event::ProofFailed)).await;
        return Err(Problem::new(Code::InvalidCredentials));
    };
    link(request, unconfirmed, &hash).await?;
    history::record(&request.context, &request.actor(), entry(Event::AccountLinked)).await;
    let device = Device::of(&request.client, None);
    sign_in(request, &unconfirmed.proven, &device, Code::CodeExpired).await
}

/// Takes the flow, so that no two passwords are tried with it at once.
async fn take(request: &Request, flow: &str) -> Result<Unconfirmed, Problem> {
    let gone = || Problem::new(Code::CodeExpired).detail("Begin the sign-in again.");
    if !secret::has_the_form(flow) {
        return Err(gone());
    }
    let unconfirmed: Option<Unconfirmed> = request.context.pending.take(Kind::Flow, flow).await?;
    let is_theirs = |unconfirmed: &Unconfirmed| {
        unconfirmed.browser.as_ref().is_none_or(|browser| is_from(request, browser))
    };
    unconfirmed.filter(is_theirs).ok_or_else(gone)
}

/// Links it, if the password that was found right is still the one.
async fn link(request: &Request, unconfirmed: &Unconfirmed, verified: &PasswordHash) -> Result<(), Problem> {
    let Proven { user, provider, subject } = &unconfirmed.proven;
    let mut connection = request.context.db.get().await?;
    let tx = connection.begin().await?;
    let account = users::lock_for_change(&tx, *user).await?;
    let account = account.ok_or_else(|| Problem::new(Code::AccountDisabled))?;
    if !account.has_hash(Some(verified)) {
        return Err(Problem::new(Code::InvalidCredentials));
    }
    let snapshot = Snapshot {
        email: unconfirmed.email.as_deref(),
        is_email_vouched: unconfirmed.is_email_vouched,
        display_name: unconfirmed.display_name.as_deref(),
    };
    let new = NewAccount { provider, subject, user: *user, rule: unconfirmed.rule, snapshot };
    if !store::insert(&tx, &new).await? {
        match store::owner(&*tx, provider, subject).await? {
            Some(owner) if owner == *user => {}
            Some(_) => return Err(Problem::new(Code::OauthAccountInUse)),
            None => return Err(Problem::new(Code::OauthProviderLinked)),
        }
    }
    Ok(tx.commit().await?)
}

impl Unconfirmed {
    /// Somebody who may be `user`.
    pub(super) fn new(user: Uuid, rule: u8, comer: &Comer<'_>, browser: Option<String>) -> Self {
        let Snapshot { email, is_email_vouched, display_name } = comer.snapshot();
        let (provider, subject) = (comer.provider.id().to_owned(), comer.subject.to_owned());
        Self {
            proven: Proven { user, provider, subject },
            rule,
            email: email.map(str::to_owned),
            is_email_vouched,
            display_name: display_name.map(str::to_owned),
            browser,
            tries: 0,
        }
    }
}
