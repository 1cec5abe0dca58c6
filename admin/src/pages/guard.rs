//! What surrounds every handler of a page: who may open it, and which forms may act.
//!
//! A browser whose access token has expired has the next pair before the handler runs (`viewer`), so no form is lost.

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use http::StatusCode;

use super::problem::page as problem_page;
use super::visit::Visit;
use crate::api::{Code, Problem, Request, Response};

/// Who may open a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Visitors {
    Anyone,
    SignedIn,
}

/// A handler in the table of routes.
type PageHandler = BoxFuture<'static, Result<Response, Problem>>;

/// What a page does with a visit: an `async fn`.
pub trait PageAction: Clone + Send + Sync + 'static {
    /// Does it.
    fn perform(&self, visit: Visit) -> impl Future<Output = Result<Response, Problem>> + Send;
}

impl<H, A> PageAction for H
where
    H: Fn(Visit) -> A + Clone + Send + Sync + 'static,
    A: Future<Output = Result<Response, Problem>> + Send + 'static,
{
    fn perform(&self, visit: Visit) -> impl Future<Output = Result<Response, Problem>> + Send {
        self(visit)
    }
}

/// A page that anyone may open.
pub fn anyone(handler: impl PageAction) -> impl Fn(Request) -> PageHandler + Send + Sync + Clone + 'static {
    move |request| answer(request, Visitors::Anyone, handler.clone()).boxed()
}

/// A page for the signed-in user; others are asked to sign in, and come back.
pub fn signed_in(
    handler: impl PageAction,
) -> impl Fn(Request) -> PageHandler + Send + Sync + Clone + 'static {
    move |request| answer(request, Visitors::SignedIn, handler.clone()).boxed()
}

/// The form of a page that anyone may open. `submit` acts on it. `show` shows it again with what was typed: in another language,
/// or because it is out of date and must not act.
pub fn anyone_sends(
    submit: impl PageAction,
    show: impl PageAction,
) -> impl Fn(Request) -> PageHandler + Send + Sync + Clone + 'static {
    move |request| answer_form(request, Visitors::Anyone, submit.clone(), show.clone()).boxed()
}

/// The same for a page for the signed-in user.
pub fn signed_in_sends(
    submit: impl PageAction,
    show: impl PageAction,
) -> impl Fn(Request) -> PageHandler + Send + Sync + Clone + 'static {
    move |request| answer_form(request, Visitors::SignedIn, submit.clone(), show.clone()).boxed()
}

async fn answer(request: Request, visitors: Visitors, handler: impl PageAction) -> Result<Response, Problem> {
    let visit = Visit::begin(request).await?;
    match FormUse::of(&visit, visitors) {
        FormUse::Acts => conclude(visit, visitors, handler).await,
        FormUse::Shown | FormUse::Outdated | FormUse::Refused => Ok(refuse(&visit)),
    }
}

async fn answer_form(
    request: Request,
    visitors: Visitors,
    submit: impl PageAction,
    show: impl PageAction,
) -> Result<Response, Problem> {
    let visit = Visit::begin(request).await?;
    match FormUse::of(&visit, visitors) {
        FormUse::Acts => conclude(visit, visitors, submit).await,
        FormUse::Shown => conclude(visit, visitors, show).await,
        FormUse::Outdated => {
            let shown = conclude(visit.outdated(), visitors, show).await?;
            let is_page = shown.status() == StatusCode::OK;
            let shown = shown.with_problem(Code::CrossSiteRefused);
            Ok(if is_page { shown.with_status(Code::CrossSiteRefused.status()) } else { shown })
        }
        FormUse::Refused => Ok(refuse(&visit)),
    }
}

async fn conclude(visit: Visit, visitors: Visitors, handler: impl PageAction) -> Result<Response, Problem> {
    let kept = visit.clone();
    let result = match (visitors, &visit.viewer) {
        (Visitors::SignedIn, None) => Ok(kept.ask_to_sign_in()),
        (Visitors::SignedIn, Some(_)) | (Visitors::Anyone, _) => handler.perform(visit).await,
    };
    let response = match result {
        Ok(response) => response,
        // The session was ended while the page worked.
        Err(problem) if kept.viewer.is_some() && has_ended(&problem) => kept.ask_to_sign_in(),
        Err(problem) => problem_page(&kept, &problem),
    };
    Ok(kept.jar.set_on(response))
}

fn refuse(visit: &Visit) -> Response {
    visit.jar.set_on(problem_page(visit, &Problem::new(Code::CrossSiteRefused)))
}

fn has_ended(problem: &Problem) -> bool {
    matches!(
        problem.code(),
        Code::TokenMissing | Code::TokenExpired | Code::TokenRevoked | Code::TokenRefreshNeeded
    )
}

/// What a request may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FormUse {
    /// It acts, or it sends no form.
    Acts,
    /// It asks for another language only.
    Shown,
    /// A page of this service sends it, but with the token of another browser or user, or with none: of a second tab that was
    /// opened at the same time as the first one, or after another user has signed in.
    Outdated,
    /// It does not come from a page of this service.
    Refused,
}

impl FormUse {
    fn of(visit: &Visit, visitors: Visitors) -> Self {
        if !visit.is_form() {
            return Self::Acts;
        }
        // It acts on nothing: the visitor is asked to sign in.
        if visitors == Visitors::SignedIn && visit.viewer.is_none() {
            return Self::Acts;
        }
        if !visit.is_from_own_page() {
            return Self::Refused;
        }
        // A form that was filled in before the sign-in, in another tab, is of no user.
        let may_be_older = visitors == Visitors::Anyone;
        match visit.has_token_of(visit.user()) || (may_be_older && visit.has_token_of(None)) {
            false => Self::Outdated,
            true if visit.asks_for_language() => Self::Shown,
            true => Self::Acts,
        }
    }
}
