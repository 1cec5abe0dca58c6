//! `/account/erasing`: a viewer who has proved to own an account that will be erased keeps it, or has it erased at once.

use askama::Template;
use http::StatusCode;

use super::frame::{Frame, respond};
use super::paths;
use super::problem::with_problem;
use super::visit::Visit;
use crate::api::{Code, Problem, Response};
use crate::erasure::{erase_now, keep};

#[derive(Template)]
#[template(path = "erasing.html")]
struct ErasingPage {
    frame: Frame,
    flow: String,
}

/// Asks what to do, after the problem `erasure_pending` of a sign-in.
pub(super) fn ask(visit: &Visit, problem: &Problem) -> Response {
    page(visit, problem.flow_secret().unwrap_or_default(), None, problem.code().status())
}

/// The same after a sign-in through a provider, whose flow is in the address of the page.
pub(super) fn ask_with(visit: &Visit, flow: &str) -> Response {
    page(visit, flow, None, Code::ErasurePending.status())
}

/// Keeps the account, or erases it.
///
/// # Errors
///
/// None: every problem is shown on the page.
pub async fn submit(visit: Visit) -> Result<Response, Problem> {
    let request = visit.with(visit.fields.form(&["flow"]));
    let (result, done) = match visit.fields.text("choice") {
        "erase" => (erase_now::handle(request).await, "erased"),
        _ => (keep::handle(request).await, "kept"),
    };
    match result {
        Ok(_) => Ok(visit.redirect_done(paths::SIGN_IN, done)),
        Err(problem) => Ok(page(&visit, visit.fields.text("flow"), Some(&problem), problem.code().status())),
    }
}

fn page(visit: &Visit, flow: &str, problem: Option<&Problem>, status: StatusCode) -> Response {
    let frame = Frame::of(visit, visit.texts().erasure_title).with_problem(problem);
    let response = respond(status, &ErasingPage { frame, flow: flow.to_owned() });
    problem.into_iter().fold(response, with_problem)
}
