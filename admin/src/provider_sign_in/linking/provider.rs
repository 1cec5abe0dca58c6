//! `POST /api/v1/oauth/link/provider`: confirms a link by a sign-in at another provider, with an identity that is linked to the
//! account already.

use deserr::Deserr;
use serde_json::json;
use utoipa::ToSchema;

use super::link_confirmed;
use super::show::{Pending, facts_now, find};
use crate::actor::Actor;
use crate::api::text::{Opaque, text_type};
use crate::api::{Access, Code, Findings, Operation, Problem, Request, Response};
use crate::context::Context;
use crate::provider_sign_in::authorize::{AuthorizationUrl, FlowStart, Started, example, start};
use crate::provider_sign_in::email_proof::Proved;
use crate::provider_sign_in::flow::{CodeVerifier, FlowPurpose};
use crate::provider_sign_in::identity::ProviderIdentity;
use crate::provider_sign_in::link_methods::{LinkMethod, methods};
use crate::provider_sign_in::outcome::Outcome;
use crate::provider_sign_in::pending_link::{Confirmation, PendingLink};
use crate::provider_sign_in::pending_proof::{Offer, PendingProof};
use crate::provider_sign_in::resolution::Resolution;
use crate::provider_sign_in::return_to::{PageAddress, ReturnTo};
use crate::provider_sign_in::store::{self, ConfirmedBy};
use crate::provider_sign_in::stored_identity::expired;
use crate::users::email_changes::check_not_frozen;
use crate::users::store::lock_linked;

/// The `flow` of the problem, the provider, and how the client returns from it.
#[derive(Deserr, ToSchema)]
#[schema(as = LinkConfirmationStart)]
#[serde(deny_unknown_fields)]
#[deserr(error = Findings, deny_unknown_fields)]
struct Body {
    #[schema(value_type = String, pattern = "^[A-Za-z0-9_-]{43}$")]
    flow: Opaque,
    /// The verifier of the app whose sign-in got the flow; without one the cookie of the browser is used.
    #[deserr(default)]
    #[schema(value_type = Option<String>, pattern = "^[A-Za-z0-9._~-]{43,128}$")]
    code_verifier: Option<CodeVerifier>,
    /// The provider: one of `methods`, or any other one if `methods` has `provider`.
    #[schema(value_type = String, pattern = "^[a-z][a-z0-9-]{0,31}$")]
    provider: ProviderName,
    /// The page to return to: one of the operator's list, to which a query may be added.
    #[deserr(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 512, pattern = "^[^\\x00]*$")]
    #[expect(
        dead_code,
        reason = "read before the form, because it is judged even if other members are invalid"
    )]
    return_to: Option<PageAddress>,
    /// The challenge of the app's own verifier (RFC 7636), method S256.
    #[deserr(default)]
    #[schema(value_type = Option<String>, pattern = "^[A-Za-z0-9_-]{43}$")]
    code_challenge: Option<Opaque>,
}

text_type!(
    /// The name of a provider.
    ProviderName, provider_name
);

fn provider_name(text: &str) -> Result<String, &'static str> {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let begins = text.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
    match begins && text.len() <= 32 && text.bytes().all(fits) {
        true => Ok(text.to_owned()),
        false => Err("Must be 1 to 32 characters of a-z, 0-9 and -, beginning with a letter."),
    }
}

/// Describes the endpoint.
pub fn describe(operation: Operation) -> Operation {
    operation
        .tag("Providers")
        .summary("Start to confirm a link at another provider.")
        .detail(
            "Returns the authorization URL. Only the client that got the `flow` may ask for it. If the account that \
             the user chooses there is linked to the account here that has the e-mail address (or, if the first provider \
             does not vouch for an address, to any account), the user is signed in to it, and the first provider's \
             account is linked, too. If this verifies the e-mail address for the first time, all other sessions and \
             linked accounts end. If the account there is another one, the problem is the same as before, with a new \
             `flow` and one attempt less. Until then the `flow` stays valid.",
        )
        .access(Access::Public)
        .for_people()
        .body::<Body>(json!({
            "flow": "bJ3t1mR0t8nYk6w2Qv5xZ7aC9dE1fG3hI5jK7lM9nO0",
            "provider": "yandex",
            "return_to": "http://127.0.0.1:8080/account/signed-in"
        }))
        .answer::<AuthorizationUrl>(200, "The authorization URL.", example())
        .problems(&[
            Code::CodeExpired,
            Code::AccountDisabled,
            Code::AccountFrozen,
            Code::ReturnToNotAllowed,
            Code::ProviderError,
            Code::ProviderTimeout,
            Code::ProviderUnavailable,
            Code::TooManyAttempts,
        ])
}

/// Handles the request.
///
/// # Errors
///
/// 410 `code_expired` when the flow is unknown, over, or another client's; 403 `account_disabled`; 422
/// `validation_failed` when the provider confirms nothing, or `return_to_not_allowed`; 429; 502, 503 or 504 when the
/// provider is unavailable.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    perform(request).await.map(|started| started.as_json())
}

/// What the endpoint does, for a page too.
pub(crate) async fn perform(request: Request) -> Result<Started, Problem> {
    let context = &request.context;
    let form = request.form()?;
    let page = ReturnTo::of_form(context, &form);
    let (body, mut found) = form.read::<Body>();
    let return_to = page.unwrap_or_else(|refused| {
        found.absorb(refused);
        None
    });
    let body = found.finish(body)?;
    let named = body.provider.as_ref();
    let (purpose, is_possible) = match find(&request, body.flow.as_ref(), body.code_verifier.as_ref()).await?
    {
        Pending::Link(pending) => {
            let (facts, _) = facts_now(context, &pending).await?;
            check_not_frozen(&*context.db.get().await?, pending.user).await?;
            let method = LinkMethod::Provider(named.to_owned());
            (FlowPurpose::Confirm(pending), methods(&facts).contains(&method))
        }
        Pending::Proof(pending) => {
            let is_other = pending.identity(context)?.provider.id() != named;
            (FlowPurpose::Join(pending), is_other)
        }
        Pending::Move(_) => return Err(expired()),
    };
    let provider = context.providers.find(named).filter(|_| is_possible).ok_or_else(|| {
        let sentence =
            "Must be another configured provider; with an account that has the address, one of `methods`.";
        Problem::new(Code::ValidationFailed).field("provider", "provider_not_linked", sentence)
    })?;
    let challenge = body.code_challenge.map(String::from);
    let flow = FlowStart { provider, purpose, return_to, challenge, consent: None };
    start(context, &request.actor(), &request.headers, flow).await
}

/// Completes the confirmation when the user returns from the provider as `confirming`. The session of the sign-in
/// `is_for_page` when the page that the browser returns to opens it.
///
/// # Errors
///
/// 403 `account_disabled`; 409 `oauth_account_in_use` or `oauth_provider_linked`; 410 `code_expired`; 503.
pub(in crate::provider_sign_in) async fn confirm(
    context: &Context,
    actor: &Actor,
    pending: &PendingLink,
    confirming: &ProviderIdentity<'_>,
    is_for_page: bool,
) -> Result<Outcome, Problem> {
    let identity = pending.identity(context)?;
    let linking =
        Linking { context, actor, identity: &identity, confirming, is_for_page, rule: pending.rule };
    if let Some(outcome) = linking.finish(Some(pending)).await? {
        return Ok(outcome);
    }
    let mut link = Box::new(pending.clone());
    link.attempts = link.attempts.next().ok_or_else(expired)?;
    let (facts, _) = facts_now(context, pending).await?;
    Ok(Outcome::ConfirmLink { link: Some(link), confirmation: Confirmation::of(&facts) })
}

/// The same for an identity whose provider does not vouch for an address: it is linked to the account of `confirming`.
///
/// # Errors
///
/// 403 `account_disabled`; 409 `oauth_account_in_use` or `oauth_provider_linked`; 410 `code_expired`; 503.
pub(in crate::provider_sign_in) async fn join(
    context: &Context,
    actor: &Actor,
    pending: &PendingProof,
    confirming: &ProviderIdentity<'_>,
    is_for_page: bool,
) -> Result<Outcome, Problem> {
    let identity = pending.identity(context)?;
    let linking =
        Linking { context, actor, identity: &identity, confirming, is_for_page, rule: pending.rule };
    if let Some(outcome) = linking.finish(None).await? {
        return Ok(outcome);
    }
    let mut proof = Box::new(pending.clone());
    proof.attempts = proof.attempts.next().ok_or_else(expired)?;
    Ok(Outcome::OfferProof { proof: Some(proof), offer: Offer::of(context) })
}

/// An identity that is being linked to the account of another one.
struct Linking<'l> {
    context: &'l Context,
    actor: &'l Actor,
    identity: &'l ProviderIdentity<'l>,
    confirming: &'l ProviderIdentity<'l>,
    is_for_page: bool,
    rule: u8,
}

impl Linking<'_> {
    /// Links the identity to the account to which the other one is linked, and signs the user in. `None` when that is not
    /// the `expected` account, or none.
    async fn finish(&self, expected: Option<&PendingLink>) -> Result<Option<Outcome>, Problem> {
        let Self { context, actor, identity, confirming, is_for_page, rule } = *self;
        let (provider, subject) = (confirming.provider.id(), &confirming.subject);
        let mut connection = context.db.get().await?;
        let tx = connection.begin().await?;
        let linked = lock_linked(&tx, provider, subject).await?;
        // The link may have been removed while the statement waited for the lock.
        let owner = store::owner(&tx, provider, subject).await?;
        let is_right = |user| owner == Some(user) && expected.is_none_or(|pending| pending.user == user);
        let Some((_, account)) = linked.filter(|(user, _)| is_right(*user)) else {
            tx.rollback().await?;
            return Ok(None);
        };
        let account = account.ok_or_else(|| Problem::new(Code::AccountDisabled))?;
        if let Some(pending) = expected {
            pending.check_generation(&tx).await?;
        }
        let link = identity.confirmed_link_to(account.id(), rule, ConfirmedBy::Provider);
        let kept = [provider, identity.provider.id()];
        let proved = Proved::Identities(&kept);
        let history = link_confirmed(&tx, context, actor, &account, (identity, &link), proved).await?;
        let mut signed_in = Resolution { context, actor, link: None, identity, is_for_page, rule, history };
        let outcome = signed_in.admit(&tx, account.id(), Some(&account)).await?;
        tx.commit().await?;
        signed_in.record().await;
        Ok(Some(outcome))
    }
}
