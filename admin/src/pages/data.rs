//! `/account/data`: the export of everything that is stored about the viewer, and the erasure of the account.

use askama::Template;
use http::{HeaderValue, header};

use super::frame::{Frame, respond};
use super::paths;
use super::problem::{status_of, with_problem};
use super::proof::{ProofAsked, prove};
use super::visit::Visit;
use crate::api::{Form, Problem, Response, SessionCookies};
use crate::export::request;
use crate::me::erase;

#[derive(Template)]
#[template(path = "data.html")]
struct DataPage {
    frame: Frame,
    proof: ProofAsked,
}

#[derive(Template)]
#[template(path = "erase.html")]
struct ErasePage {
    frame: Frame,
    days: u64,
    proof: ProofAsked,
}

const PATH: &str = "/account/data";
const ERASE: &str = "/account/data/erase";

/// Shows both.
///
/// # Errors
///
/// 401.
pub async fn show(visit: Visit) -> Result<Response, Problem> {
    Ok(page(&visit, None))
}

/// Leads to the page.
///
/// # Errors
///
/// None.
pub async fn redirect(visit: Visit) -> Result<Response, Problem> {
    Ok(visit.redirect(PATH))
}

/// Exports: a link arrives by mail, or the file is the response.
///
/// # Errors
///
/// 401: every other problem is shown on the page.
pub async fn export(visit: Visit) -> Result<Response, Problem> {
    let exported = match prove(&visit, Form::default()).await {
        Ok(asked) => request::handle(asked).await,
        Err(problem) => Err(problem),
    };
    match exported {
        Ok(response) if response.body().is_empty() => Ok(visit.redirect_done(PATH, "export_sent")),
        Ok(response) => {
            let name = HeaderValue::from_static("attachment; filename=\"account.json\"");
            Ok(response.with_header(header::CONTENT_DISPOSITION, name))
        }
        Err(problem) => Ok(page(&visit, Some(&problem))),
    }
}

/// Asks before it erases.
///
/// # Errors
///
/// 401.
pub async fn ask_to_erase(visit: Visit) -> Result<Response, Problem> {
    Ok(erase_page(&visit, None))
}

/// Orders the erasure, and signs out.
///
/// # Errors
///
/// 401: every other problem is shown on the page.
pub async fn erase(visit: Visit) -> Result<Response, Problem> {
    let ordered = match prove(&visit, Form::default()).await {
        Ok(asked) => erase::perform(asked).await,
        Err(problem) => Err(problem),
    };
    match ordered {
        Ok(_) => {
            visit.jar.add_session(&SessionCookies::Clear);
            Ok(visit.redirect_done(paths::SIGN_IN, "erasure_begun"))
        }
        Err(problem) => Ok(erase_page(&visit, Some(&problem))),
    }
}

fn page(visit: &Visit, problem: Option<&Problem>) -> Response {
    let frame = Frame::of(visit, visit.texts().data_title).with_problem(problem);
    let template = DataPage { frame, proof: ProofAsked::of(visit, PATH, problem) };
    let response = respond(status_of(problem), &template);
    problem.into_iter().fold(response, with_problem)
}

fn erase_page(visit: &Visit, problem: Option<&Problem>) -> Response {
    let frame = Frame::of(visit, visit.texts().erase_confirm_title).with_problem(problem);
    let days = visit.request.context.config.retention.erasure_grace.as_secs().div_ceil(86_400);
    let template = ErasePage { frame, days, proof: ProofAsked::of(visit, ERASE, problem) };
    let response = respond(status_of(problem), &template);
    problem.into_iter().fold(response, with_problem)
}
