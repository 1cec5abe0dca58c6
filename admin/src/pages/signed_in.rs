//! `/account/signed-in`: where a browser comes back to from an identity provider, with what came of it in the query.

use askama::Template;
use http::StatusCode;

use super::continued::go_on;
use super::erasing;
use super::frame::{Frame, respond};
use super::link;
use super::paths;
use super::proof_code::proven;
use super::return_to::NextPage;
use super::texts::fill;
use super::viewer::Viewer;
use super::visit::Visit;
use crate::api::{Code, Form, Problem, Request, Response};
use crate::provider_sign_in::{exchange, finish_proof};
use crate::sessions::logout;

/// The parameter with the code of a sign-in, and the field.
const CODE: &str = "one_time_code";

#[derive(Template)]
#[template(path = "switch.html")]
struct SwitchPage {
    frame: Frame,
    text: String,
    next: String,
    code: String,
}

/// Goes on: signed in, to the question whose an account is, or back with the problem. What is in the query is for once, so
/// nothing is shown at this address but the question whether to become another user: the browser may have been led here by a
/// link of another site, and its provider may ask no question.
///
/// # Errors
///
/// 503: every other problem is shown on a page.
pub async fn show(visit: Visit) -> Result<Response, Problem> {
    let next = visit.next_page();
    let code = visit.asked(CODE);
    if !code.is_empty() {
        return match is_of_another(&visit, &code).await? {
            true => Ok(ask(&visit, &next, code)),
            false => sign_in(&visit, &next, &code).await,
        };
    }
    if let Some(code) = visit.query("proven") {
        return Ok(prove(&visit, &next, &code).await);
    }
    if visit.query("linked").is_some() {
        return Ok(visit.redirect_done("/account/security", "linked"));
    }
    let word = visit.query("error").unwrap_or_default();
    let code = Code::ALL.iter().copied().find(|code| code.as_str() == word).unwrap_or(Code::StateInvalid);
    match (code, visit.query("flow")) {
        // Who may decide about an erasure is answered to the exchange, and never to a link.
        (Code::ErasurePending, _) | (_, None) => Ok(back(&visit, &next, code)),
        (_, Some(flow)) => Ok(visit.redirect(&link::address(&flow, &next))),
    }
}

/// Becomes another user, as the viewer has answered.
///
/// # Errors
///
/// None: every problem is shown on a page.
pub async fn submit(visit: Visit) -> Result<Response, Problem> {
    sign_in(&visit, &visit.next_page(), visit.fields.text(CODE)).await
}

/// Whether a code would sign in another user than the viewer.
async fn is_of_another(visit: &Visit, code: &str) -> Result<bool, Problem> {
    let Some(user) = visit.user() else { return Ok(false) };
    Ok(exchange::user_of(&visit.request, code).await?.is_some_and(|other| other != user))
}

fn ask(visit: &Visit, next: &NextPage, code: String) -> Response {
    let (t, viewer) = (visit.texts(), visit.viewer.as_ref().map(Viewer::shown).unwrap_or_default());
    let template = SwitchPage {
        frame: Frame::of(visit, t.switch_title),
        text: fill(t.switch_text, viewer),
        next: next.as_str().to_owned(),
        code,
    };
    respond(StatusCode::OK, &template)
}

async fn sign_in(visit: &Visit, next: &NextPage, code: &str) -> Result<Response, Problem> {
    match exchange::perform(visit.with(Form::of_texts([(CODE, code)]))).await {
        Ok(pair) => {
            end_former(visit).await;
            visit.keep(&pair);
            Ok(go_on(visit, next))
        }
        Err(problem) if problem.code() == Code::ErasurePending => erasing::ask(visit, &problem).await,
        // The page was opened again, by the button for going back.
        Err(problem) if problem.code() == Code::CodeExpired && visit.viewer.is_some() && !visit.is_form() => {
            Ok(visit.redirect(next.as_str()))
        }
        Err(problem) => Ok(back(visit, next, problem.code())),
    }
}

/// Ends the session that the new one replaces in this browser.
async fn end_former(visit: &Visit) {
    if visit.viewer.is_none() {
        return;
    }
    // The endpoint knows no parameter of this page.
    let request = Request { query: String::new(), ..visit.with(Form::default()) };
    if let Err(problem) = logout::handle(request).await {
        // The sign-in stands; the former session ends by its own end.
        tracing::warn!(code = problem.code().as_str(), "A session that another one replaced was not ended.");
    }
}

/// Keeps the proof, and goes back to the action, which asks again if there was none.
async fn prove(visit: &Visit, next: &NextPage, code: &str) -> Response {
    match finish_proof(&visit.with(Form::default()), code).await {
        Ok(access) => proven(visit, next, &access),
        // The page was opened again, by the button for going back; or the session has ended, which the next page says.
        Err(problem) if problem.code() == Code::CodeExpired || problem.code().status().as_u16() == 401 => {
            visit.redirect(next.as_str())
        }
        Err(problem) => visit.redirect_problem(next.as_str(), problem.code()),
    }
}

/// To the page where it began, which says what is wrong.
fn back(visit: &Visit, next: &NextPage, code: Code) -> Response {
    let is_elsewhere = next.is_of_site() && next.as_str() != paths::OVERVIEW;
    match (&visit.viewer, code) {
        (Some(_), _) if is_elsewhere => visit.redirect_problem(next.as_str(), code),
        (Some(_), _) => visit.redirect_problem("/account/security", code),
        (None, Code::ConsentRequired) => {
            visit.redirect_problem(&format!("{}?{}", paths::PROVIDER_CONSENT, next.as_query()), code)
        }
        (None, _) => visit.redirect_problem(&format!("{}?{}", paths::SIGN_IN, next.as_query()), code),
    }
}
