//! `/console/people/{id}/explain`: why a user has a permission, as a picture of the paths to it.

use askama::Template;
use serde_json::Value;

use super::operator::OperatorVisit;
use super::requirement::Requirement;
use crate::access::Right;
use crate::access::explain::{ExplainedPath, perform};
use crate::api::{Disclosed, Form, Problem, Response};
use crate::moments::day;
use crate::pages::field::{FormField, focus};
use crate::pages::frame::{Frame, respond};
use crate::pages::problem::{status_of, with_problem};
use crate::pages::texts::fill;

#[derive(Template)]
#[template(path = "console/explain.html")]
struct ExplainPage {
    frame: Frame,
    id: String,
    permission: FormField,
    answer: Option<ShownAnswer>,
}

/// Whether the user has the permission, and why.
struct ShownAnswer {
    permission: String,
    is_allowed: bool,
    is_superuser: bool,
    paths: Vec<Vec<PathStep>>,
}

/// A step of a path: the user, a role, or the pattern that grants the permission.
struct PathStep {
    kind: &'static str,
    name: String,
    is_role: bool,
    note: String,
}

/// Explains the permission of the query.
///
/// # Errors
///
/// 403; 404; 401; 503. An invalid permission is shown beside the field.
pub async fn show(operator: OperatorVisit) -> Result<Response, Problem> {
    let user = operator.request.uuid("id")?;
    if operator.user() != Some(user) {
        operator.require(Requirement::Right(Right::AuthzCheck))?;
    }
    let asked = operator.query("permission").unwrap_or_default();
    if asked.is_empty() {
        return Ok(page(&operator, None, None));
    }
    let form = Form::of_texts([("user_id", user.to_string().as_str())])
        .with("permissions", vec![Value::from(asked.as_str())]);
    match perform(&operator.with(form)).await {
        Ok(explained) => {
            let found = explained.results.into_iter().next().map(|(permission, result)| ShownAnswer {
                permission: permission.as_str().to_owned(),
                is_allowed: result.allowed,
                is_superuser: result.superuser,
                paths: result.paths.iter().map(|path| steps(&operator, path)).collect(),
            });
            Ok(page(&operator, found, None).disclosing(Disclosed::User(user)))
        }
        Err(problem) if problem.fields().next().is_some() => Ok(page(&operator, None, Some(&problem))),
        Err(problem) => Err(problem),
    }
}

fn steps(operator: &OperatorVisit, path: &ExplainedPath) -> Vec<PathStep> {
    let (t, texts) = (operator.t(), operator.texts());
    let role = |kind, name: String, note| PathStep { kind, name, is_role: true, note };
    let end = path.expires_at;
    let end = end.map_or_else(
        || texts.role_forever.to_owned(),
        |end| fill(texts.role_until, &day(end, operator.language)),
    );
    let id = operator.request.params.get("id").unwrap_or_default().to_owned();
    let user = PathStep { kind: t.step_user, name: id, is_role: false, note: String::new() };
    let assigned = role(t.step_assigned, path.role.as_str().to_owned(), end);
    let inherited =
        path.inherited.iter().map(|name| role(t.step_inherited, name.as_str().to_owned(), String::new()));
    let pattern = PathStep {
        kind: t.step_permission,
        name: path.permission.as_str().to_owned(),
        is_role: false,
        note: String::new(),
    };
    [user, assigned].into_iter().chain(inherited).chain([pattern]).collect()
}

fn page(operator: &OperatorVisit, answer: Option<ShownAnswer>, problem: Option<&Problem>) -> Response {
    let (t, texts) = (operator.t(), operator.texts());
    let mut permission = FormField::text(texts, "permission", t.permission)
        .hinted(t.permission_hint)
        .with_value(operator.query("permission").unwrap_or_default());
    if problem.is_some() {
        permission = permission.wrong(texts.codes.problem(crate::api::Code::ValidationFailed));
    }
    focus(&mut [&mut permission]);
    let template = ExplainPage {
        frame: operator.frame(t.explain_title).with_problem(problem),
        id: operator.request.params.get("id").unwrap_or_default().to_owned(),
        permission,
        answer,
    };
    let response = respond(status_of(problem), &template);
    problem.into_iter().fold(response, with_problem)
}
