//! `/account/reset`: the page that a link to set a new password opens, and that of an invitation.

use askama::Template;

use super::consent::{ConsentTick, focus_unless};
use super::field::{FormField, focus_wrong};
use super::frame::{Frame, respond};
use super::problem::{status_of, with_problem};
use super::visit::Visit;
use super::{mailed, paths};
use crate::api::{Form, Problem, Response, SessionCookies};
use crate::recovery::reset;

#[derive(Template)]
#[template(path = "reset.html")]
struct ResetPage {
    frame: Frame,
    token: FormField,
    is_known: bool,
    /// For a password manager, which saves the password under it.
    user_name: FormField,
    password: FormField,
    consent: Option<ConsentTick>,
}

/// Shows the form.
///
/// # Errors
///
/// None.
pub async fn show(visit: Visit) -> Result<Response, Problem> {
    Ok(page(&visit, None))
}

/// Sets the password. No session is opened, and that of this browser may have ended with all others.
///
/// # Errors
///
/// None: every problem is shown on the page.
pub async fn submit(visit: Visit) -> Result<Response, Problem> {
    let form: Form =
        visit.fields.form(&["new_password", "consent"]).with(mailed::FIELD, mailed::token(&visit));
    match reset::handle(visit.with(form)).await {
        Ok(_) => {
            visit.jar.add_session(&SessionCookies::Clear);
            Ok(visit.redirect_done(paths::SIGN_IN, "reset"))
        }
        Err(problem) => Ok(page(&visit, Some(&problem))),
    }
}

fn page(visit: &Visit, problem: Option<&Problem>) -> Response {
    let t = visit.texts();
    let least = visit.request.context.config.password_min;
    let mut password = FormField::new_password(t, "new_password", least).judged(problem);
    let consent = ConsentTick::of(visit, t, problem);
    let mut token = mailed::field(visit, problem);
    let mut fields = [&mut token, &mut password];
    if !focus_wrong(&mut fields) {
        focus_unless(consent.as_ref(), &mut [&mut password]);
    }
    let template = ResetPage {
        frame: Frame::of(visit, t.reset_title).with_problem(problem),
        token,
        is_known: mailed::is_known(visit, problem),
        user_name: mailed::user_name(visit),
        password,
        consent,
    };
    let response = respond(status_of(problem), &template);
    problem.into_iter().fold(response, with_problem)
}
