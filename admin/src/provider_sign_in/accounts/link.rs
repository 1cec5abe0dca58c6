//! `POST /api/v1/me/accounts/{provider}`: starts to link an account at a provider to the caller.

use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::access::{caller, is_fresh};
use crate::api::{Access, Code, Operation, Problem, Request, Response};
use crate::provider_sign_in::authorize::{AuthorizationUrl, FlowStart, check_challenge, example, start};
use crate::provider_sign_in::flow::Purpose;
use crate::provider_sign_in::path::{of_provider, provider};
use crate::provider_sign_in::return_to::ReturnTo;
use crate::provider_sign_in::store;

/// How the client returns from the provider.
#[derive(Default, Deserialize, ToSchema)]
#[schema(as = LinkStart)]
#[serde(deny_unknown_fields, default)]
struct Body {
    /// The page to return to after linking: one of the operator's list, to which a query may be added.
    #[schema(min_length = 1, max_length = 1024)]
    return_to: Option<String>,
    /// The challenge of the app's own verifier (RFC 7636), method S256.
    #[schema(pattern = "^[A-Za-z0-9_-]{43}$")]
    code_challenge: Option<String>,
}

/// Documents the endpoint.
pub fn describe(operation: Operation) -> Operation {
    of_provider(operation)
        .tag("Me")
        .summary("Start to link an account at a provider.")
        .detail(
            "Returns the authorization URL for the browser, which must keep the cookie of this response. The account that \
             the user chooses at the provider becomes another sign-in method. The caller must have signed in within \
             the last ten minutes.",
        )
        .access(Access::SignedIn)
        .optional_body::<Body>(json!({ "return_to": "http://127.0.0.1:8080/sign-in/" }))
        .answer::<AuthorizationUrl>(200, "The authorization URL.", example())
        .problems(&[
            Code::FreshAuthRequired,
            Code::OauthProviderLinked,
            Code::ReturnToNotAllowed,
            Code::ProviderError,
            Code::ProviderTimeout,
            Code::ProviderUnavailable,
        ])
}

/// Handles the request.
///
/// # Errors
///
/// 404 `provider_unknown`; 403 `fresh_auth_required`; 409 `oauth_provider_linked`; 422 `return_to_not_allowed`; 401;
/// 502, 503 or 504 when the provider is unavailable.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    let caller = caller(&request).await?;
    let provider = provider(&request)?;
    let body = request.json_if_any::<Body>()?.unwrap_or_default();
    let return_to =
        body.return_to.as_deref().map(|page| ReturnTo::parse(&request.context, page)).transpose()?;
    check_challenge(body.code_challenge.as_deref())?;
    if !is_fresh(&request.context, caller).await? {
        return Err(Problem::new(Code::FreshAuthRequired));
    }
    let connection = request.context.db.get().await?;
    let linked = store::list(&*connection, caller.user).await?;
    if linked.iter().any(|account| account.provider == provider.id()) {
        return Err(Problem::new(Code::OauthProviderLinked).detail("Unlink it before you link another one."));
    }
    drop(connection);
    let purpose =
        Purpose::Link { user: caller.user, session: caller.session, generation: caller.generation() };
    let flow = FlowStart { provider, purpose, return_to, challenge: body.code_challenge };
    Ok(start(&request.context, &request.headers, flow).await?.as_json())
}
