//! `/account/undo`: the page that the link in a mail to a former address opens. It freezes the account, or takes the address
//! back.

use askama::Template;

use super::field::{FormField, focus_wrong};
use super::frame::{Frame, respond};
use super::problem::{status_of, with_problem};
use super::visit::Visit;
use super::{mailed, paths};
use crate::api::{Code, Problem, Response};
use crate::email_change::{freeze, undo};

#[derive(Template)]
#[template(path = "undo.html")]
struct UndoPage {
    frame: Frame,
    token: FormField,
    is_known: bool,
    former: FormField,
    password: FormField,
    /// Whether to take the address back was chosen.
    is_undone: bool,
}

/// Shows the form.
///
/// # Errors
///
/// None.
pub async fn show(visit: Visit) -> Result<Response, Problem> {
    Ok(page(&visit, None))
}

/// Does what was chosen.
///
/// # Errors
///
/// None: every problem is shown on the page.
pub async fn submit(visit: Visit) -> Result<Response, Problem> {
    let with =
        |names: &[&str]| visit.with(visit.fields.form(names).with(mailed::FIELD, mailed::token(&visit)));
    let done = match visit.fields.text("choice") {
        "undo" => undo::handle(with(&["new_password", "former_password"])).await.map(|_| "reset"),
        "freeze" => freeze::handle(with(&[])).await.map(|_| "frozen"),
        _ => Err(Problem::new(Code::ValidationFailed)),
    };
    match done {
        Ok(done) => Ok(visit.redirect_done(paths::SIGN_IN, done)),
        Err(problem) => Ok(page(&visit, Some(&problem))),
    }
}

fn page(visit: &Visit, problem: Option<&Problem>) -> Response {
    let t = visit.texts();
    let least = visit.request.context.config.password_min;
    let former = FormField::current_password(t, "former_password").labelled(t.former_password);
    let wrong = problem.filter(|problem| problem.code() == Code::CurrentPasswordWrong);
    let former = former.hinted(t.former_password_hint).optional().judged(problem);
    let mut former = match wrong {
        Some(wrong) => former.wrong(t.codes.problem(wrong.code())),
        None => former,
    };
    let mut password = FormField::new_password(t, "new_password", least).optional().judged(problem);
    let mut token = mailed::field(visit, problem);
    focus_wrong(&mut [&mut token, &mut former, &mut password]);
    let template = UndoPage {
        frame: Frame::of(visit, t.undo_title).with_problem(problem),
        token,
        is_known: mailed::is_known(visit, problem),
        former,
        password,
        is_undone: visit.fields.text("choice") == "undo",
    };
    let response = respond(status_of(problem), &template);
    problem.into_iter().fold(response, with_problem)
}
