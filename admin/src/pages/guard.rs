//! What surrounds every handler of a page: who may open it, and which forms may act.
//!
//! A browser whose access token has expired has the next pair before the handler runs (`viewer`), so no form is lost.

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use super::problem::page as problem_page;
use super::visit::Visit;
use crate::api::same_origin::is_from_own_page;
use crate::api::{Code, Problem, Request, Response};

/// Who may open a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Visitors {
    Anyone,
    SignedIn,
}

/// A handler in the table of routes.
type PageHandler = BoxFuture<'static, Result<Response, Problem>>;

/// A page that anyone may open.
pub fn anyone<H, A>(handler: H) -> impl Fn(Request) -> PageHandler + Send + Sync + Clone + 'static
where
    H: Fn(Visit) -> A + Clone + Send + Sync + 'static,
    A: Future<Output = Result<Response, Problem>> + Send + 'static,
{
    move |request| answer(request, Visitors::Anyone, handler.clone()).boxed()
}

/// A page for the signed-in user; others are asked to sign in, and come back.
pub fn signed_in<H, A>(handler: H) -> impl Fn(Request) -> PageHandler + Send + Sync + Clone + 'static
where
    H: Fn(Visit) -> A + Clone + Send + Sync + 'static,
    A: Future<Output = Result<Response, Problem>> + Send + 'static,
{
    move |request| answer(request, Visitors::SignedIn, handler.clone()).boxed()
}

async fn answer<H, A>(request: Request, visitors: Visitors, handler: H) -> Result<Response, Problem>
where
    H: Fn(Visit) -> A,
    A: Future<Output = Result<Response, Problem>>,
{
    let visit = Visit::begin(request).await?;
    let kept = visit.clone();
    let result = match (visitors, &visit.viewer) {
        _ if !is_form_of_own_page(&visit, visitors) => Err(Problem::new(Code::CrossSiteRefused)),
        (Visitors::SignedIn, None) => Ok(kept.ask_to_sign_in()),
        (Visitors::SignedIn, Some(_)) | (Visitors::Anyone, _) => handler(visit).await,
    };
    let response = match result {
        Ok(response) => response,
        // The session was ended while the page worked.
        Err(problem) if kept.viewer.is_some() && has_ended(&problem) => kept.ask_to_sign_in(),
        Err(problem) => problem_page(&kept, &problem),
    };
    Ok(kept.jar.set_on(response))
}

fn has_ended(problem: &Problem) -> bool {
    matches!(
        problem.code(),
        Code::TokenMissing | Code::TokenExpired | Code::TokenRevoked | Code::TokenRefreshNeeded
    )
}

/// Whether a form, if one was sent, is of a page of this service, of this browser and of this user.
fn is_form_of_own_page(visit: &Visit, visitors: Visitors) -> bool {
    let is_only_asked_to_sign_in = visitors == Visitors::SignedIn && visit.viewer.is_none();
    if visit.request.method.is_safe() || is_only_asked_to_sign_in {
        return true;
    }
    // A form that was filled in before the sign-in, in another tab, is of no user.
    let may_be_older = visitors == Visitors::Anyone;
    let is_token_valid = visit.has_token_of(visit.user()) || (may_be_older && visit.has_token_of(None));
    let own = visit.request.context.config.public_url.as_ref();
    is_token_valid && is_from_own_page(&visit.request.headers, own)
}
