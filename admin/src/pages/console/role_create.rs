//! `/console/create-role`: defines a role.

use askama::Template;

use super::operator::OperatorVisit;
use super::requirement::Requirement;
use super::role_form::{fields, form};
use crate::access::Right;
use crate::api::{Problem, Response};
use crate::pages::field::FormField;
use crate::pages::frame::{Frame, respond};
use crate::pages::problem::{status_of, with_problem};
use crate::pages::proof::{ProofAsked, prove};
use crate::roles::create::handle;

#[derive(Template)]
#[template(path = "console/role_create.html")]
struct RoleCreatePage {
    frame: Frame,
    fields: Vec<FormField>,
    proof: ProofAsked,
    back: String,
}

const PATH: &str = "/console/create-role";

/// Asks for the definition.
///
/// # Errors
///
/// 403; 401; 503.
pub async fn show(operator: OperatorVisit) -> Result<Response, Problem> {
    operator.require(Requirement::Right(Right::RolesWrite))?;
    Ok(page(&operator, None))
}

/// Creates the role.
///
/// # Errors
///
/// 403; 401. Every other problem is shown on the page.
pub async fn submit(operator: OperatorVisit) -> Result<Response, Problem> {
    operator.require(Requirement::Right(Right::RolesWrite))?;
    let created = match prove(&operator, form(&operator)).await {
        Ok(request) => handle(request).await,
        Err(problem) => Err(problem),
    };
    match created {
        Ok(_) => Ok(operator.redirect_done(&back(&operator), "role_created")),
        Err(problem) => Ok(page(&operator, Some(&problem))),
    }
}

fn page(operator: &OperatorVisit, problem: Option<&Problem>) -> Response {
    let template = RoleCreatePage {
        frame: operator.frame(operator.t().create_role).with_problem(problem),
        fields: fields(operator, None, problem),
        proof: ProofAsked::of(operator, PATH, problem),
        back: back(operator),
    };
    let response = respond(status_of(problem), &template);
    problem.into_iter().fold(response, with_problem)
}

fn back(operator: &OperatorVisit) -> String {
    operator.roles_page("/console/roles".to_owned())
}
