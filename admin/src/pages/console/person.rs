//! `/console/people/{id}`: everything about a user, and what an operator can do with the account.

use askama::Template;
use http::StatusCode;
use jiff::Timestamp;

use super::operator::OperatorVisit;
use super::person_action::PersonAction;
use super::requirement::Requirement;
use super::shown::{status, title_of};
use crate::access::Right;
use crate::api::{Disclosed, Problem, Response};
use crate::moments::{day, moment};
use crate::operators::Person;
use crate::operators::show::{Details, perform};
use crate::pages::field::FormField;
use crate::pages::frame::{Frame, respond};
use crate::pages::history::ShownEntry;
use crate::pages::sessions::ShownSession;
use crate::pages::texts::fill;
use crate::provider_sign_in::accounts::list::AccountItem;
use crate::roles::assignments::Assignment;

#[derive(Template)]
#[template(path = "console/person.html")]
struct PersonPage {
    frame: Frame,
    person: Person,
    name: String,
    status: &'static str,
    created: String,
    updated: String,
    email_verified: bool,
    has_password: bool,
    frozen_until: Option<String>,
    erase_at: Option<String>,
    recovery_at: Option<String>,
    audit_lacks: Option<&'static str>,
    /// Whether it is the operator's own account.
    is_self: bool,
    actions: Vec<ShownAction>,
    roles: Vec<ShownAssignment>,
    can_assign: bool,
    can_explain: bool,
    permission: FormField,
    sessions: Vec<ShownSession>,
    can_end: bool,
    accounts: Vec<ShownLinkedAccount>,
    history: Vec<ShownEntry>,
    /// The address of the older entries.
    older: Option<String>,
}

/// An action that can be chosen, or the permission that it lacks.
struct ShownAction {
    word: &'static str,
    text: &'static str,
    takes_away: bool,
    lacks: Option<&'static str>,
}

/// An assigned role.
struct ShownAssignment {
    name: String,
    details: String,
}

/// A linked account.
struct ShownLinkedAccount {
    name: String,
    details: String,
}

/// Shows the page.
///
/// # Errors
///
/// 403; 404; 401; 503.
pub async fn show(operator: OperatorVisit) -> Result<Response, Problem> {
    operator.require(Requirement::Right(Right::UsersRead))?;
    let details = perform(&operator.request).await?;
    let user = details.person.user_id;
    let response = respond(StatusCode::OK, &page(&operator, details));
    Ok(response.disclosing(Disclosed::User(user)))
}

fn page(operator: &OperatorVisit, details: Details) -> PersonPage {
    let (t, texts, language) = (operator.t(), operator.texts(), operator.language);
    let Details { person, email_verified, has_password, accounts, roles, sessions, history, .. } = details;
    let until = |time: Option<Timestamp>| time.map(|time| moment(time, language));
    let is_self = operator.user() == Some(person.user_id);
    let may = |right| Requirement::Right(right).is_met(&operator.rights);
    let older = history.next_cursor.as_ref();
    let action = |action: &PersonAction| ShownAction {
        word: action.word(),
        text: action.title(t),
        takes_away: action.takes_away(),
        lacks: action.needed().missing(&operator.rights),
    };
    let fits = |action: &&PersonAction| action.is_listed() && action.fits(&person) && !is_self;
    PersonPage {
        frame: operator.frame(t.person_title),
        name: title_of(&person),
        status: status(t, &person.status),
        created: day(person.created_at, language),
        updated: moment(person.updated_at, language),
        email_verified,
        has_password,
        frozen_until: until(details.frozen_until),
        erase_at: until(details.erase_at),
        recovery_at: until(details.recovery_at),
        audit_lacks: Requirement::Right(Right::AuditRead).missing(&operator.rights),
        is_self,
        actions: PersonAction::ALL.iter().filter(fits).map(action).collect(),
        roles: roles.iter().map(|role| assignment(operator, role)).collect(),
        can_assign: may(Right::RolesAssign) && !is_self,
        can_explain: may(Right::AuthzCheck) || is_self,
        permission: FormField::text(texts, "permission", t.permission).hinted(t.permission_hint),
        sessions: sessions.items.into_iter().map(|session| ShownSession::of(operator, session)).collect(),
        can_end: may(Right::SessionsEnd) && !is_self,
        accounts: accounts.items.into_iter().map(|account| linked(operator, account)).collect(),
        older: older.map(|cursor| format!("/console/people/{}/history?cursor={cursor}", person.user_id)),
        history: history.items.into_iter().map(|item| ShownEntry::of(operator, item)).collect(),
        person,
    }
}

fn assignment(operator: &OperatorVisit, held: &Assignment) -> ShownAssignment {
    let (t, language) = (operator.texts(), operator.language);
    let end = held
        .expires_at
        .map_or_else(|| t.role_forever.to_owned(), |end| fill(t.role_until, &day(end, language)));
    let since = fill(operator.t().granted_on, &day(held.granted_at, language));
    let parts = [Some(end), Some(since), held.reason.clone()];
    ShownAssignment {
        name: held.role.as_str().to_owned(),
        details: parts.into_iter().flatten().collect::<Vec<_>>().join(" · "),
    }
}

fn linked(operator: &OperatorVisit, account: AccountItem) -> ShownLinkedAccount {
    let (t, language) = (operator.texts(), operator.language);
    let since = fill(t.account_since, &day(account.linked_at, language));
    let last = account.last_login_at.map(|at| fill(t.account_last, &day(at, language)));
    let rule = fill(operator.t().linked_rule, &account.linked_rule.to_string());
    let parts = [account.display_name, account.email, Some(since), last, Some(rule)];
    ShownLinkedAccount {
        name: account.name,
        details: parts.into_iter().flatten().collect::<Vec<_>>().join(" · "),
    }
}
