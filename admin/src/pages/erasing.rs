//! `/account/erasing`: a viewer who has proved to own an account that will be erased keeps it, or has it erased at once.

use askama::Template;
use http::StatusCode;

use super::frame::{Frame, respond};
use super::paths;
use super::problem::with_problem;
use super::texts::fill;
use super::visit::Visit;
use crate::api::{Problem, Response};
use crate::erasure::{erase_now, keep};
use crate::moments::moment;
use crate::pending_erasure;

#[derive(Template)]
#[template(path = "erasing.html")]
struct ErasingPage {
    frame: Frame,
    flow: String,
    text: String,
    can_erase_now: bool,
}

/// Asks what to do, after the problem `erasure_pending` of a sign-in.
pub(super) async fn ask(visit: &Visit, problem: &Problem) -> Result<Response, Problem> {
    page(visit, problem.flow_secret().unwrap_or_default(), None, problem.code().status()).await
}

/// Asks again, in another language. Without a flow there is nothing to ask.
///
/// # Errors
///
/// 503.
pub async fn show(visit: Visit) -> Result<Response, Problem> {
    match visit.fields.text("flow") {
        "" => Ok(visit.redirect(paths::SIGN_IN)),
        flow => page(&visit, flow, None, StatusCode::OK).await,
    }
}

/// Keeps the account, or erases it.
///
/// # Errors
///
/// 503; every other problem is shown on the page.
pub async fn submit(visit: Visit) -> Result<Response, Problem> {
    let request = visit.with(visit.fields.form(&["flow"]));
    let (result, done) = match visit.fields.text("choice") {
        "erase" => (erase_now::handle(request).await, "erased"),
        _ => (keep::handle(request).await, "kept"),
    };
    match result {
        Ok(_) => Ok(visit.redirect_done(paths::SIGN_IN, done)),
        Err(problem) => {
            page(&visit, visit.fields.text("flow"), Some(&problem), problem.code().status()).await
        }
    }
}

async fn page(
    visit: &Visit,
    flow: &str,
    problem: Option<&Problem>,
    status: StatusCode,
) -> Result<Response, Problem> {
    let t = visit.texts();
    let known = pending_erasure::of_flow(&visit.request.context, flow).await?;
    let text = known.map(|(erase_at, _)| fill(t.erasure_text, &moment(erase_at, visit.language)));
    let template = ErasingPage {
        frame: Frame::of(visit, t.erasure_title).with_problem(problem),
        flow: flow.to_owned(),
        text: text.unwrap_or_default(),
        can_erase_now: known.is_some_and(|(_, can_erase_now)| can_erase_now),
    };
    let response = respond(status, &template);
    Ok(problem.into_iter().fold(response, with_problem))
}
