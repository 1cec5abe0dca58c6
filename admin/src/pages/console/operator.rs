//! A visit of an operator: of a user who holds a permission of this service.

use std::ops::Deref;
use std::sync::Arc;

use super::requirement::Requirement;
use crate::access::{Right, Rights, rights_of};
use crate::api::{Problem, Request};
use crate::pages::frame::{Frame, MenuEntry};
use crate::pages::paths;
use crate::pages::texts::ConsoleTexts;
use crate::pages::visit::Visit;

/// A visit of an operator. Cheap to clone. Dereferences to the visit.
#[derive(Clone)]
pub struct OperatorVisit {
    visit: Visit,
    pub(super) rights: Arc<Rights>,
}

impl Deref for OperatorVisit {
    type Target = Visit;

    fn deref(&self) -> &Visit {
        &self.visit
    }
}

impl OperatorVisit {
    /// The visit of a signed-in user.
    ///
    /// # Errors
    ///
    /// 403 `forbidden` for a user without any permission of this service; 401; 503.
    pub(super) async fn of(visit: Visit) -> Result<Self, Problem> {
        let user = visit.signed_in()?.user();
        let rights = rights_of(&visit.request.context.db.get().await?, user).await?;
        Requirement::Any.require(&rights)?;
        Ok(Self { visit, rights: Arc::new(rights) })
    }

    /// Requires what a page or an action needs.
    ///
    /// # Errors
    ///
    /// 403 `forbidden`.
    pub(super) fn require(&self, needed: Requirement) -> Result<(), Problem> {
        needed.require(&self.rights)
    }

    /// This page of the list of roles or of one, or the first page of the console for an operator who may not read it.
    pub(super) fn roles_page(&self, page: String) -> String {
        match Requirement::Right(Right::RolesRead).is_met(&self.rights) {
            true => page,
            false => paths::CONSOLE.to_owned(),
        }
    }

    /// The texts of the console.
    pub(super) fn t(&self) -> &'static ConsoleTexts {
        &self.texts().console
    }

    /// The surroundings of a page, whose menu shows what the operator may open.
    pub(super) fn frame(&self, title: &'static str) -> Frame {
        let entry = |(path, text, needed): (&'static str, &'static str, Requirement)| MenuEntry {
            path,
            text,
            is_current: is_within(self.request.route, path),
            lacks: needed.missing(&self.rights),
        };
        let mut frame = Frame::of(self, title);
        frame.menu = menu(self.t()).map(entry).into();
        frame
    }

    /// The request of an endpoint with those of these parameters that the query of the page has.
    pub(super) fn asking(&self, names: &[&str]) -> Request {
        let sent = names.iter().filter_map(|name| Some((*name, self.query(name)?)));
        self.asking_for(sent.filter(|(_, value)| !value.is_empty()))
    }

    /// The request of an endpoint with these parameters.
    pub(super) fn asking_for<'p>(&self, pairs: impl IntoIterator<Item = (&'p str, String)>) -> Request {
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        Request { query, ..self.request.clone() }
    }
}

/// The pages of the menu, and what each needs.
fn menu(t: &'static ConsoleTexts) -> [(&'static str, &'static str, Requirement); 8] {
    [
        (paths::CONSOLE, t.start_title, Requirement::Any),
        ("/console/people", t.people_title, Requirement::Right(Right::UsersRead)),
        ("/console/sessions", t.find_session_title, Requirement::Right(Right::UsersRead)),
        ("/console/roles", t.roles_title, Requirement::Right(Right::RolesRead)),
        ("/console/permissions", t.permissions_title, Requirement::Right(Right::RolesRead)),
        ("/console/audit", t.audit_title, Requirement::Right(Right::AuditRead)),
        ("/console/revocations", t.revocations_title, Requirement::Superuser),
        ("/console/system", t.system_title, Requirement::Any),
    ]
}

/// Whether the page of a route is the one at `path`, or below it.
fn is_within(route: &str, path: &str) -> bool {
    route == path
        || (path != paths::CONSOLE && route.strip_prefix(path).is_some_and(|rest| rest.starts_with('/')))
}
