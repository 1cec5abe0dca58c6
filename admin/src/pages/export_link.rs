//! `/account/export`: the page that the link to an export opens. GET shows a button and takes nothing; POST returns the export
//! as a file.

use askama::Template;
use http::{HeaderValue, header};

use super::field::{FormField, focus_wrong};
use super::frame::{Frame, respond};
use super::mailed;
use super::problem::{status_of, with_problem};
use super::visit::Visit;
use crate::api::{Form, Problem, Response};
use crate::export::take;

#[derive(Template)]
#[template(path = "export_link.html")]
struct ExportLinkPage {
    frame: Frame,
    token: FormField,
    is_known: bool,
}

/// Shows the button.
///
/// # Errors
///
/// None.
pub async fn show(visit: Visit) -> Result<Response, Problem> {
    Ok(page(&visit, None))
}

/// Returns the export.
///
/// # Errors
///
/// None: every problem is shown on the page.
pub async fn submit(visit: Visit) -> Result<Response, Problem> {
    let form = Form::default().with(mailed::FIELD, mailed::token(&visit));
    match take::handle(visit.with(form)).await {
        Ok(export) => {
            let name = HeaderValue::from_static("attachment; filename=\"account.json\"");
            Ok(export.with_header(header::CONTENT_DISPOSITION, name))
        }
        Err(problem) => Ok(page(&visit, Some(&problem))),
    }
}

fn page(visit: &Visit, problem: Option<&Problem>) -> Response {
    let mut token = mailed::field(visit, problem);
    focus_wrong(&mut [&mut token]);
    let template = ExportLinkPage {
        frame: Frame::of(visit, visit.texts().export_link_title).with_problem(problem),
        token,
        is_known: mailed::is_known(visit, problem),
    };
    let response = respond(status_of(problem), &template);
    problem.into_iter().fold(response, with_problem)
}
