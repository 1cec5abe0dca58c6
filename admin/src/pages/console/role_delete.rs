//! `/console/roles/{role}/delete`: says what all users lose before it deletes a role.

use askama::Template;
use shared::permission::Pattern;
use shared::role::RoleName;

use super::operator::OperatorVisit;
use super::requirement::Requirement;
use super::role_form::joined;
use crate::access::Right;
use crate::api::{Code, Form, Problem, Response};
use crate::pages::frame::{Frame, respond};
use crate::pages::problem::{status_of, with_problem};
use crate::pages::proof::{ProofAsked, prove};
use crate::pages::texts::fill;
use crate::roles::delete::{DryRun, Loss, perform};

#[derive(Template)]
#[template(path = "console/role_delete.html")]
struct RoleDeletePage {
    frame: Frame,
    name: String,
    people: String,
    heirs: String,
    losses: Vec<ShownLoss>,
    can_read: bool,
    next: Option<String>,
    proof: ProofAsked,
    back: String,
}

/// What a user loses.
struct ShownLoss {
    user: String,
    roles: String,
    permissions: String,
}

/// Asks, with a dry run.
///
/// # Errors
///
/// 403; 404; 401; 503.
pub async fn show(operator: OperatorVisit) -> Result<Response, Problem> {
    page(&operator, None).await
}

/// Deletes the role.
///
/// # Errors
///
/// 403; 404; 401; 503. Every other problem is shown on the page.
pub async fn submit(operator: OperatorVisit) -> Result<Response, Problem> {
    let deleted = match prove(&operator, Form::default()).await {
        Ok(mut request) => {
            request.query = String::new();
            perform(&request).await
        }
        Err(problem) => Err(problem),
    };
    match deleted {
        Ok(_) => {
            Ok(operator.redirect_done(&operator.roles_page("/console/roles".to_owned()), "role_deleted"))
        }
        Err(problem) => page(&operator, Some(&problem)).await,
    }
}

async fn page(operator: &OperatorVisit, problem: Option<&Problem>) -> Result<Response, Problem> {
    operator.require(Requirement::Right(Right::RolesWrite))?;
    let cursor = operator.query("cursor").map(|cursor| ("cursor", cursor));
    let asked = operator.asking_for([("dry_run", "1".to_owned())].into_iter().chain(cursor));
    // With `dry_run` there always is one.
    let effects = perform(&asked).await?.ok_or_else(|| Problem::new(Code::Internal))?;
    let t = operator.t();
    let DryRun { role, people, people_is_exact, inherited_by, items, next_cursor } = effects;
    let template = RoleDeletePage {
        frame: operator.frame(t.delete_role).with_problem(problem),
        name: role.as_str().to_owned(),
        people: fill(
            t.effect_delete_people,
            &if people_is_exact { people.to_string() } else { format!("> {}", people.saturating_sub(1)) },
        ),
        heirs: joined(inherited_by.iter().map(RoleName::as_str)),
        losses: items.iter().map(loss).collect(),
        can_read: Requirement::Right(Right::UsersRead).is_met(&operator.rights),
        next: next_cursor,
        proof: ProofAsked::of(operator, &operator.path(), problem),
        back: operator.roles_page(format!("/console/roles/{role}")),
    };
    let response = respond(status_of(problem), &template);
    Ok(problem.into_iter().fold(response, with_problem))
}

fn loss(loss: &Loss) -> ShownLoss {
    ShownLoss {
        user: loss.user_id.to_string(),
        roles: joined(loss.roles.iter().map(RoleName::as_str)),
        permissions: joined(loss.permissions.iter().map(Pattern::as_str)),
    }
}
