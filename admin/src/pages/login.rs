//! `/account/login`: the login name.

use askama::Template;

use super::field::{FormField, focus};
use super::frame::{Frame, respond};
use super::password::current_password;
use super::problem::{status_of, with_problem};
use super::proof::ProofAsked;
use super::visit::Visit;
use crate::api::{Problem, Response};
use crate::me::change_login;

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage {
    frame: Frame,
    login: FormField,
    current: Option<FormField>,
    proof: ProofAsked,
}

/// Shows the form.
///
/// # Errors
///
/// 401.
pub async fn show(visit: Visit) -> Result<Response, Problem> {
    page(&visit, None)
}

/// Sets the name.
///
/// # Errors
///
/// 401: every other problem is shown on the page.
pub async fn submit(visit: Visit) -> Result<Response, Problem> {
    match change_login::perform(visit.with(visit.fields.form(&["current_password", "login"]))).await {
        Ok(pair) => {
            visit.keep(&pair);
            Ok(visit.redirect_done("/account/security", "login_changed"))
        }
        Err(problem) => page(&visit, Some(&problem)),
    }
}

fn page(visit: &Visit, problem: Option<&Problem>) -> Result<Response, Problem> {
    let (t, profile) = (visit.texts(), visit.signed_in()?.profile);
    let typed = match visit.is_form() {
        true => visit.fields.text("login").to_owned(),
        false => profile.login.clone().unwrap_or_default(),
    };
    let login = FormField::text(t, "login", t.login_name).filled_in_as("username").hinted(t.login_hint);
    let mut login = login.with_value(typed).judged(problem);
    let mut current = profile.has_password.then(|| current_password(visit, problem));
    let proof = match current {
        Some(_) => ProofAsked::Nothing,
        None => ProofAsked::of(visit, "/account/login", problem),
    };
    focus(&mut [&mut login].into_iter().chain(current.iter_mut()).collect::<Vec<_>>());
    let frame = Frame::of(visit, t.login_title).with_problem(problem);
    let response = respond(status_of(problem), &LoginPage { frame, login, current, proof });
    Ok(problem.into_iter().fold(response, with_problem))
}
