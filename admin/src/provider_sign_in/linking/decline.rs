//! `POST /api/v1/oauth/link/decline`: the user says that the account with the e-mail address is another user's, and gets a new
//! account.

use deserr::Deserr;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::by_code::check_code;
use super::{CreatedIn, check_seen, owner_of};
use crate::actor::{Actor, DeviceText};
use crate::api::text::Opaque;
use crate::api::{Access, Code, Findings, Operation, Problem, Request, Response};
use crate::context::Context;
use crate::db::Transaction;
use crate::mail_proof::{CodeText, use_up, used_with};
use crate::notices::{self, NoticeTarget};
use crate::provider_sign_in::decide::Email;
use crate::provider_sign_in::flow::CodeVerifier;
use crate::provider_sign_in::identity::ProviderIdentity;
use crate::provider_sign_in::link_methods::{AddressProof, Declined, declined, needs_code_to_decline};
use crate::provider_sign_in::locked_facts::{LockedFacts, facts_of_new};
use crate::provider_sign_in::one_time::{self, Claim, OneTimeKind};
use crate::provider_sign_in::outcome::Outcome;
use crate::provider_sign_in::pending_link::PendingLink;
use crate::provider_sign_in::resolution::{Applied, Resolution};
use crate::provider_sign_in::stored_identity::expired;
use crate::sessions::history::{Event, HistoryEntry};
use crate::sessions::{Pair, pair, pair_again};
use crate::users::{LockedAccount, email_owner};

/// How often the transaction is tried, because another one was first.
const ATTEMPTS: u32 = 3;

/// The `flow` of the problem, and when the account that is declined was created.
#[derive(Deserr, ToSchema)]
#[schema(as = LinkDecline)]
#[serde(deny_unknown_fields)]
#[deserr(error = Findings, deny_unknown_fields)]
struct Body {
    #[schema(value_type = String, pattern = "^[A-Za-z0-9_-]{43}$")]
    flow: Opaque,
    /// The verifier of the app whose sign-in got the flow; without one the cookie of the browser is used.
    #[deserr(default)]
    #[schema(value_type = Option<String>, pattern = "^[A-Za-z0-9._~-]{43,128}$")]
    code_verifier: Option<CodeVerifier>,
    /// `created_in` of the account, from `/oauth/link/show`: the user must have seen which account is declined.
    #[schema(value_type = String, pattern = "^[0-9]{4}-[0-9]{2}$")]
    created_in: CreatedIn,
    /// From a mail that `/oauth/link/mail` caused; required if `/oauth/link/show` says so (`decline_needs_code`).
    #[deserr(default)]
    #[schema(value_type = Option<String>, pattern = "^[\\t-\\r \\-]*([0-9A-Za-z][\\t-\\r \\-]*){6,10}$")]
    code: Option<CodeText>,
    /// The device token of an earlier pair, from an app that keeps no cookies.
    #[deserr(default)]
    #[schema(value_type = Option<String>, pattern = "^[!-~]+$", min_length = 1, max_length = 512)]
    device_token: Option<DeviceText>,
}

/// Describes the endpoint.
pub fn describe(operation: Operation) -> Operation {
    operation
        .tag("Providers")
        .summary("Decline the account with the e-mail address, and get a new one.")
        .detail(
            "Show the user first what `/oauth/link/show` says about the account: a user who declines their own account gets \
             a second, empty one. The new account has the e-mail address only if `decline_gives_email` is true; then the \
             other account loses the address, and keeps everything else. The same request, repeated within a minute, \
             returns tokens of the same session.",
        )
        .access(Access::Public)
        .for_people()
        .body::<Body>(json!({
            "flow": "bJ3t1mR0t8nYk6w2Qv5xZ7aC9dE1fG3hI5jK7lM9nO0",
            "created_in": "2026-03"
        }))
        .answer::<Pair>(200, "The token pair of the new user's session.", pair::example())
        .problems(&[
            Code::CodeExpired,
            Code::CodeWrong,
            Code::AccountDisabled,
            Code::RegistrationClosed,
            Code::TooManyAttempts, Code::ConsentRequired])
}

/// Handles the request.
///
/// # Errors
///
/// 410 `code_expired` when the flow is unknown, over, or another client's, or the address has another owner meanwhile;
/// 403 `code_wrong`, `account_disabled` or `registration_closed`; 422 `validation_failed` when the account was created in
/// another month, or a code is missing; 429 `too_many_attempts`; 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    perform(request).await.map(|pair| pair.respond())
}

/// What the endpoint does, for a page too.
pub(crate) async fn perform(mut request: Request) -> Result<Pair, Problem> {
    let body: Body = request.form()?.finish()?;
    let owner = owner_of(&request, body.code_verifier.as_ref());
    request.client.present(body.device_token);
    let value = (OneTimeKind::Link, body.flow.as_ref());
    let code = body.code.as_ref();
    let with = code.map(|code| used_with(&request.context, &["decline", body.flow.as_ref(), code.as_ref()]));
    let attempt = format!("decline{}", with.unwrap_or_default());
    let claim = one_time::claim(&request.context, value, &owner, attempt).await?;
    let pair = match claim.ok_or_else(expired)? {
        Claim::First(pending, ticket) => {
            let (context, month) = (&request.context, body.created_in.as_ref());
            let declining =
                Declining { pending: &pending, created_in: month, secret: body.flow.as_ref(), code };
            let opened = decline(context, &request.actor(), &declining).await;
            let keeps =
                |code| matches!(code, Code::ValidationFailed | Code::CodeWrong | Code::TooManyAttempts);
            one_time::settle(context, ticket, &pending, opened, keeps).await?
        }
        Claim::Again(session) => {
            pair_again(&request.context, &request.client, session).await?.ok_or_else(expired)?
        }
    };
    Ok(pair)
}

/// What a user has sent to decline.
struct Declining<'d> {
    pending: &'d PendingLink,
    created_in: &'d str,
    /// The secret of the flow.
    secret: &'d str,
    code: Option<&'d CodeText>,
}

async fn decline(
    context: &Context,
    actor: &Actor,
    declining: &Declining<'_>,
) -> Result<(Uuid, Pair), Problem> {
    let pending = declining.pending;
    let identity = pending.identity(context)?;
    let right = match declining.code {
        Some(code) => {
            let email = identity.email.as_ref().ok_or_else(expired)?;
            Some(check_code(context, actor, (declining.secret, email), code).await?)
        }
        None => None,
    };
    for _ in 0..ATTEMPTS {
        let mut connection = context.db.get().await?;
        let tx = connection.begin().await?;
        // Linked meanwhile, in another tab.
        let known = facts_of_new(context, &tx, &identity).await?.ok_or_else(expired)?;
        let mut resolution = Resolution {
            context,
            actor,
            link: None,
            identity: &identity,
            is_for_page: false,
            rule: pending.rule,
            history: Vec::new(),
        };
        if let Some(right) = &right
            && !use_up(&tx, right.flow, &right.with, None).await?
        {
            return Err(expired());
        }
        match create(&mut resolution, &tx, &known, (declining, right.is_some())).await? {
            Some(Outcome::SignedIn { session, pair: Some(pair) }) => {
                tx.commit().await?;
                resolution.record().await;
                return Ok((session, pair));
            }
            // Another transaction took the address, or linked the identity.
            None => {}
            // A new user is active, and there is no page.
            Some(_) => return Err(Problem::new(Code::Internal)),
        }
    }
    Err(Problem::new(Code::Overloaded))
}

/// Creates the new user, if the address is still that of the account that the user declines, or free.
async fn create(
    resolution: &mut Resolution<'_>,
    tx: &Transaction<'_>,
    known: &LockedFacts<'_>,
    (declining, has_proof): (&Declining<'_>, bool),
) -> Applied {
    let pending = declining.pending;
    let (account, facts) = match (known.facts.email, &known.account, &known.link) {
        (Email::Free, ..) => return resolution.create(tx, resolution.identity.email.as_ref()).await,
        (Email::Held(_), Some(account), Some(facts)) if account.id() == pending.user => (account, facts),
        (Email::Absent | Email::Untrusted | Email::Held(_), ..) => return Err(expired()),
    };
    pending.check_generation(tx).await?;
    check_seen(tx, account.id(), declining.created_in).await?;
    if needs_code_to_decline(facts) && !has_proof {
        let sentence = "Is required: ask for a code by `/oauth/link/mail`.";
        return Err(Problem::new(Code::ValidationFailed).field("code", "field_missing", sentence));
    }
    let proof = if has_proof { AddressProof::Code } else { AddressProof::None };
    create_beside(resolution, tx, account, declined(facts, proof)).await
}

/// Creates the new user beside `account`, which loses its address only where [`declined`] says so.
async fn create_beside(
    resolution: &mut Resolution<'_>,
    tx: &Transaction<'_>,
    account: &LockedAccount<'_>,
    declined: Declined,
) -> Applied {
    match (declined, account.unverified_email()) {
        (Declined::Closed, _) => Err(Problem::new(Code::RegistrationClosed)),
        (Declined::TakeEmail, Some(key)) => {
            let user = account.id();
            email_owner::withdraw(tx, &resolution.context.former_email_keys, user, key).await?;
            let entry = HistoryEntry { event: Event::EmailClaimed, user: Some(user), session: None };
            resolution.history.push(entry);
            notices::email_claimed(NoticeTarget { core: resolution.context, tx, user }).await?;
            let identity: &ProviderIdentity<'_> = resolution.identity;
            resolution.create(tx, identity.email.as_ref()).await
        }
        (Declined::TakeEmail | Declined::CreateWithoutEmail, _) => resolution.create(tx, None).await,
    }
}
