//! `POST /api/v1/oauth/link/sign-in`: links an identity to an account that the user names, with its password.

use deserr::Deserr;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{link_by_password, owner_of};
use crate::actor::{Actor, DeviceText};
use crate::api::text::{Opaque, Text};
use crate::api::{Access, Code, Findings, Operation, Problem, Request, Response};
use crate::context::Context;
use crate::guessing::LimitedRoute;
use crate::passwords::Password;
use crate::pending_erasure;
use crate::permit::{HashPermit, Tried};
use crate::provider_sign_in::flow::CodeVerifier;
use crate::provider_sign_in::one_time::{self, Claim, OneTimeKind};
use crate::provider_sign_in::pending_proof::PendingProof;
use crate::provider_sign_in::sign_in::sign_in;
use crate::provider_sign_in::stored_identity::expired;
use crate::sessions::history::{self, Event, HistoryEntry, LoginFailure};
use crate::sessions::login::{TypedName, verify};
use crate::sessions::{Pair, pair, pair_again};
use crate::users::Identifier;
use crate::users::store::find;

/// The `flow` of the problem, and the account.
#[derive(Deserr, ToSchema)]
#[schema(as = LinkSignIn)]
#[serde(deny_unknown_fields)]
#[deserr(error = Findings, deny_unknown_fields)]
struct Body {
    #[schema(value_type = String, pattern = "^[A-Za-z0-9_-]{43}$")]
    flow: Opaque,
    /// The verifier of the app whose sign-in got the flow; without one the cookie of the browser is used.
    #[deserr(default)]
    #[schema(value_type = Option<String>, pattern = "^[A-Za-z0-9._~-]{43,128}$")]
    code_verifier: Option<CodeVerifier>,
    /// An e-mail address or a login name.
    #[schema(value_type = String, pattern = "^[^\\x00]*$")]
    identifier: Text,
    #[schema(value_type = String, format = Password, pattern = "^[^\\x00]*$")]
    password: Password,
    /// The device token of an earlier pair, from an app that keeps no cookies.
    #[deserr(default)]
    #[schema(value_type = Option<String>, pattern = "^[!-~]+$", min_length = 1, max_length = 512)]
    device_token: Option<DeviceText>,
}

/// Describes the endpoint.
pub fn describe(operation: Operation) -> Operation {
    operation
        .tag("Providers")
        .summary("Link an account at a provider to an account that you name.")
        .detail(
            "For a flow of `email_proof_offered`, which is valid for ten minutes and five attempts, and only for the browser \
             or app that started the sign-in. Afterwards the account at the provider is another sign-in method. The same \
             request, repeated within a minute, returns tokens of the same session.",
        )
        .access(Access::Public)
        .for_people()
        .body::<Body>(json!({
            "flow": "bJ3t1mR0t8nYk6w2Qv5xZ7aC9dE1fG3hI5jK7lM9nO0",
            "identifier": "anna@example.org",
            "password": "correct horse battery staple"
        }))
        .answer::<Pair>(200, "The session's token pair.", pair::example())
        .problems(&[
            Code::CodeExpired,
            Code::InvalidCredentials,
            Code::TooManyAttempts,
            Code::AccountDisabled,
            Code::AccountFrozen,
            Code::ErasurePending,
            Code::OauthAccountInUse,
            Code::OauthProviderLinked,
            Code::TooManySessions,
        ])
}

/// Handles the request.
///
/// # Errors
///
/// 410 `code_expired` when the flow is unknown, over, or another client's; 401 `invalid_credentials`; 409
/// `oauth_account_in_use` or `oauth_provider_linked`; 429 `too_many_attempts`; 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    perform(request).await.map(|pair| pair.respond())
}

/// What the endpoint does, for a page too.
pub(crate) async fn perform(mut request: Request) -> Result<Pair, Problem> {
    let body: Body = request.form()?.finish()?;
    let owner = owner_of(&request, body.code_verifier.as_ref());
    request.client.present(body.device_token);
    let name = TypedName::new(Identifier::read(body.identifier.as_ref()), body.identifier.as_ref());
    // What was tried must not be found in Redis, nor be guessed from it: the flow itself is not there either.
    let attempt = body.password.fingerprint(&format!("{}\0{}", body.flow.as_ref(), name.looked_up));
    let value = (OneTimeKind::Proof, body.flow.as_ref());
    let claim = one_time::claim(&request.context, value, &owner, attempt).await?;
    let pair = match claim.ok_or_else(expired)? {
        Claim::First(mut pending, ticket) => {
            let context = &request.context;
            let opened =
                attempt_to_link(context, &request.actor(), &mut pending, &name, &body.password).await;
            let are_left = pending.attempts.are_left();
            // An attempt that was not checked costs the user none; nor does the right password of an account that
            // cannot get the link.
            let keeps = |code| match code {
                Code::TooManyAttempts | Code::OauthProviderLinked => true,
                Code::InvalidCredentials => are_left,
                _ => false,
            };
            one_time::settle(context, ticket, &pending, opened, keeps).await?
        }
        Claim::Again(session) => {
            pair_again(&request.context, &request.client, session).await?.ok_or_else(expired)?
        }
    };
    Ok(pair)
}

/// Checks the password as a sign-in does, in the same buckets and the same time.
async fn attempt_to_link(
    context: &Context,
    actor: &Actor,
    pending: &mut PendingProof,
    name: &TypedName,
    password: &Password,
) -> Result<(Uuid, Pair), Problem> {
    let account = find(&context.db.get().await?, &name.identifier, actor.address()).await?;
    let tried = Tried {
        route: LimitedRoute::Login,
        identifier: &name.looked_up,
        session: &[],
        account: account.as_ref().map(|account| account.facts),
    };
    let mut permit = HashPermit::take(context, actor, tried).await?;
    let user = account.as_ref().map(|account| account.id);
    match (verify(&mut permit, account.as_ref(), password).await?, user) {
        (Ok(verified), Some(user)) => {
            permit.succeeded().await;
            let identity = (&pending.identity(context)?, pending.rule);
            let verified = (&verified.hash, Code::InvalidCredentials, None);
            let (proof, history) = link_by_password(context, actor, identity, user, verified).await?;
            for entry in history {
                history::record(context, actor, entry).await;
            }
            let opened = sign_in(context, actor, &proof).await?;
            Ok((opened.session, opened.pair))
        }
        (Err(LoginFailure::Erasing), Some(user)) => {
            permit.succeeded().await;
            let problem = pending_erasure::problem(context, &*context.db.get().await?, user).await?;
            Err(problem.unwrap_or_else(|| Problem::new(Code::InvalidCredentials)))
        }
        (verified, user) => {
            permit.wait_as_failed().await;
            permit.failed();
            pending.attempts.fail();
            let failure = verified.err().unwrap_or(LoginFailure::UnknownName);
            let entry = HistoryEntry { event: Event::LoginFailed(failure), user, session: None };
            history::record(context, actor, entry).await;
            Err(Problem::new(Code::InvalidCredentials))
        }
    }
}
