//! `/account/password`: changes the password, or sets the first one.

use askama::Template;

use super::field::{FormField, focus};
use super::frame::{Frame, respond};
use super::problem::{status_of, with_problem};
use super::proof::ProofAsked;
use super::visit::Visit;
use crate::api::{Code, Problem, Response};
use crate::me::change_password;

#[derive(Template)]
#[template(path = "password.html")]
struct PasswordPage {
    frame: Frame,
    /// For a password manager, which saves the new password under it.
    user_name: String,
    current: Option<FormField>,
    new: FormField,
    proof: ProofAsked,
}

const PATH: &str = "/account/password";

/// Shows the form.
///
/// # Errors
///
/// 401.
pub async fn show(visit: Visit) -> Result<Response, Problem> {
    page(&visit, None)
}

/// Sets the password.
///
/// # Errors
///
/// 401: every other problem is shown on the page.
pub async fn submit(visit: Visit) -> Result<Response, Problem> {
    let form = visit.fields.form(&["current_password", "new_password"]);
    match change_password::perform(visit.with(form)).await {
        Ok(pair) => {
            visit.keep(&pair);
            Ok(visit.redirect_done("/account/security", "password_changed"))
        }
        Err(problem) => page(&visit, Some(&problem)),
    }
}

fn page(visit: &Visit, problem: Option<&Problem>) -> Result<Response, Problem> {
    let (t, viewer) = (visit.texts(), visit.signed_in()?);
    let profile = &viewer.profile;
    let least = visit.request.context.config.password_min;
    let mut new = FormField::new_password(t, "new_password", least).judged(problem);
    let mut current = profile.has_password.then(|| current_password(visit, problem));
    let title = if profile.has_password { t.password_title } else { t.password_set_title };
    let proof = match current {
        Some(_) => ProofAsked::Nothing,
        None => ProofAsked::of(visit, PATH, problem),
    };
    focus(&mut current.iter_mut().chain([&mut new]).collect::<Vec<_>>());
    let frame = Frame::of(visit, title).with_problem(problem);
    let user_name = profile.email.as_ref().or(profile.login.as_ref()).cloned().unwrap_or_default();
    let response = respond(status_of(problem), &PasswordPage { frame, user_name, current, new, proof });
    Ok(problem.into_iter().fold(response, with_problem))
}

/// The field of the current password, which every change of a credential asks for.
pub(super) fn current_password(visit: &Visit, problem: Option<&Problem>) -> FormField {
    let t = visit.texts();
    let field =
        FormField::current_password(t, "current_password").labelled(t.current_password).judged(problem);
    match problem {
        Some(problem) if problem.code() == Code::CurrentPasswordWrong => {
            field.wrong(t.codes.problem(problem.code()))
        }
        Some(_) | None => field,
    }
}
