//! `/account/email`: the page that the link to a new address opens. It counts only on a device where the user is signed in.

use askama::Template;

use super::address_question::AddressQuestion;
use super::field::{FormField, focus_wrong};
use super::frame::{Frame, respond};
use super::problem::{status_of, with_problem};
use super::visit::Visit;
use super::{mailed, paths};
use crate::api::{Code, Problem, Response, SessionCookies};
use crate::email_change::{AddressAnswer, by_link};

#[derive(Template)]
#[template(path = "address_link.html")]
struct AddressLinkPage {
    frame: Frame,
    token: FormField,
    is_known: bool,
    question: Option<AddressQuestion>,
}

/// Shows the button.
///
/// # Errors
///
/// None.
pub async fn show(visit: Visit) -> Result<Response, Problem> {
    Ok(page(&visit, None))
}

/// Sets the address. All sessions have ended then.
///
/// # Errors
///
/// None: every problem is shown on the page.
pub async fn submit(visit: Visit) -> Result<Response, Problem> {
    let answer = AddressAnswer::of(Some(visit.fields.text("account")));
    match by_link::set(&visit.request, mailed::token(&visit), answer).await {
        Ok(()) => {
            visit.jar.add_session(&SessionCookies::Clear);
            let done = if answer == AddressAnswer::Move { "accounts_joined" } else { "address_proven" };
            Ok(visit.redirect_done(paths::SIGN_IN, done))
        }
        Err(problem) => Ok(page(&visit, Some(&problem))),
    }
}

fn page(visit: &Visit, problem: Option<&Problem>) -> Response {
    let mut token = mailed::field(visit, problem);
    focus_wrong(&mut [&mut token]);
    let t = visit.texts();
    let mut frame = Frame::of(visit, t.address_link_title).with_problem(problem);
    if let (Some(Code::Forbidden), Some(alert)) = (problem.map(Problem::code), &mut frame.alert) {
        t.address_link_elsewhere.clone_into(&mut alert.text);
    }
    let question = AddressQuestion::of(visit, problem);
    let template = AddressLinkPage { frame, token, is_known: mailed::is_known(visit, problem), question };
    let response = respond(status_of(problem), &template);
    problem.into_iter().fold(response, with_problem)
}
