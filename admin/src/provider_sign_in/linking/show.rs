//! `POST /api/v1/oauth/link/show`: what a link waits for, and the account that it concerns.

use deserr::Deserr;
use http::StatusCode;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::owner_of;
use crate::api::text::Opaque;
use crate::api::{Access, Code, Findings, Operation, Problem, Request, Response};
use crate::context::Context;
use crate::provider_sign_in::flow::CodeVerifier;
use crate::provider_sign_in::link_facts;
use crate::provider_sign_in::link_methods::{
    AddressProof, Declined, LinkFacts, LinkMethod, declined, methods, needs_code_to_decline,
};
use crate::provider_sign_in::one_time::{self, OneTimeKind};
use crate::provider_sign_in::pending_link::PendingLink;
use crate::provider_sign_in::pending_move::{MOVE, PendingMove};
use crate::provider_sign_in::pending_proof::{Offer, PendingProof};
use crate::provider_sign_in::stored_identity::expired;
use crate::users::email_changes::store::frozen_until;
use crate::users::email_owner::store::{self as email_owner, AccountSummary};
use crate::users::store::lock_for_sign_in;

/// The `flow` of the problem.
#[derive(Deserr, ToSchema)]
#[schema(as = LinkFlow)]
#[serde(deny_unknown_fields)]
#[deserr(error = Findings, deny_unknown_fields)]
struct Body {
    #[schema(value_type = String, pattern = "^[A-Za-z0-9_-]{43}$")]
    flow: Opaque,
    /// The verifier of the app whose sign-in got the flow; without one the cookie of the browser is used.
    #[deserr(default)]
    #[schema(value_type = Option<String>, pattern = "^[A-Za-z0-9._~-]{43,128}$")]
    code_verifier: Option<CodeVerifier>,
}

/// A link that waits for the user.
#[derive(Serialize, ToSchema)]
pub(crate) struct WaitingLink {
    /// The provider.
    pub(crate) provider: String,
    /// The provider's name for people.
    pub(crate) name: String,
    /// What the user can do.
    pub(crate) methods: Vec<String>,
    /// The account that has the e-mail address, or to which the provider's account is linked; null if the provider does not vouch for an address, because then none is
    /// looked up.
    #[schema(required)]
    pub(crate) account: Option<WaitingAccount>,
    /// Until when nothing can be linked to the account, because its sign-in methods are frozen; null if they are not.
    #[schema(required)]
    pub(crate) frozen_until: Option<Timestamp>,
    /// Whether a user who declines gets a new account with the address; if not, the new account has none.
    pub(crate) decline_gives_email: bool,
    /// Whether declining takes a `code` from a mail (`/oauth/link/mail`).
    pub(crate) decline_needs_code: bool,
}

/// The account that has the address, or to which the provider's account is linked.
#[derive(Serialize, ToSchema)]
pub(crate) struct WaitingAccount {
    /// The year and month of its creation, in UTC.
    #[schema(pattern = "^[0-9]{4}-[0-9]{2}$")]
    pub(crate) created_in: String,
    /// Whether it has a role.
    pub(crate) has_role: bool,
}

/// Describes the endpoint.
pub fn describe(operation: Operation) -> Operation {
    operation
        .tag("Providers")
        .summary("Show what a link waits for.")
        .detail(
            "For the page to which a browser returned with a `flow`. `methods` has what is possible:\n\n\
             * with an `account`, which has the e-mail address: `password` (`/oauth/link/confirm`), `mail` \
             (`/oauth/link/mail`, then `/oauth/link/confirm`), `provider:` with a name (`/oauth/link/provider`), `decline` \
             (`/oauth/link/decline`);\n\
             * with an `account` to which the provider's account is linked: `move` (`/oauth/link/move`);\n\
             * without one: `password` (`/oauth/link/sign-in`), `mail` (`/oauth/link/mail`, then `/oauth/link/prove`), \
             `provider` (`/oauth/link/provider`), `skip` (`/oauth/link/skip`).",
        )
        .access(Access::Public)
        .for_people()
        .body::<Body>(json!({ "flow": "bJ3t1mR0t8nYk6w2Qv5xZ7aC9dE1fG3hI5jK7lM9nO0" }))
        .answer::<WaitingLink>(
            200,
            "The link.",
            json!({
                "provider": "google",
                "name": "Google",
                "methods": ["password", "provider:yandex", "decline"],
                "account": { "created_in": "2026-03", "has_role": true },
                "frozen_until": null,
                "decline_gives_email": false,
                "decline_needs_code": false
            }),
        )
        .problems(&[Code::CodeExpired, Code::AccountDisabled])
}

/// Handles the request.
///
/// # Errors
///
/// 410 `code_expired` when the flow is unknown, over, or another client's; 403 `account_disabled`; 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    perform(request).await.map(|link| Response::json(StatusCode::OK, &link))
}

/// What the endpoint does, for a page too.
pub(crate) async fn perform(request: Request) -> Result<WaitingLink, Problem> {
    let body: Body = request.form()?.finish()?;
    let context = &request.context;
    Ok(match find(&request, body.flow.as_ref(), body.code_verifier.as_ref()).await? {
        Pending::Link(pending) => of_link(context, &pending).await?,
        Pending::Proof(pending) => WaitingLink {
            provider: pending.identity(context)?.provider.id().to_owned(),
            name: pending.identity(context)?.provider.name().to_owned(),
            methods: Offer::of(context).methods(),
            account: None,
            frozen_until: None,
            decline_gives_email: false,
            decline_needs_code: false,
        },
        Pending::Move(pending) => of_move(context, &pending).await?,
    })
}

async fn of_link(context: &Context, pending: &PendingLink) -> Result<WaitingLink, Problem> {
    let (facts, summary) = facts_now(context, pending).await?;
    let AccountSummary { created_in, has_role } = summary;
    let identity = pending.identity(context)?;
    let proof = if needs_code_to_decline(&facts) { AddressProof::Code } else { AddressProof::None };
    Ok(WaitingLink {
        provider: identity.provider.id().to_owned(),
        name: identity.provider.name().to_owned(),
        methods: methods(&facts).iter().map(LinkMethod::text).collect(),
        account: Some(WaitingAccount { created_in, has_role }),
        frozen_until: frozen_until(&*context.db.get().await?, pending.user).await?,
        decline_gives_email: declined(&facts, proof) == Declined::TakeEmail,
        decline_needs_code: proof == AddressProof::Code,
    })
}

async fn of_move(context: &Context, pending: &PendingMove) -> Result<WaitingLink, Problem> {
    let identity = pending.identity(context)?;
    let connection = context.db.get().await?;
    let AccountSummary { created_in, has_role } =
        email_owner::summary(&*connection, pending.from).await?.ok_or_else(expired)?;
    Ok(WaitingLink {
        provider: identity.provider.id().to_owned(),
        name: identity.provider.name().to_owned(),
        methods: vec![MOVE.to_owned()],
        account: Some(WaitingAccount { created_in, has_role }),
        frozen_until: None,
        decline_gives_email: false,
        decline_needs_code: false,
    })
}

/// What waits for the user.
pub(super) enum Pending {
    /// An account has the address.
    Link(Box<PendingLink>),
    /// The provider does not vouch for an address.
    Proof(Box<PendingProof>),
    /// The account at the provider is linked to another user.
    Move(Box<PendingMove>),
}

/// What waits under this flow, which the request may use.
///
/// # Errors
///
/// 410 `code_expired`; 503.
pub(super) async fn find(
    request: &Request,
    flow: &str,
    verifier: Option<&CodeVerifier>,
) -> Result<Pending, Problem> {
    let (context, owner) = (&request.context, owner_of(request, verifier));
    if let Some(link) = one_time::read(context, (OneTimeKind::Link, flow), &owner).await? {
        return Ok(Pending::Link(Box::new(link)));
    }
    if let Some(proof) = one_time::read(context, (OneTimeKind::Proof, flow), &owner).await? {
        return Ok(Pending::Proof(Box::new(proof)));
    }
    let moved = one_time::read(context, (OneTimeKind::Move, flow), &owner).await?;
    moved.map(|moved| Pending::Move(Box::new(moved))).ok_or_else(expired)
}

/// The facts now, for display: they may change before the user decides.
///
/// # Errors
///
/// 403 `account_disabled`; 410 `code_expired`; 503.
pub(super) async fn facts_now(
    context: &Context,
    pending: &PendingLink,
) -> Result<(LinkFacts, AccountSummary), Problem> {
    let identity = pending.identity(context)?;
    let mut connection = context.db.get().await?;
    let tx = connection.begin().await?;
    let account = lock_for_sign_in(&tx, pending.user).await?;
    let account = account.ok_or_else(|| Problem::new(Code::AccountDisabled))?;
    pending.check_generation(&tx).await?;
    let facts = link_facts::read(context, &tx, &account, &identity).await?;
    let summary = email_owner::summary(&*tx, account.id()).await?.ok_or_else(expired)?;
    // Nothing was changed, so there is nothing to wait for.
    tx.rollback().await?;
    Ok((facts, summary))
}
