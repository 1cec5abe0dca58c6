//! Who may open a page of the console.

use futures_util::FutureExt as _;

use super::operator::OperatorVisit;
use super::sign_in::ask_with;
use crate::api::{Problem, Request, Response};
use crate::pages::guard::{PageAction, PageHandler, Visitors, answer, answer_form};
use crate::pages::site::PageSite;
use crate::pages::visit::Visit;

/// The pages of the console for signed-in users.
const USERS: Visitors = Visitors::SignedIn(ask_with);

/// A page of the console that anyone may open: its sign-in.
pub fn visitor(handler: impl PageAction) -> impl Fn(Request) -> PageHandler + Send + Sync + Clone + 'static {
    move |request| answer(PageSite::Console, request, Visitors::Anyone, handler.clone()).boxed()
}

/// The form of such a page. `submit` acts on it; `show` shows it again with what was typed.
pub fn visitor_sends(
    submit: impl PageAction,
    show: impl PageAction,
) -> impl Fn(Request) -> PageHandler + Send + Sync + Clone + 'static {
    move |request| {
        answer_form(PageSite::Console, request, Visitors::Anyone, (submit.clone(), show.clone())).boxed()
    }
}

/// A page of the console for every signed-in user, also for one who holds no permission any more: the sign-out.
pub fn any_user(handler: impl PageAction) -> impl Fn(Request) -> PageHandler + Send + Sync + Clone + 'static {
    move |request| answer(PageSite::Console, request, USERS, handler.clone()).boxed()
}

/// A page of the console for operators.
pub fn operator<H, A>(handler: H) -> impl Fn(Request) -> PageHandler + Send + Sync + Clone + 'static
where
    H: Fn(OperatorVisit) -> A + Clone + Send + Sync + 'static,
    A: Future<Output = Result<Response, Problem>> + Send + 'static,
{
    any_user(of_operator(handler))
}

/// The form of such a page. `submit` acts on it; `show` shows it again with what was typed.
pub fn operator_sends<S, A, H, B>(
    submit: S,
    show: H,
) -> impl Fn(Request) -> PageHandler + Send + Sync + Clone + 'static
where
    S: Fn(OperatorVisit) -> A + Clone + Send + Sync + 'static,
    A: Future<Output = Result<Response, Problem>> + Send + 'static,
    H: Fn(OperatorVisit) -> B + Clone + Send + Sync + 'static,
    B: Future<Output = Result<Response, Problem>> + Send + 'static,
{
    let (submit, show) = (of_operator(submit), of_operator(show));
    move |request| answer_form(PageSite::Console, request, USERS, (submit.clone(), show.clone())).boxed()
}

/// The same for an operator only.
fn of_operator<H, A>(handler: H) -> impl PageAction
where
    H: Fn(OperatorVisit) -> A + Clone + Send + Sync + 'static,
    A: Future<Output = Result<Response, Problem>> + Send + 'static,
{
    move |visit: Visit| {
        let handler = handler.clone();
        async move { handler(OperatorVisit::of(visit).await?).await }
    }
}
