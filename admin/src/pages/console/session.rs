//! `/console/sessions`: finds the user of a session, whose identifier stands in tokens, logs and the audit log.

use askama::Template;
use uuid::Uuid;

use super::operator::OperatorVisit;
use super::requirement::Requirement;
use crate::access::{Right, allowed};
use crate::api::{Code, Disclosed, Problem, Response};
use crate::pages::field::{FormField, focus};
use crate::pages::frame::{Frame, respond};
use crate::pages::problem::{status_of, with_problem};
use crate::sessions::store::owner;

#[derive(Template)]
#[template(path = "console/session.html")]
struct SessionSearchPage {
    frame: Frame,
    session: FormField,
}

/// Leads to the user of the session in the query, or asks for one.
///
/// # Errors
///
/// 403; 401; 503. An unknown session is said beside the field.
pub async fn show(operator: OperatorVisit) -> Result<Response, Problem> {
    operator.require(Requirement::Right(Right::UsersRead))?;
    let asked = operator.query("session").unwrap_or_default();
    if asked.is_empty() {
        return Ok(page(&operator, &asked, None));
    }
    allowed(&operator.request, Right::UsersRead).await?;
    match find(&operator, asked.trim()).await? {
        Some(user) => {
            Ok(operator.redirect(&format!("/console/people/{user}")).disclosing(Disclosed::User(user)))
        }
        None => {
            let unknown = Problem::new(Code::NotFound);
            Ok(page(&operator, &asked, Some(&unknown)))
        }
    }
}

async fn find(operator: &OperatorVisit, asked: &str) -> Result<Option<Uuid>, Problem> {
    let Ok(session) = asked.parse() else { return Ok(None) };
    let mut connection = operator.request.context.db.get().await?;
    let tx = connection.begin().await?;
    Ok(owner(&tx, session).await?)
}

fn page(operator: &OperatorVisit, asked: &str, problem: Option<&Problem>) -> Response {
    let t = operator.t();
    let mut session = FormField::text(operator.texts(), "session", t.session).with_value(asked);
    if problem.is_some() {
        session = session.wrong(t.session_unknown);
    }
    focus(&mut [&mut session]);
    let template = SessionSearchPage { frame: operator.frame(t.find_session_title), session };
    let response = respond(status_of(problem), &template);
    problem.into_iter().fold(response, with_problem)
}
