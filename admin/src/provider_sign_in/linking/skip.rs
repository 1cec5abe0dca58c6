//! `POST /api/v1/oauth/link/skip`: the user has no account yet, and gets one without an e-mail address.

use deserr::Deserr;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::owner_of;
use crate::actor::{Actor, DeviceText};
use crate::api::text::Opaque;
use crate::api::{Access, Code, Findings, Operation, Problem, Request, Response};
use crate::context::Context;
use crate::provider_sign_in::flow::CodeVerifier;
use crate::provider_sign_in::one_time::{self, Claim, OneTimeKind};
use crate::provider_sign_in::outcome::Outcome;
use crate::provider_sign_in::pending_proof::PendingProof;
use crate::provider_sign_in::resolution::Resolution;
use crate::provider_sign_in::stored_identity::expired;
use crate::sessions::{Pair, pair, pair_again};

/// The `flow` of the problem.
#[derive(Deserr, ToSchema)]
#[schema(as = LinkSkip)]
#[serde(deny_unknown_fields)]
#[deserr(error = Findings, deny_unknown_fields)]
struct Body {
    #[schema(value_type = String, pattern = "^[A-Za-z0-9_-]{43}$")]
    flow: Opaque,
    /// The verifier of the app whose sign-in got the flow; without one the cookie of the browser is used.
    #[deserr(default)]
    #[schema(value_type = Option<String>, pattern = "^[A-Za-z0-9._~-]{43,128}$")]
    code_verifier: Option<CodeVerifier>,
    /// The device token of an earlier pair, from an app that keeps no cookies.
    #[deserr(default)]
    #[schema(value_type = Option<String>, pattern = "^[!-~]+$", min_length = 1, max_length = 512)]
    device_token: Option<DeviceText>,
}

/// Describes the endpoint.
pub fn describe(operation: Operation) -> Operation {
    operation
        .tag("Providers")
        .summary("Get a new account without an e-mail address.")
        .detail(
            "For a flow of `email_proof_offered`. The same request, repeated within a minute, returns tokens of the same \
             session.",
        )
        .access(Access::Public)
        .for_people()
        .body::<Body>(json!({ "flow": "bJ3t1mR0t8nYk6w2Qv5xZ7aC9dE1fG3hI5jK7lM9nO0" }))
        .answer::<Pair>(200, "The token pair of the new user's session.", pair::example())
        .problems(&[Code::CodeExpired, Code::RegistrationClosed, Code::ConsentRequired])
}

/// Handles the request.
///
/// # Errors
///
/// 410 `code_expired` when the flow is unknown, over, or another client's, or the account at the provider was linked
/// meanwhile; 403 `registration_closed`; 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    perform(request).await.map(|pair| pair.respond())
}

/// What the endpoint does, for a page too.
pub(crate) async fn perform(mut request: Request) -> Result<Pair, Problem> {
    let body: Body = request.form()?.finish()?;
    let owner = owner_of(&request, body.code_verifier.as_ref());
    request.client.present(body.device_token);
    let value = (OneTimeKind::Proof, body.flow.as_ref());
    let claim = one_time::claim(&request.context, value, &owner, "skip".to_owned()).await?;
    let pair = match claim.ok_or_else(expired)? {
        Claim::First(pending, ticket) => {
            let context = &request.context;
            let opened = create(context, &request.actor(), &pending).await;
            one_time::settle(context, ticket, &pending, opened, |_| false).await?
        }
        Claim::Again(session) => {
            pair_again(&request.context, &request.client, session).await?.ok_or_else(expired)?
        }
    };
    Ok(pair)
}

async fn create(context: &Context, actor: &Actor, pending: &PendingProof) -> Result<(Uuid, Pair), Problem> {
    let (identity, rule) = (&pending.identity(context)?, pending.rule);
    let mut connection = context.db.get().await?;
    let tx = connection.begin().await?;
    let history = Vec::new();
    let mut new = Resolution { context, actor, link: None, identity, is_for_page: false, rule, history };
    match new.create(&tx, None).await? {
        Some(Outcome::SignedIn { session, pair: Some(pair) }) => {
            tx.commit().await?;
            new.record().await;
            Ok((session, pair))
        }
        // Linked meanwhile, in another tab.
        None => Err(expired()),
        // A new user is active, and there is no page.
        Some(_) => Err(Problem::new(Code::Internal)),
    }
}
