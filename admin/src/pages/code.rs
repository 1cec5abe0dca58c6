//! `/account/sign-in/code`: with a code from a mail.

use askama::Template;

use super::continued::go_on;
use super::erasing;
use super::field::{FormField, focus};
use super::frame::{Frame, respond};
use super::problem::{status_of, with_problem};
use super::return_to::NextPage;
use super::visit::Visit;
use crate::api::{Code, Problem, Response};
use crate::mail_proof::{request, resend, sign_in};

#[derive(Template)]
#[template(path = "code.html")]
struct CodePage {
    frame: Frame,
    next: String,
    /// The flow, and the field of its code, once a code was asked for; before, the field of the address.
    flow: Option<String>,
    field: FormField,
}

/// Asks for the address.
///
/// # Errors
///
/// None.
pub async fn show(visit: Visit) -> Result<Response, Problem> {
    let next = visit.next_page();
    Ok(page(&visit, &next, flow(&visit), None))
}

/// Sends a code, or signs in with it.
///
/// # Errors
///
/// None: every problem is shown on the page.
pub async fn submit(visit: Visit) -> Result<Response, Problem> {
    let next = visit.next_page();
    let flow = flow(&visit);
    let asked = match (flow, visit.fields.text("again")) {
        (None, _) => request::perform(visit.with(visit.fields.form(&["email"]))).await,
        (Some(_), "yes") => resend::perform(visit.with(visit.fields.form(&["flow"]))).await,
        (Some(flow), _) => return sign_in_with(&visit, &next, flow).await,
    };
    Ok(match asked {
        Ok(asked) => page(&visit, &next, Some(asked.text()), None),
        // A flow that is over begins again.
        Err(problem) if problem.code() == Code::CodeExpired => page(&visit, &next, None, Some(&problem)),
        Err(problem) => page(&visit, &next, flow, Some(&problem)),
    })
}

/// The flow that a form has.
fn flow(visit: &Visit) -> Option<&str> {
    Some(visit.fields.text("flow")).filter(|flow| !flow.is_empty())
}

async fn sign_in_with(visit: &Visit, next: &NextPage, flow: &str) -> Result<Response, Problem> {
    Ok(match sign_in::perform(visit.with(visit.fields.form(&["flow", "code"]))).await {
        Ok(pair) => {
            visit.keep(&pair);
            go_on(visit, next)
        }
        Err(problem) if problem.code() == Code::ErasurePending => return erasing::ask(visit, &problem).await,
        Err(problem) if problem.code() == Code::CodeExpired => page(visit, next, None, Some(&problem)),
        Err(problem) => page(visit, next, Some(flow), Some(&problem)),
    })
}

fn page(visit: &Visit, next: &NextPage, flow: Option<&str>, problem: Option<&Problem>) -> Response {
    let t = visit.texts();
    let mut field = match flow {
        Some(_) => FormField::code(t).with_value(visit.fields.text("code")).judged(problem),
        None => FormField::email(t, "email").with_value(visit.fields.text("email")).judged(problem),
    };
    focus(&mut [&mut field]);
    let frame = Frame::of(visit, t.code_title).with_problem(problem);
    let template = CodePage { frame, next: next.as_str().to_owned(), flow: flow.map(str::to_owned), field };
    let response = respond(status_of(problem), &template);
    problem.into_iter().fold(response, with_problem)
}
