//! `/account/confirm`: the page that the link in a mail to a new user opens. It sets the password and opens no session: the
//! link may have been opened in another program than the one in which the user registered.
//!
//! The server learns of the link by a first press alone, so only then the page can ask for a password.

use askama::Template;

use super::consent::{ConsentTick, focus_unless};
use super::field::{FormField, focus_wrong};
use super::frame::{Frame, respond};
use super::problem::{status_of, with_problem};
use super::visit::Visit;
use super::{mailed, paths};
use crate::api::{Code, Problem, Response};
use crate::registration::verify;

#[derive(Template)]
#[template(path = "confirm.html")]
struct ConfirmPage {
    frame: Frame,
    token: FormField,
    is_known: bool,
    /// Whether the link is known to be valid.
    asks_password: bool,
    /// For a password manager, which saves the password under it.
    user_name: FormField,
    password: FormField,
    consent: Option<ConsentTick>,
    /// Whether to ask whose the account is that has the address.
    asks: bool,
    answer: String,
}

/// Shows the form.
///
/// # Errors
///
/// None.
pub async fn show(visit: Visit) -> Result<Response, Problem> {
    Ok(page(&visit, visit.fields.has("asks"), None))
}

/// Checks the link, and asks for a password; with a password it creates the account.
///
/// # Errors
///
/// None: every problem is shown on the page.
pub async fn submit(visit: Visit) -> Result<Response, Problem> {
    if !visit.fields.has("password") {
        return Ok(match verify::check_link(&visit.request.context, mailed::token(&visit)).await {
            Ok(()) => page(&visit, true, None),
            Err(problem) => page(&visit, false, Some(&problem)),
        });
    }
    let form = visit.fields.form(&["password", "consent", "account"]);
    match verify::perform_by_link(visit.with(form.with(mailed::FIELD, mailed::token(&visit)))).await {
        Ok(()) => Ok(visit.redirect_done(paths::SIGN_IN, "registered")),
        Err(problem) => {
            let is_over = [Code::CodeWrong, Code::CodeExpired].contains(&problem.code());
            Ok(page(&visit, !is_over, Some(&problem)))
        }
    }
}

fn page(visit: &Visit, asks_password: bool, problem: Option<&Problem>) -> Response {
    let t = visit.texts();
    let least = visit.request.context.config.password_min;
    let mut password = FormField::new_password(t, "password", least).labelled(t.password).judged(problem);
    let consent = ConsentTick::of(visit, t, problem);
    let mut token = mailed::field(visit, problem);
    let mut fields = [&mut token, &mut password];
    if !focus_wrong(&mut fields) {
        focus_unless(consent.as_ref(), &mut [&mut password]);
    }
    let is_unproven = problem.is_some_and(|problem| problem.code() == Code::AccountUnproven);
    let template = ConfirmPage {
        frame: Frame::of(visit, t.confirm_title).with_problem(problem),
        token,
        is_known: mailed::is_known(visit, problem),
        asks_password,
        user_name: mailed::user_name(visit),
        password,
        consent,
        asks: is_unproven || visit.fields.has("account"),
        answer: visit.fields.text("account").to_owned(),
    };
    let response = respond(status_of(problem), &template);
    problem.into_iter().fold(response, with_problem)
}
