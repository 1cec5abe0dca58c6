//! `/console/people`: searches for users.

use askama::Template;

use super::operator::OperatorVisit;
use super::requirement::Requirement;
use super::shown::{status, title_of};
use crate::access::Right;
use crate::api::{Disclosed, Problem, Response};
use crate::moments::day;
use crate::operators::Person;
use crate::operators::list::{People, perform};
use crate::pages::field::{FormField, focus};
use crate::pages::frame::{Frame, respond};
use crate::pages::problem::{status_of, with_problem};

#[derive(Template)]
#[template(path = "console/people.html")]
struct PeoplePage {
    frame: Frame,
    query: FormField,
    email: FormField,
    former_email: FormField,
    login: FormField,
    role: FormField,
    statuses: [(&'static str, &'static str); 3],
    status: String,
    superuser: String,
    /// Whether a filter is used besides the text.
    is_filtered: bool,
    invite_lacks: Option<&'static str>,
    people: Vec<ShownPerson>,
    /// The address of the next page.
    next: Option<String>,
}

/// A user who was found.
struct ShownPerson {
    id: String,
    name: String,
    details: String,
    status: &'static str,
    is_superuser: bool,
}

const PATH: &str = "/console/people";
const NAMES: [&str; 8] = ["query", "email", "former_email", "login", "role", "status", "superuser", "cursor"];

/// Shows the users who match.
///
/// # Errors
///
/// 403; 401; 503. Invalid filters are shown beside their fields.
pub async fn show(operator: OperatorVisit) -> Result<Response, Problem> {
    operator.require(Requirement::Right(Right::UsersRead))?;
    match perform(&operator.asking(&NAMES)).await {
        Ok(found) => Ok(page(&operator, found, None).disclosing(Disclosed::Search)),
        Err(problem) if problem.fields().next().is_some() => {
            let nothing = People { items: Vec::new(), next_cursor: None };
            Ok(page(&operator, nothing, Some(&problem)))
        }
        Err(problem) => Err(problem),
    }
}

fn page(operator: &OperatorVisit, found: People, problem: Option<&Problem>) -> Response {
    let (t, texts) = (operator.t(), operator.texts());
    let value = |name: &str| operator.query(name).unwrap_or_default();
    let field =
        |name, label| FormField::text(texts, name, label).optional().with_value(value(name)).judged(problem);
    let mut query = field("query", t.search_text).of_kind("search").hinted(t.search_hint);
    focus(&mut [&mut query]);
    let next = found.next_cursor.map(|cursor| next_page(operator, &cursor));
    let template = PeoplePage {
        query,
        email: field("email", texts.email),
        former_email: field("former_email", t.former_email),
        login: field("login", texts.login_name),
        role: field("role", t.role),
        statuses: ["active", "disabled", "erasing"].map(|word| (word, status(t, word))),
        status: value("status"),
        superuser: value("superuser"),
        is_filtered: NAMES.iter().skip(1).any(|name| *name != "cursor" && !value(name).is_empty()),
        invite_lacks: Requirement::Right(Right::UsersRecover).missing(&operator.rights),
        people: found.items.into_iter().map(|person| shown(operator, person)).collect(),
        next,
        frame: operator.frame(t.people_title).with_problem(problem),
    };
    let response = respond(status_of(problem), &template);
    problem.into_iter().fold(response, with_problem)
}

/// The address of the next page of the same search.
fn next_page(operator: &OperatorVisit, cursor: &str) -> String {
    let sent = NAMES.iter().filter(|name| **name != "cursor");
    let pairs = sent.filter_map(|name| Some((*name, operator.query(name)?)));
    let pairs = pairs.chain([("cursor", cursor.to_owned())]);
    format!("{PATH}?{}", url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish())
}

fn shown(operator: &OperatorVisit, person: Person) -> ShownPerson {
    let name = title_of(&person);
    let since = day(person.created_at, operator.language);
    let others = [person.email, person.login, Some(since)].into_iter().flatten();
    ShownPerson {
        id: person.user_id.to_string(),
        details: others.filter(|text| *text != name).collect::<Vec<_>>().join(" · "),
        name,
        status: status(operator.t(), &person.status),
        is_superuser: person.is_superuser,
    }
}
