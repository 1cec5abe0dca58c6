//! Every page of the console, for the holder of each permission and for superusers.

use std::collections::BTreeSet;

use admin::access::Right;
use admin::router::console_routes;
use reqwest::Method;
use uuid::Uuid;

use super::{CONSOLE, operator, person, root, start};
use crate::support::TestApp;
use crate::witness::make_role;

/// What a page needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Needs {
    Any,
    One(Right),
    Superuser,
}

impl Needs {
    fn is_met_by(self, right: Right) -> bool {
        match self {
            Self::Any => true,
            Self::One(needed) => needed == right,
            Self::Superuser => false,
        }
    }
}

/// Pages that are no page of an operator.
const OTHERS: [&str; 10] = [
    "GET /",
    "GET /console",
    "GET /console/assets/{file}",
    "GET /console/sign-in",
    "POST /console/sign-in",
    "GET /console/sign-out",
    "POST /console/sign-out",
    "GET /console/language",
    "POST /console/language",
    "GET /console/",
];

/// The pages, each with an example of its address; actions of a user's account by name.
fn cases() -> Vec<(Method, &'static str, &'static str, Needs)> {
    use Right::{AuditRead, AuthzCheck, RolesRead, RolesWrite, UsersRead, UsersRecover};
    let (get, post) = (Method::GET, Method::POST);
    let mut cases = vec![
        (&get, "/console/people", "/console/people", Needs::One(UsersRead)),
        (&get, "/console/invite", "/console/invite", Needs::One(UsersRecover)),
        (&post, "/console/invite", "/console/invite", Needs::One(UsersRecover)),
        (&get, "/console/people/{id}", "/console/people/ID", Needs::One(UsersRead)),
        (&get, "/console/people/{id}/history", "/console/people/ID/history", Needs::One(UsersRead)),
        (&get, "/console/people/{id}/explain", "/console/people/ID/explain", Needs::One(AuthzCheck)),
        (&get, "/console/sessions", "/console/sessions", Needs::One(UsersRead)),
        (&get, "/console/roles", "/console/roles", Needs::One(RolesRead)),
        (&get, "/console/create-role", "/console/create-role", Needs::One(RolesWrite)),
        (&post, "/console/create-role", "/console/create-role", Needs::One(RolesWrite)),
        (&get, "/console/roles/{role}", "/console/roles/film", Needs::One(RolesRead)),
        (&post, "/console/roles/{role}", "/console/roles/film", Needs::One(RolesWrite)),
        (&get, "/console/roles/{role}/delete", "/console/roles/film/delete", Needs::One(RolesWrite)),
        (&post, "/console/roles/{role}/delete", "/console/roles/film/delete", Needs::One(RolesWrite)),
        (&get, "/console/permissions", "/console/permissions", Needs::One(RolesRead)),
        (&get, "/console/audit", "/console/audit", Needs::One(AuditRead)),
        (&get, "/console/audit/verify", "/console/audit/verify", Needs::One(AuditRead)),
        (&post, "/console/audit/verify", "/console/audit/verify", Needs::One(AuditRead)),
        (&get, "/console/revocations", "/console/revocations", Needs::Superuser),
        (&get, "/console/revocations/revoke", "/console/revocations/revoke?kind=session", Needs::Superuser),
        (&post, "/console/revocations/revoke", "/console/revocations/revoke", Needs::Superuser),
        (&get, "/console/system", "/console/system", Needs::Any),
    ];
    for (address, needs) in actions() {
        cases.push((&get, "/console/people/{id}/{action}", address, needs));
        cases.push((&post, "/console/people/{id}/{action}", address, needs));
    }
    cases.into_iter().map(|(method, route, address, needs)| (method.clone(), route, address, needs)).collect()
}

fn actions() -> [(&'static str, Needs); 16] {
    use Right::{RolesAssign, SessionsEnd, UsersErase, UsersExport, UsersRecover, UsersWrite};
    [
        ("/console/people/ID/assign-role", Needs::One(RolesAssign)),
        ("/console/people/ID/take-role", Needs::One(RolesAssign)),
        ("/console/people/ID/send-reset", Needs::One(UsersRecover)),
        ("/console/people/ID/set-email", Needs::One(UsersRecover)),
        ("/console/people/ID/unfreeze", Needs::One(UsersRecover)),
        ("/console/people/ID/unlock", Needs::One(UsersWrite)),
        ("/console/people/ID/enable", Needs::One(UsersWrite)),
        ("/console/people/ID/disable", Needs::One(UsersWrite)),
        ("/console/people/ID/evict", Needs::One(UsersWrite)),
        ("/console/people/ID/export", Needs::One(UsersExport)),
        ("/console/people/ID/end-session", Needs::One(SessionsEnd)),
        ("/console/people/ID/end-sessions", Needs::One(SessionsEnd)),
        ("/console/people/ID/merge", Needs::One(UsersErase)),
        ("/console/people/ID/erase", Needs::One(UsersErase)),
        ("/console/people/ID/make-superuser", Needs::Superuser),
        ("/console/people/ID/take-superuser", Needs::Superuser),
    ]
}

#[test]
fn every_page_of_the_console_is_a_case() {
    let name = |method: &Method, route: &str| format!("{method} {route}");
    let cases = cases();
    let tested: BTreeSet<_> = cases.iter().map(|(method, route, ..)| name(method, route)).collect();
    let served: BTreeSet<_> = console_routes()
        .iter()
        .map(|route| format!("{} {}", route.method, route.path))
        .filter(|name| !OTHERS.contains(&name.as_str()))
        .collect();
    assert_eq!(tested, served);
}

async fn scene() -> (TestApp, Uuid) {
    let app = start().await;
    let person = person(&app, "person").await;
    make_role(&app, "film", &["films:watch"], &[]).await;
    (app, person)
}

/// The cases of a method, each with its address and what it is for messages.
fn cases_of(wanted: &Method, person: Uuid, right: Right) -> Vec<(String, Needs, String)> {
    let of_method = cases().into_iter().filter(|(method, ..)| method == wanted);
    let case = of_method.map(|(method, _, address, needs)| {
        let address = address.replace("ID", &person.to_string());
        let what = format!("{method} {address} with {right:?}");
        (address, needs, what)
    });
    case.collect()
}

#[tokio::test]
async fn each_permission_opens_its_own_pages_and_no_other() {
    let (app, person) = scene().await;
    for (number, right) in Right::ALL.iter().enumerate() {
        let mut holder = operator(&app, &format!("o{number}"), &[*right]).await;
        // The menu names what the operator lacks.
        let is_there = holder.page.contains("href=\"/console/people\"");
        assert_eq!(is_there, *right == Right::UsersRead, "{}", holder.page);
        for (address, needs, what) in cases_of(&Method::GET, person, *right) {
            let status = holder.open(&address).await.status;
            assert_eq!(status, if needs.is_met_by(*right) { 200 } else { 403 }, "{what}");
            if let Needs::One(needed) = needs
                && needed != *right
            {
                assert!(holder.page.contains(needed.as_str()), "{what}: {}", holder.page);
            }
        }
    }
}

#[tokio::test]
async fn no_permission_sends_the_form_of_another_one() {
    let (app, person) = scene().await;
    for (number, right) in Right::ALL.iter().enumerate() {
        let mut holder = operator(&app, &format!("o{number}"), &[*right]).await;
        for (address, needs, what) in cases_of(&Method::POST, person, *right) {
            if !needs.is_met_by(*right) {
                assert_eq!(holder.submit(&address, &[]).await.status, 403, "{what}");
            }
        }
    }
    let role = "select count(*) from auth.roles where name = 'film'";
    assert_eq!(app.sql().await.query_one(role, &[]).await.unwrap().get::<_, i64>(0), 1);
}

#[tokio::test]
async fn a_superuser_opens_every_page() {
    let (app, person) = scene().await;
    let mut root = root(&app).await;
    for (method, _, address, _) in cases() {
        if method == Method::GET {
            root.open(&address.replace("ID", &person.to_string())).await.expect(200);
        }
    }
    // In the other language, too.
    root.open("/console/?language=ru").await.expect(200);
    for (method, _, address, _) in cases() {
        if method == Method::GET {
            root.open(&address.replace("ID", &person.to_string())).await.expect(200);
            assert!(root.page.contains("<html lang=\"ru\">"), "{address}");
        }
    }
}

#[tokio::test]
async fn without_its_variable_there_is_no_console() {
    let app = TestApp::start().await;
    assert!(app.console.is_none());
    drop(app);
    let without_own: Vec<_> = CONSOLE.into_iter().filter(|(name, _)| *name != "ADMIN_CONSOLE_URL").collect();
    let vars: std::collections::HashMap<_, _> =
        without_own.into_iter().map(|(name, value)| (name, value.to_owned())).collect();
    let refused = admin::config::Config::from_vars(&vars).unwrap_err().to_string();
    assert!(refused.contains("ADMIN_CONSOLE_URL: "), "{refused}");
}
