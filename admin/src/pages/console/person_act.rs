//! `/console/people/{id}/{action}`: asks before it acts on a user's account, and says what will happen.

use askama::Template;
use http::{HeaderValue, StatusCode, header};

use super::operator::OperatorVisit;
use super::person_action::{PersonAction, ReasonAsked};
use super::person_effects::{PersonFacts, effects};
use super::requirement::Requirement;
use super::shown::title_of;
use crate::access::Right;
use crate::api::{Code, Disclosed, Problem, Response};
use crate::operators::show;
use crate::pages::field::{FormField, focus};
use crate::pages::frame::{Frame, respond};
use crate::pages::paths;
use crate::pages::problem::{status_of, with_problem};
use crate::pages::proof::{ProofAsked, prove};

#[derive(Template)]
#[template(path = "console/person_act.html")]
struct PersonActPage {
    frame: Frame,
    name: String,
    id: String,
    word: &'static str,
    effects: Vec<String>,
    fields: Vec<FormField>,
    proof: ProofAsked,
    takes_away: bool,
    is_download: bool,
    back: String,
}

/// Asks.
///
/// # Errors
///
/// 403; 404; 401; 503.
pub async fn show(operator: OperatorVisit) -> Result<Response, Problem> {
    page(&operator, action_of(&operator)?, None).await
}

/// Acts.
///
/// # Errors
///
/// 403; 404; 401; 503. Every other problem is shown on the page.
pub async fn submit(operator: OperatorVisit) -> Result<Response, Problem> {
    let action = action_of(&operator)?;
    match carry_out(&operator, action).await {
        Ok(file) if action == PersonAction::Export => {
            let name = HeaderValue::from_static("attachment; filename=\"user.json\"");
            Ok(file.with_header(header::CONTENT_DISPOSITION, name))
        }
        // The account will be erased, unless its user keeps it.
        Ok(later) if action == PersonAction::Enable && later.status() == StatusCode::ACCEPTED => {
            Ok(operator.redirect_done(&back(&operator), "enable-later"))
        }
        Ok(_) => Ok(operator.redirect_done(&back(&operator), action.word())),
        Err(problem) => page(&operator, action, Some(&problem)).await,
    }
}

/// The action of the path, to which the operator has the right.
fn action_of(operator: &OperatorVisit) -> Result<PersonAction, Problem> {
    let word = operator.request.params.get("action").unwrap_or_default();
    let action = PersonAction::of(word).ok_or_else(|| Problem::new(Code::NotFound))?;
    operator.require(action.needed())?;
    Ok(action)
}

async fn carry_out(operator: &OperatorVisit, action: PersonAction) -> Result<Response, Problem> {
    let fields = &operator.fields;
    let mut form = fields.form(members(action));
    if fields.has("expires_at") {
        // A day ends when it begins in UTC, as everywhere in the API.
        form = form.with("expires_at", format!("{}T00:00:00Z", fields.text("expires_at")));
    }
    let request = prove(operator, form).await?;
    let request = request.with_param("role", fields.text("role")).with_param("sid", fields.text("session"));
    action.perform(request).await
}

/// The members of the request's body that the form has as they are.
fn members(action: PersonAction) -> &'static [&'static str] {
    match (action, action.reason()) {
        (PersonAction::SetEmail, _) => &["email", "reason"],
        (PersonAction::Merge, _) => &["into", "reason"],
        (_, ReasonAsked::No) => &[],
        (_, ReasonAsked::Optional | ReasonAsked::Required) => &["reason"],
    }
}

/// The fields of the form.
fn fields(operator: &OperatorVisit, action: PersonAction, problem: Option<&Problem>) -> Vec<FormField> {
    let (t, texts) = (operator.t(), operator.texts());
    let value = |name: &str| match operator.fields.has(name) {
        true => operator.fields.text(name).to_owned(),
        false => operator.query(name).unwrap_or_default(),
    };
    let field = |name, label| FormField::text(texts, name, label).with_value(value(name)).judged(problem);
    let mut fields = match action {
        PersonAction::Assign => vec![
            field("role", t.role),
            field("expires_at", t.until).of_kind("date").optional().hinted(t.until_hint),
        ],
        PersonAction::Take => vec![field("role", t.role)],
        PersonAction::SetEmail => vec![field("email", texts.email).of_kind("email")],
        PersonAction::Merge => vec![field("into", t.merge_into).hinted(t.merge_into_hint)],
        PersonAction::EndSession => vec![field("session", t.session)],
        PersonAction::SendReset
        | PersonAction::Unlock
        | PersonAction::Unfreeze
        | PersonAction::Export
        | PersonAction::Enable
        | PersonAction::EndSessions
        | PersonAction::Evict
        | PersonAction::Disable
        | PersonAction::Erase
        | PersonAction::GiveSuperuser
        | PersonAction::TakeSuperuser => Vec::new(),
    };
    let reason = field("reason", t.reason).hinted(t.reason_hint);
    match action.reason() {
        ReasonAsked::No => {}
        ReasonAsked::Optional => fields.push(reason.optional()),
        ReasonAsked::Required => fields.push(reason),
    }
    focus(&mut fields.iter_mut().collect::<Vec<_>>());
    fields
}

async fn page(
    operator: &OperatorVisit,
    action: PersonAction,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let user = operator.request.uuid("id")?;
    let facts = facts(operator).await?;
    let frame = operator.frame(action.title(operator.t())).with_problem(problem);
    let template = PersonActPage {
        name: facts.as_ref().map_or_else(String::new, |facts| facts.name.clone()),
        id: user.to_string(),
        word: action.word(),
        effects: effects(operator, action, facts.as_ref()),
        fields: fields(operator, action, problem),
        proof: ProofAsked::of(operator, &operator.path(), problem),
        takes_away: action.takes_away(),
        is_download: action == PersonAction::Export,
        back: back(operator),
        frame,
    };
    let response = respond(status_of(problem), &template);
    let response = if facts.is_some() { response.disclosing(Disclosed::User(user)) } else { response };
    Ok(problem.into_iter().fold(response, with_problem))
}

/// What the operator may see of the user; `None` without the permission to read.
async fn facts(operator: &OperatorVisit) -> Result<Option<PersonFacts>, Problem> {
    if !Requirement::Right(Right::UsersRead).is_met(&operator.rights) {
        return Ok(None);
    }
    let details = show::perform(&operator.request).await?;
    Ok(Some(PersonFacts {
        name: title_of(&details.person),
        sessions: details.sessions.count(),
        roles: details.roles.len(),
        accounts: details.accounts.items.len(),
    }))
}

/// The page of the user, or the first one of the console for an operator who may not read it.
fn back(operator: &OperatorVisit) -> String {
    match operator.request.params.get("id") {
        Some(id) if Requirement::Right(Right::UsersRead).is_met(&operator.rights) => {
            format!("/console/people/{id}")
        }
        Some(_) | None => paths::CONSOLE.to_owned(),
    }
}
