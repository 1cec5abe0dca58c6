//! `POST /api/v1/oauth/link/prove`: the user proves an address by a code, and the identity goes to the account that has it, or
//! to a new one.

use deserr::Deserr;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::by_code::{RightCode, check_code};
use super::{delay, owner_of};
use crate::actor::{Actor, DeviceText};
use crate::api::text::Opaque;
use crate::api::{Access, Code, Findings, Operation, Problem, Request, Response};
use crate::context::Context;
use crate::db::Transaction;
use crate::delayed_recovery;
use crate::evict::evict_with_password;
use crate::mail_proof::{CodeText, EXAMPLE_CODE, use_up, used_with};
use crate::notices::{self, NoticeTarget};
use crate::provider_sign_in::flow::CodeVerifier;
use crate::provider_sign_in::identity::ProviderIdentity;
use crate::provider_sign_in::one_time::{self, Claim, OneTimeKind};
use crate::provider_sign_in::outcome::Outcome;
use crate::provider_sign_in::pending_proof::PendingProof;
use crate::provider_sign_in::resolution::Resolution;
use crate::provider_sign_in::store::{self, ConfirmedBy};
use crate::provider_sign_in::stored_identity::expired;
use crate::sessions::history::{Event, HistoryEntry};
use crate::sessions::session::EndReason;
use crate::sessions::store::standing;
use crate::sessions::{Pair, pair, pair_again};
use crate::users::consents;
use crate::users::email_changes::check_not_frozen;
use crate::users::email_owner::store::{self as owners, EmailOwner};
use crate::users::{EmailAddress, LockedAccount};

/// The `flow` of the problem, the address, and the code of the mail to it.
#[derive(Deserr, ToSchema)]
#[schema(as = LinkProof)]
#[serde(deny_unknown_fields)]
#[deserr(error = Findings, deny_unknown_fields)]
struct Body {
    #[schema(value_type = String, pattern = "^[A-Za-z0-9_-]{43}$")]
    flow: Opaque,
    /// The verifier of the app whose sign-in got the flow; without one the cookie of the browser is used.
    #[deserr(default)]
    #[schema(value_type = Option<String>, pattern = "^[A-Za-z0-9._~-]{43,128}$")]
    code_verifier: Option<CodeVerifier>,
    /// As it was sent to `/oauth/link/mail`.
    #[schema(value_type = String, format = "idn-email", max_length = 254, pattern = "^[\\t-\\r ]*[^\\x00-\\x20\\x7f]+[\\t-\\r ]*$")]
    email: EmailAddress,
    #[schema(value_type = String, pattern = "^[\\t-\\r \\-]*([0-9A-Za-z][\\t-\\r \\-]*){6,10}$")]
    code: CodeText,
    /// The device token of an earlier pair, from an app that keeps no cookies.
    #[deserr(default)]
    #[schema(value_type = Option<String>, pattern = "^[!-~]+$", min_length = 1, max_length = 512)]
    device_token: Option<DeviceText>,
}

/// Describes the endpoint.
pub fn describe(operation: Operation) -> Operation {
    operation
        .tag("Providers")
        .summary("Prove an address, and link the provider's account to the account that has it.")
        .detail(
            "For a flow of `email_proof_offered`, after `/oauth/link/mail`. If no account has the address, a new one gets it. \
             If the code verifies the address of an account for the first time, all other sessions and linked accounts of \
             it end; an account that is in use, and never proved the address, is linked by its password only \
             (`/oauth/link/sign-in`). The same request, repeated within a minute, returns tokens of the same session.",
        )
        .access(Access::Public)
        .for_people()
        .body::<Body>(json!({
            "flow": "bJ3t1mR0t8nYk6w2Qv5xZ7aC9dE1fG3hI5jK7lM9nO0",
            "email": "anna@example.org",
            "code": EXAMPLE_CODE
        }))
        .answer::<Pair>(200, "The session's token pair.", pair::example())
        .problems(&[
            Code::CodeExpired,
            Code::CodeWrong,
            Code::EmailTaken,
            Code::AccountUnproven,
            Code::RecoveryDelayed,
            Code::AccountDisabled,
            Code::AccountFrozen,
            Code::RegistrationClosed,
            Code::ConsentRequired,
            Code::OauthProviderLinked,
            Code::TooManyAttempts,
            Code::TooManySessions,
        ])
}

/// Handles the request.
///
/// # Errors
///
/// 403 `code_wrong`, `account_disabled` or `registration_closed`; 409 `account_unproven` for an account in use,
/// `email_taken` for that of a user who holds a permission of this service, or `oauth_provider_linked`; 410 `code_expired`
/// when the flow is unknown, over, or another client's; 422 `validation_failed`; 429; 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    perform(request).await.map(|pair| pair.respond())
}

/// What the endpoint does, for a page too.
pub(crate) async fn perform(mut request: Request) -> Result<Pair, Problem> {
    let body: Body = request.form()?.finish()?;
    request.client.present(body.device_token);
    let (context, owner) = (&request.context, owner_of(&request, body.code_verifier.as_ref()));
    let (secret, email) = (body.flow.as_ref(), &body.email);
    let attempt = used_with(context, &["prove", secret, email.key(), body.code.as_ref()]);
    let claim = one_time::claim(context, (OneTimeKind::Proof, secret), &owner, attempt).await?;
    let pair = match claim.ok_or_else(expired)? {
        Claim::First(pending, ticket) => {
            let actor = request.actor();
            let opened = match check_code(context, &actor, (secret, email), &body.code).await {
                Ok(right) => prove(context, &actor, &pending, (email, &right)).await,
                Err(problem) => Err(problem),
            };
            // The user may go on by another method.
            let keeps = |code| {
                matches!(
                    code,
                    Code::CodeWrong
                        | Code::CodeExpired
                        | Code::TooManyAttempts
                        | Code::EmailTaken
                        | Code::AccountUnproven
                        | Code::RecoveryDelayed
                        | Code::OauthProviderLinked
                )
            };
            one_time::settle(context, ticket, &pending, opened, keeps).await?
        }
        Claim::Again(session) => pair_again(context, &request.client, session).await?.ok_or_else(expired)?,
    };
    Ok(pair)
}

async fn prove(
    context: &Context,
    actor: &Actor,
    pending: &PendingProof,
    (email, right): (&EmailAddress, &RightCode),
) -> Result<(Uuid, Pair), Problem> {
    let (identity, rule) = (&pending.identity(context)?, pending.rule);
    let mut connection = context.db.get().await?;
    let tx = connection.begin().await?;
    let owner = owners::lock_owner_of_mailbox(&tx, email.key()).await?;
    if !use_up(&tx, right.flow, &right.with, None).await? {
        return Err(expired());
    }
    let history = Vec::new();
    let mut proved = Resolution { context, actor, link: None, identity, is_for_page: false, rule, history };
    let outcome = match owner {
        None => proved.create(&tx, Some(email)).await?,
        // A disabled user must not return as a new one.
        Some(EmailOwner::Erasing(_) | EmailOwner::Disabled | EmailOwner::DisabledUnverified) => {
            return Err(Problem::new(Code::AccountDisabled));
        }
        Some(EmailOwner::Active(account)) => {
            if let Some(at) = delay(&tx, (context, actor), &account, email).await? {
                tx.commit().await?;
                return Err(delayed_recovery::delayed(at));
            }
            proved.history = link(&tx, context, actor, (identity, rule), &account, email).await?;
            Some(proved.admit(&tx, account.id(), Some(&account)).await?)
        }
    };
    match outcome {
        Some(Outcome::SignedIn { session, pair: Some(pair) }) => {
            tx.commit().await?;
            proved.record().await;
            Ok((session, pair))
        }
        // Linked meanwhile, or the address was taken.
        None => Err(expired()),
        // The user is active, and there is no page.
        Some(_) => Err(Problem::new(Code::Internal)),
    }
}

/// Links the identity to the account that has the address, which is locked.
async fn link(
    tx: &Transaction<'_>,
    context: &Context,
    actor: &Actor,
    (identity, rule): (&ProviderIdentity<'_>, u8),
    account: &LockedAccount<'_>,
    email: &EmailAddress,
) -> Result<Vec<HistoryEntry>, Problem> {
    let user = account.id();
    if standing(tx, user).await?.is_operator {
        let detail = "Sign in with the password of the account, and link this one then.";
        return Err(Problem::new(Code::EmailTaken).detail(detail));
    }
    check_not_frozen(&**tx, user).await?;
    let (asked, sent) = (context.config.consent.as_ref(), identity.consent.as_deref());
    let consent = consents::check_first_use(&**tx, user, asked, sent).await?;
    consents::store::record(tx, user, consent).await?;
    let is_first_proof = account.unverified_email().is_some();
    if !store::insert(tx, &identity.confirmed_link_to(user, rule, ConfirmedBy::Mail)).await? {
        return Err(match store::owner(tx, identity.provider.id(), &identity.subject).await? {
            Some(_) => expired(),
            None => Problem::new(Code::OauthProviderLinked),
        });
    }
    let mut history = vec![HistoryEntry { event: Event::AccountLinked, user: Some(user), session: None }];
    let target = NoticeTarget { core: context, tx, user };
    notices::provider_linked(target, actor.client().into(), identity.provider.name()).await?;
    if is_first_proof && owners::verify(tx, user, email.key()).await? {
        let kept = [identity.provider.id()];
        let evicted = evict_with_password(tx, &context.issuer, user, &kept, EndReason::EmailClaimed).await?;
        evicted.notify(context, target, actor.client().into()).await?;
        history.extend(evicted.history(user, Event::EmailVerified));
    }
    Ok(history)
}
