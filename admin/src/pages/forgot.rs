//! `/account/forgot`: asks for a link to set a new password.

use askama::Template;

use super::alert::PageAlert;
use super::field::{FormField, focus};
use super::frame::{Frame, respond};
use super::problem::{status_of, with_problem};
use super::visit::Visit;
use crate::api::{Problem, Response};
use crate::recovery::forgot;

#[derive(Template)]
#[template(path = "forgot.html")]
struct ForgotPage {
    frame: Frame,
    has_mail: bool,
    next: String,
    email: FormField,
}

/// Shows the form.
///
/// # Errors
///
/// None.
pub async fn show(visit: Visit) -> Result<Response, Problem> {
    Ok(page(&visit, None, false))
}

/// Sends a link, if an account has the address. The page is the same in any case.
///
/// # Errors
///
/// None: every problem is shown on the page.
pub async fn submit(visit: Visit) -> Result<Response, Problem> {
    let asked = forgot::handle(visit.with(visit.fields.form(&["email"]))).await;
    Ok(page(&visit, asked.as_ref().err(), asked.is_ok()))
}

fn page(visit: &Visit, problem: Option<&Problem>, is_sent: bool) -> Response {
    let t = visit.texts();
    let email = visit.fields.text("email");
    let mut email = FormField::email(t, "email").with_value(email).filled_in_as("username").judged(problem);
    focus(&mut [&mut email]);
    let mut frame = Frame::of(visit, t.forgot_title).with_problem(problem);
    if is_sent {
        frame.alert = Some(PageAlert { text: t.forgot_sent.to_owned(), is_error: false });
    }
    let template = ForgotPage {
        frame,
        has_mail: visit.request.context.outbox.is_on(),
        next: visit.next_page().as_str().to_owned(),
        email,
    };
    let response = respond(status_of(problem), &template);
    problem.into_iter().fold(response, with_problem)
}
