//! `POST /api/v1/me/accounts/{provider}`: starts to link an account at a provider to the caller.

use deserr::Deserr;
use serde_json::json;
use utoipa::ToSchema;

use crate::access::{caller, fresh};
use crate::api::text::Opaque;
use crate::api::{Access, Code, Findings, Operation, Problem, Request, Response};
use crate::provider_sign_in::authorize::{AuthorizationUrl, FlowStart, Started, example, start};
use crate::provider_sign_in::flow::{AskingSession, FlowPurpose};
use crate::provider_sign_in::path::{of_provider, provider};
use crate::provider_sign_in::return_to::{PageAddress, ReturnTo};
use crate::provider_sign_in::store;
use crate::users::email_changes::check_not_frozen;

/// How the client returns from the provider.
#[derive(Deserr, ToSchema)]
#[schema(as = LinkStart)]
#[serde(deny_unknown_fields)]
#[deserr(error = Findings, deny_unknown_fields)]
struct Body {
    /// The return page after linking: a page listed in `ADMIN_OAUTH_RETURN_TO`; a query may be added.
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

/// Documents the endpoint.
pub fn describe(operation: Operation) -> Operation {
    of_provider(operation)
        .tag("Me")
        .summary("Start linking an account of an identity provider.")
        .detail(
            "Returns the authorization URL for the browser, which must keep the cookie of this response. The account that \
             the user chooses at the provider becomes another sign-in method.",
        )
        .access(Access::SignedIn)
        .fresh()
        .optional_body::<Body>(json!({ "return_to": "http://127.0.0.1:8080/account/signed-in" }))
        .answer::<AuthorizationUrl>(200, "The authorization URL.", example())
        .problems(&[
            Code::AccountFrozen,
            Code::OauthProviderLinked,
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
/// 404 `provider_unknown`; 403 `fresh_auth_required`; 409 `oauth_provider_linked`; 422 `return_to_not_allowed`; 401;
/// 502, 503 or 504 when the provider is unavailable.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    perform(request).await.map(|started| started.as_json())
}

/// What the endpoint does, for a page too.
pub(crate) async fn perform(request: Request) -> Result<Started, Problem> {
    let caller = caller(&request).await?;
    let provider = provider(&request)?;
    let (challenge, return_to) = read(&request)?;
    let connection = request.context.db.get().await?;
    fresh(&*connection, caller).await?;
    check_not_frozen(&*connection, caller.user).await?;
    let linked = store::list(&*connection, caller.user).await?;
    if linked.iter().any(|account| account.provider == provider.id()) {
        return Err(Problem::new(Code::OauthProviderLinked).detail("Unlink it before you link another one."));
    }
    drop(connection);
    let (user, session, generation) = (caller.user, caller.session, caller.generation());
    let purpose = FlowPurpose::Link(AskingSession { user, session, generation });
    let flow = FlowStart { provider, purpose, return_to, challenge, consent: None };
    start(&request.context, &request.actor(), &request.headers, flow).await
}

/// Reads the form. The page is judged even if other members are invalid, so that all errors are reported in one round.
fn read(request: &Request) -> Result<(Option<String>, Option<ReturnTo>), Problem> {
    let form = request.form_if_any()?;
    let page = ReturnTo::of_form(&request.context, &form);
    let (body, mut found) = form.read::<Body>();
    let return_to = page.unwrap_or_else(|refused| {
        found.absorb(refused);
        None
    });
    let body = found.finish(body)?;
    Ok((body.code_challenge.map(String::from), return_to))
}
