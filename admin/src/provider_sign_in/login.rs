//! `GET /api/v1/oauth/{provider}/login`: sends a browser, or an app, to a provider.

use super::authorize::{AuthorizationUrl, FlowStart, Started, example, start};
use super::flow::FlowPurpose;
use super::path::{of_provider, provider};
use super::return_to::ReturnTo;
use crate::api::same_origin::is_from_own_page;
use crate::api::text::{FromText as _, Opaque};
use crate::api::{Access, Code, Operation, Problem, Query, Request, Response, Shape, accepts};
use crate::users::consents::ConsentText;

/// Describes the endpoint.
pub fn describe(operation: Operation) -> Operation {
    of_provider(operation)
        .tag("Providers")
        .summary("Start a sign-in through a provider.")
        .detail(
            "A browser is redirected to the provider, and returns to the callback within ten minutes. It gets a \
             cookie, and only a client with this cookie can finish the sign-in.\n\n\
             Other parameters are ignored, because campaigns add theirs to links. A prefetch is refused.\n\n\
             `consent` counts only if a page of the same origin sends the browser here (`Sec-Fetch-Site: same-origin`), or with \
             `Accept: application/json`; otherwise the request is refused, because a link of another site could consent for \
             the user.\n\n\
             With `Accept: application/json` the authorization URL is returned instead. An app that cannot keep \
             cookies creates a verifier (RFC 7636), sends its challenge here, and sends the verifier to the callback.",
        )
        .access(Access::Public)
        .query(
            "return_to",
            "The return page after the sign-in: a page listed in `ADMIN_OAUTH_RETURN_TO`; a query may be added.",
            Shape::text("http://127.0.0.1:8080/account/signed-in?film=7").length(1..=512),
        )
        .query(
            "code_challenge",
            "The challenge of the app's own verifier, method S256.",
            Shape::text("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM").pattern("^[A-Za-z0-9_-]{43}$"),
        )
        .query(
            "consent",
            "Where the operator asks for consent (`ADMIN_CONSENT_VERSION`): the version to which the user consents. Without it \
             no account is created (422 `consent_required`); users who have one sign in.",
            Shape::text("2026-12").length(1..=64).pattern("^[!-~]+$"),
        )
        .answer::<AuthorizationUrl>(200, "The authorization URL, if `Accept: application/json`.", example())
        .empty(302, "The browser is redirected to the provider.")
        .answer_header(302, "Location", "The provider's page.")
        .empty(303, "The browser is redirected to `return_to`, because the provider is unavailable.")
        .answer_header(303, "Location", "That page, with `error`.")
        .link()
        .for_people()
        .problems(&[
            Code::CrossSiteRefused,
            Code::ReturnToNotAllowed,
            Code::ValidationFailed,
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
/// 404 `provider_unknown`; 403 `cross_site_refused` for a consent of another site; 422 `return_to_not_allowed` or `validation_failed`; 429 `too_many_attempts`; 502, 503 or 504 when the provider is
/// unavailable; 503 without Redis.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    let provider = provider(&request)?;
    let mut query = Query::read_known(&request, &["return_to", "code_challenge", "consent"]);
    let page = query.read_with("return_to", |page| ReturnTo::parse(&request.context, page));
    let challenge = query.value("code_challenge").map(|challenge: Opaque| challenge.into());
    let consent = query.value("consent").map(|consent: ConsentText| consent.into());
    query.finish()?;
    if consent.is_some() && !may_consent(&request) {
        let detail = "Ask for the consent on a page of this origin, and start the sign-in from there.";
        return Err(Problem::new(Code::CrossSiteRefused).detail(detail));
    }
    let flow =
        FlowStart { provider, purpose: FlowPurpose::SignIn, return_to: page.clone(), challenge, consent };
    let started = start(&request.context, &request.actor(), &request.headers, flow).await;
    match (started, page) {
        (started, _) if accepts(&request.headers, "application/json") => Ok(started?.as_json()),
        (Ok(started), _) => Ok(started.as_redirect()),
        (Err(problem), Some(page)) => Ok(page.with_error(&problem)),
        (Err(problem), None) => Err(problem),
    }
}

/// Whether the consent is the user's: the page of another origin can send a browser here, but cannot read a response.
fn may_consent(request: &Request) -> bool {
    let own = request.context.config.public_url.as_ref();
    accepts(&request.headers, "application/json") || is_from_own_page(&request.headers, own)
}

/// Starts a sign-in for a user who has consented by a form of a page, which comes back to the page `return_to`.
///
/// # Errors
///
/// As [`handle`].
pub(crate) async fn with_consent(
    request: &Request,
    return_to: &str,
    consent: &str,
) -> Result<Started, Problem> {
    let provider = provider(request)?;
    let page = ReturnTo::parse(&request.context, return_to).or_else(|found| found.finish(None))?;
    let consent = ConsentText::from_text(consent).map_err(|_| Problem::new(Code::ConsentRequired))?;
    let flow = FlowStart {
        provider,
        purpose: FlowPurpose::SignIn,
        return_to: Some(page),
        challenge: None,
        consent: Some(consent.into()),
    };
    start(&request.context, &request.actor(), &request.headers, flow).await
}
