//! What surrounds every handler of a page: who may open it, and which forms may act.
//!
//! A browser whose access token has expired has the next pair before the handler runs (`viewer`), so no form is lost. One whose
//! session has ended keeps the form through the sign-in (`kept`).

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use http::StatusCode;

use super::kept::KeptForm;
use super::problem::page as problem_page;
use super::sign_in;
use super::site::PageSite;
use super::visit::Visit;
use crate::api::{Code, Problem, Request, Response};

/// Who may open a page.
#[derive(Clone, Copy)]
pub(super) enum Visitors {
    Anyone,
    /// Others see the sign-in, which keeps the form that they sent.
    SignedIn(AskToSignIn),
}

/// The page of a sign-in that keeps a form.
pub(super) type AskToSignIn = fn(&Visit, KeptForm) -> Response;

/// The pages of viewers for the signed-in user.
const VIEWERS: Visitors = Visitors::SignedIn(sign_in::ask_with);

/// A handler in the table of routes.
pub(super) type PageHandler = BoxFuture<'static, Result<Response, Problem>>;

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
    move |request| answer(PageSite::Account, request, Visitors::Anyone, handler.clone()).boxed()
}

/// A page for the signed-in user; others are asked to sign in, and come back.
pub fn signed_in(
    handler: impl PageAction,
) -> impl Fn(Request) -> PageHandler + Send + Sync + Clone + 'static {
    move |request| answer(PageSite::Account, request, VIEWERS, handler.clone()).boxed()
}

/// The form of a page that anyone may open. `submit` acts on it. `show` shows it again with what was typed: in another language,
/// or because it is out of date and must not act.
pub fn anyone_sends(
    submit: impl PageAction,
    show: impl PageAction,
) -> impl Fn(Request) -> PageHandler + Send + Sync + Clone + 'static {
    move |request| {
        answer_form(PageSite::Account, request, Visitors::Anyone, (submit.clone(), show.clone())).boxed()
    }
}

/// The same for a page for the signed-in user.
pub fn signed_in_sends(
    submit: impl PageAction,
    show: impl PageAction,
) -> impl Fn(Request) -> PageHandler + Send + Sync + Clone + 'static {
    move |request| answer_form(PageSite::Account, request, VIEWERS, (submit.clone(), show.clone())).boxed()
}

/// Answers a request to a page of `site`.
pub(super) async fn answer(
    site: PageSite,
    request: Request,
    visitors: Visitors,
    handler: impl PageAction,
) -> Result<Response, Problem> {
    let visit = Visit::begin(site, request).await?;
    match FormUse::of(&visit, visitors) {
        FormUse::Acts => conclude(visit, visitors, handler).await,
        FormUse::Shown | FormUse::Outdated | FormUse::Refused => Ok(refuse(&visit)),
    }
}

/// Answers a form of a page of `site`: what acts on it, and what shows it again.
pub(super) async fn answer_form(
    site: PageSite,
    request: Request,
    visitors: Visitors,
    (submit, show): (impl PageAction, impl PageAction),
) -> Result<Response, Problem> {
    let visit = Visit::begin(site, request).await?;
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
        (Visitors::SignedIn(ask), None) => Ok(ask_to_sign_in(&kept, ask)),
        (Visitors::SignedIn(_), Some(_)) | (Visitors::Anyone, _) => handler.perform(visit).await,
    };
    let response = match result {
        Ok(response) => response,
        // The session was ended while the page worked.
        Err(problem)
            if let Visitors::SignedIn(ask) = visitors
                && has_ended(&problem) =>
        {
            ask_to_sign_in(&kept, ask)
        }
        Err(problem) if kept.viewer.is_some() && has_ended(&problem) => kept.ask_to_sign_in(),
        Err(problem) => problem_page(&kept, &problem),
    };
    Ok(kept.jar.set_on(response))
}

/// Asks to sign in. What was typed into a form is not lost.
fn ask_to_sign_in(visit: &Visit, ask: AskToSignIn) -> Response {
    match KeptForm::of_request(visit) {
        Some(kept) => ask(visit, kept),
        None => visit.ask_to_sign_in(),
    }
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
        if matches!(visitors, Visitors::SignedIn(_)) && visit.viewer.is_none() {
            return Self::Acts;
        }
        if !visit.is_from_own_page() {
            return Self::Refused;
        }
        // A form that was filled in before the sign-in, in another tab, is of no user.
        let may_be_older = matches!(visitors, Visitors::Anyone);
        match visit.has_token_of(visit.user()) || (may_be_older && visit.has_token_of(None)) {
            false => Self::Outdated,
            true if visit.asks_for_language() => Self::Shown,
            true => Self::Acts,
        }
    }
}
