//! `/console/invite`: creates an account, whose user sets the password by a link.

use askama::Template;

use super::operator::OperatorVisit;
use super::requirement::Requirement;
use crate::access::Right;
use crate::api::{Problem, Response};
use crate::operators::invite::handle;
use crate::pages::field::{FormField, focus};
use crate::pages::frame::{Frame, respond};
use crate::pages::paths;
use crate::pages::problem::{status_of, with_problem};
use crate::pages::proof::{ProofAsked, prove};

#[derive(Template)]
#[template(path = "console/invite.html")]
struct InvitePage {
    frame: Frame,
    email: FormField,
    reason: FormField,
    proof: ProofAsked,
}

const PATH: &str = "/console/invite";

/// Asks for the address.
///
/// # Errors
///
/// 403; 401; 503.
pub async fn show(operator: OperatorVisit) -> Result<Response, Problem> {
    operator.require(Requirement::Right(Right::UsersRecover))?;
    Ok(page(&operator, None))
}

/// Invites.
///
/// # Errors
///
/// 403; 401. Every other problem is shown on the page.
pub async fn submit(operator: OperatorVisit) -> Result<Response, Problem> {
    operator.require(Requirement::Right(Right::UsersRecover))?;
    let invited = match prove(&operator, operator.fields.form(&["email", "reason"])).await {
        Ok(request) => handle(request).await,
        Err(problem) => Err(problem),
    };
    match invited {
        Ok(_) => Ok(operator.redirect_done(paths::CONSOLE, "invited")),
        Err(problem) => Ok(page(&operator, Some(&problem))),
    }
}

fn page(operator: &OperatorVisit, problem: Option<&Problem>) -> Response {
    let (t, texts, fields) = (operator.t(), operator.texts(), &operator.fields);
    // The address of another person: the browser must not fill in the operator's own.
    let mut email =
        FormField::email(texts, "email").filled_in_as("off").with_value(fields.text("email")).judged(problem);
    let mut reason = FormField::text(texts, "reason", t.reason)
        .hinted(t.reason_hint)
        .with_value(fields.text("reason"))
        .judged(problem);
    focus(&mut [&mut email, &mut reason]);
    let template = InvitePage {
        frame: operator.frame(t.invite_title).with_problem(problem),
        email,
        reason,
        proof: ProofAsked::of(operator, PATH, problem),
    };
    let response = respond(status_of(problem), &template);
    problem.into_iter().fold(response, with_problem)
}
