//! Every route about roles, permissions and other users: without a token, without rights, with each right, as
//! a superuser.

use admin::access::Right;
use admin::router::routes;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Reply, TestApp};
use crate::witness::{assign, make_role, refresh, stale, superuser, user_of};

/// One call, and who may make it.
pub(super) struct Case {
    pub(super) method: Method,
    /// As in the route table.
    pub(super) route: &'static str,
    body: Option<Value>,
    /// The permission; `None` for superusers only.
    pub(super) right: Option<Right>,
    /// Another permission that it needs, too.
    also: Option<Right>,
    /// Whether its path names a user.
    pub(super) is_upon: bool,
}

fn case(method: Method, route: &'static str, body: Option<Value>, right: Option<Right>) -> Case {
    let is_upon = route.contains("/{id}");
    Case { method, route, body, right, also: None, is_upon }
}

/// In an order in which each can be made once.
pub(super) fn cases() -> Vec<Case> {
    let all = |right| Some(right);
    use Right::{
        AuditRead, RolesAssign, RolesRead, RolesWrite, SessionsEnd, UsersRead, UsersRecover, UsersWrite,
    };
    let permission = "/api/v1/roles/{role}/permissions/{permission}";
    let assignment = "/api/v1/users/{id}/roles/{role}";
    let person = "/api/v1/admin/users/{id}";
    let order = json!({ "email": "new@persons.test", "reason": "Why." });
    let revoked = json!({ "token": Uuid::nil(), "reason": "Why." });
    let mut cases = vec![
        case(Method::GET, "/api/v1/roles", None, all(RolesRead)),
        case(Method::GET, "/api/v1/permissions", None, all(RolesRead)),
        case(Method::GET, "/api/v1/roles/{role}", None, all(RolesRead)),
        case(Method::GET, permission, None, all(RolesRead)),
        case(Method::GET, "/api/v1/users/{id}/roles", None, all(RolesRead)),
        case(Method::GET, assignment, None, all(RolesRead)),
        case(Method::POST, "/api/v1/roles", Some(json!({ "name": "new" })), all(RolesWrite)),
        case(Method::PATCH, "/api/v1/roles/{role}", Some(json!({ "title": "T" })), all(RolesWrite)),
        case(Method::PUT, permission, None, all(RolesWrite)),
        case(Method::PUT, assignment, None, all(RolesAssign)),
        case(Method::DELETE, assignment, None, all(RolesAssign)),
        case(Method::DELETE, permission, None, all(RolesWrite)),
        case(Method::DELETE, "/api/v1/roles/{role}", None, all(RolesWrite)),
        case(Method::GET, "/api/v1/admin/users", None, all(UsersRead)),
        case(Method::GET, person, None, all(UsersRead)),
        case(Method::GET, "/api/v1/admin/users/{id}/sessions", None, all(UsersRead)),
        case(Method::GET, "/api/v1/admin/users/{id}/accounts", None, all(UsersRead)),
        case(Method::GET, "/api/v1/admin/users/{id}/login-history", None, all(UsersRead)),
        case(Method::DELETE, "/api/v1/admin/users/{id}/sessions/{sid}", None, all(SessionsEnd)),
        case(Method::POST, "/api/v1/admin/users/{id}/logout-all", None, all(SessionsEnd)),
        case(Method::POST, "/api/v1/admin/users/{id}/disable", None, all(UsersWrite)),
        case(Method::POST, "/api/v1/admin/users/{id}/enable", None, all(UsersWrite)),
        case(Method::POST, "/api/v1/admin/users/{id}/unlock", None, all(UsersWrite)),
        case(Method::POST, "/api/v1/admin/users/{id}/evict", None, all(UsersWrite)),
        case(Method::POST, "/api/v1/admin/users", Some(order.clone()), all(UsersRecover)),
        case(Method::PUT, "/api/v1/admin/users/{id}/email", Some(order), all(UsersRecover)),
        case(Method::GET, "/api/v1/admin/audit", None, all(AuditRead)),
        case(Method::PUT, "/api/v1/admin/users/{id}/superuser", None, None),
        case(Method::DELETE, "/api/v1/admin/users/{id}/superuser", None, None),
        case(Method::GET, "/api/v1/admin/revocations/position", None, None),
        case(Method::POST, "/api/v1/admin/revocations", Some(revoked), None),
    ];
    cases.extend(reasoned_cases());
    cases
}

/// Those with a reason, in an order in which each can be made once.
fn reasoned_cases() -> Vec<Case> {
    let why = || json!({ "reason": "Why." });
    let merge = json!({ "reason": "Why.", "into": Uuid::nil() });
    let mut cases: Vec<Case> = [
        ("/api/v1/admin/users/{id}/send-reset", why(), Right::UsersRecover),
        ("/api/v1/admin/users/{id}/unfreeze", why(), Right::UsersRecover),
        ("/api/v1/admin/users/{id}/export", why(), Right::UsersExport),
        ("/api/v1/admin/users/{id}/merge", merge, Right::UsersErase),
        ("/api/v1/admin/users/{id}/erase", why(), Right::UsersErase),
    ]
    .into_iter()
    .map(|(route, body, right)| case(Method::POST, route, Some(body), Some(right)))
    .collect();
    for case in cases.iter_mut().filter(|case| case.route.ends_with("/merge")) {
        case.also = Some(Right::RolesAssign);
    }
    cases
}

/// A service with a role, a user to assign it to, and a client.
pub(super) struct Scene {
    pub(super) app: TestApp,
    /// The user in every path.
    pub(super) person: Uuid,
    /// The user into whose account that one is merged.
    other: Uuid,
    session: String,
    /// The name of the role in every path.
    pub(super) role: String,
}

/// A service with some variables changed, whose mails wait, because no server listens there.
pub(super) async fn with_mail(changes: &[(&'static str, &str)]) -> TestApp {
    let mail = [
        ("ADMIN_MAIL_URL", "smtp://127.0.0.1:1"),
        ("ADMIN_MAIL_TLS", "none"),
        ("ADMIN_MAIL_FROM", "no-reply@cinema.example"),
        ("ADMIN_PUBLIC_URL", "https://cinema.example"),
        ("ADMIN_REGISTRATION", "open"),
    ];
    let changes: Vec<_> = mail.into_iter().chain(changes.iter().copied()).collect();
    TestApp::start_with(&changes).await
}

impl Scene {
    /// A new, signed-in user, and a role with a name of its own.
    pub(super) async fn new(app: TestApp, name: &str) -> Self {
        let pair = app.client.new_user(&format!("{name}@persons.test")).await;
        let role = format!("role-{name}");
        make_role(&app, &role, &["films:watch"], &[]).await;
        let other = user_of(&app.client.new_user(&format!("other-{name}@persons.test")).await);
        Self { person: user_of(&pair), other, session: pair.session, role, app }
    }

    pub(super) async fn call(&self, case: &Case, token: Option<&str>) -> Reply {
        let path = case
            .route
            .replace("{id}", &self.person.to_string())
            .replace("{sid}", &self.session)
            .replace("{role}", &self.role)
            .replace("{permission}", "films:watch");
        let mut call = self.app.client.call(case.method.clone(), &path);
        if let Some(token) = token {
            call = call.bearer(token);
        }
        if let Some(body) = &case.body {
            let mut body = body.clone();
            if body.get("name").is_some() {
                body["name"] = json!(format!("new-{}", &self.role));
            }
            if body.get("into").is_some() {
                body["into"] = json!(self.other);
            }
            if body.get("email").is_some() {
                let kind = if case.is_upon { "set" } else { "new" };
                body["email"] = json!(format!("{kind}-{}@persons.test", &self.role));
            }
            call = call.json(&body);
        }
        call.send().await
    }
}

/// A user with exactly `right`, and the scene's role.
async fn holder_of(scene: &Scene, right: Option<Right>, name: &str) -> String {
    let email = format!("{name}@holders.test");
    let pair = scene.app.client.new_user(&email).await;
    assign(&scene.app, &email, &scene.role).await;
    if let Some(right) = right {
        let role = format!("holder-{name}");
        make_role(&scene.app, &role, &[right.as_str()], &[]).await;
        assign(&scene.app, &email, &role).await;
    }
    refresh(&scene.app, &pair.refresh).send().await.pair().access
}

#[test]
fn every_route_that_asks_for_a_right_is_a_case() {
    let is_ours = |path: &str| {
        ["/api/v1/roles", "/api/v1/permissions", "/api/v1/users", "/api/v1/admin"]
            .iter()
            .any(|beginning| path.starts_with(beginning))
    };
    let cases = cases();
    let is_case = |method: &http::Method, path: &str| {
        cases.iter().any(|case| case.method.as_str() == method.as_str() && case.route == path)
    };
    let missing: Vec<_> = routes()
        .into_iter()
        .filter(|route| is_ours(route.path) && !is_case(&route.method, route.path))
        .map(|route| format!("{} {}", route.method, route.path))
        .collect();
    assert_eq!(missing, Vec::<String>::new());
}

#[tokio::test]
async fn without_a_token_every_one_of_them_is_401() {
    let scene = Scene::new(with_mail(&[]).await, "a").await;
    for case in cases() {
        let reply = scene.call(&case, None).await;
        reply.problem(401, "token_missing");
    }
}

#[tokio::test]
async fn a_user_gets_403_and_404_for_another_user() {
    let scene = Scene::new(with_mail(&[]).await, "a").await;
    let plain = holder_of(&scene, None, "plain").await;
    for case in cases() {
        let (status, code) = if case.is_upon { (404, "not_found") } else { (403, "forbidden") };
        let problem = scene.call(&case, Some(&plain)).await.problem(status, code);
        // The detail names the missing permission, unless even that would reveal too much.
        let detail = problem["detail"].as_str();
        match case.right.filter(|_| !case.is_upon) {
            Some(right) => {
                let permission = format!("`{}`", right.as_str());
                assert!(detail.is_some_and(|detail| detail.contains(&permission)), "{}", case.route);
            }
            None => assert_eq!(detail, None, "{}", case.route),
        }
    }
}

#[tokio::test]
async fn a_user_gets_403_for_their_own_account_except_for_readable_data() {
    let app = with_mail(&[]).await;
    let pair = app.client.new_user("neo@example.org").await;
    make_role(&app, "subscriber", &[], &[]).await;
    let scene = Scene {
        person: user_of(&pair),
        other: user_of(&pair),
        session: pair.session,
        role: "subscriber".to_owned(),
        app,
    };
    for case in cases().into_iter().filter(|case| case.is_upon) {
        let reply = scene.call(&case, Some(&pair.access)).await;
        if case.right == Some(Right::RolesRead) {
            reply.expect(200);
        } else {
            reply.problem(403, "forbidden");
        }
    }
}

#[tokio::test]
async fn each_right_opens_its_own_routes_and_no_other() {
    let mut scene = Scene::new(with_mail(&[]).await, "first").await;
    for (number, right) in Right::ALL.iter().enumerate() {
        scene = Scene::new(scene.app, &format!("n{number}")).await;
        let token = holder_of(&scene, Some(*right), &format!("h{number}")).await;
        for case in cases() {
            let reply = scene.call(&case, Some(&token)).await;
            let what = format!("{} {} with {right:?}: {reply:?}", case.method, case.route);
            match case.right {
                Some(needed) if needed == *right && case.also.is_some() => {
                    assert_eq!(reply.status, 403, "{what}");
                }
                Some(needed) if needed == *right => assert!((200..300).contains(&reply.status), "{what}"),
                _ if case.is_upon => assert_eq!(reply.status, 404, "{what}"),
                _ => assert_eq!(reply.status, 403, "{what}"),
            }
        }
    }
}

#[tokio::test]
async fn an_unexpected_body_is_refused_and_its_fields_are_named() {
    let scene = Scene::new(with_mail(&[]).await, "a").await;
    let root = superuser(&scene.app).await.access;
    for mut case in cases().into_iter().filter(|case| case.body.is_none()) {
        for name in ["is_superuser", "roles", "user_id"] {
            case.body = Some(json!({ name: true }));
            let problem = scene.call(&case, Some(&root)).await.problem(422, "validation_failed");
            assert_eq!(problem["errors"][0]["field"], name, "{} {}", case.method, case.route);
        }
    }
}

#[tokio::test]
async fn whoever_changes_something_must_have_signed_in_recently() {
    let scene = Scene::new(with_mail(&[]).await, "a").await;
    let root = superuser(&scene.app).await;
    let stale = stale(&scene.app, &root).await.access;
    for case in cases() {
        let reply = scene.call(&case, Some(&stale)).await;
        if case.method == Method::GET {
            assert_eq!(reply.status, 200, "{}: {reply:?}", case.route);
        } else {
            reply.problem(403, "fresh_auth_required");
        }
    }
}

#[test]
fn every_change_says_that_it_requires_a_recent_sign_in() {
    let document: Value = serde_json::from_slice(&admin::router::document()).expect("it is JSON");
    for case in cases() {
        let method = case.method.as_str().to_ascii_lowercase();
        let refused = &document["paths"][case.route][&method]["responses"]["403"]["$ref"];
        let is_said = refused.as_str().is_some_and(|name| name.contains("fresh_auth_required"));
        assert_eq!(is_said, case.method != Method::GET, "{method} {}: {refused}", case.route);
    }
}

#[tokio::test]
async fn a_superuser_may_do_all_of_it() {
    let scene = Scene::new(with_mail(&[]).await, "a").await;
    let root = superuser(&scene.app).await.access;
    for case in cases() {
        let reply = scene.call(&case, Some(&root)).await;
        assert!((200..300).contains(&reply.status), "{} {}: {reply:?}", case.method, case.route);
    }
}
