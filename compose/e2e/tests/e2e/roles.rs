//! Changes of roles, as nginx applies them to tokens that were issued before the change.

use harness::Stack;
use harness::http::call;
use harness::wait::until;
use hyper::Method;
use serde_json::{Value, json};

use crate::people::{PASSWORD, Pair, Person, send};
use crate::support::LIMIT;

/// A path that requires the role `subscriber`.
const WATCH: &str = "/api/v1/watch/";
/// A path that requires the permission `films:download`.
const DOWNLOAD: &str = "/api/v1/downloads/metropolis";

/// A system with a user who holds every permission.
pub(crate) struct Cinema {
    pub(crate) stack: Stack,
    root: Pair,
}

impl Cinema {
    pub(crate) async fn start() -> Self {
        let stack = Stack::start().await.unwrap();
        let email = "root@cinema.example";
        stack.admins[0].command(&["superuser", "create", email], &format!("{PASSWORD}\n")).unwrap();
        let root = Person { id: String::new(), email: email.to_owned() };
        let root = root.sign_in(&stack).await;
        Self { stack, root }
    }

    /// Sends a request to admin as the superuser; the answer must be a success.
    pub(crate) async fn operate(&self, method: Method, path: &str, body: &Value) -> Value {
        let url = self.stack.admins[0].url(&format!("/api/v1{path}"));
        let question = call(method, &url).bearer(&self.root.access);
        let answer = send(if body.is_null() { question } else { question.json(body) }).await;
        assert!((200..300).contains(&answer.status), "{} {}", answer.status, answer.text);
        if answer.text.is_empty() { Value::Null } else { answer.json() }
    }

    /// Creates a role.
    pub(crate) async fn role(&self, name: &str, permissions: &[&str], inherits: &[&str]) {
        let body = json!({ "name": name, "permissions": permissions, "inherits": inherits });
        self.operate(Method::POST, "/roles", &body).await;
    }

    /// Assigns a role without an end.
    pub(crate) async fn give(&self, person: &Person, role: &str) {
        self.operate(Method::PUT, &format!("/users/{}/roles/{role}", person.id), &Value::Null).await;
    }

    /// Waits until nginx answers `path` for `pair` with `status`; returns the problem's code, if the answer is a
    /// problem.
    async fn until(&self, pair: &Pair, path: &str, status: u16) -> String {
        let what = format!("{path} answers {status}");
        until(&what, LIMIT, async || pair.get(&self.stack, path).await.status == status).await.unwrap();
        let answer = pair.get(&self.stack, path).await;
        assert_eq!(answer.status, status, "{what}, with more text: {}", answer.text);
        if status == 200 { String::new() } else { answer.code() }
    }
}

#[tokio::test]
async fn granting_and_revoking_a_role_requires_a_refresh_which_returns_the_new_roles() {
    let cinema = Cinema::start().await;
    cinema.role("subscriber", &[], &[]).await;
    let (neo, pair) = Person::signed_in(&cinema.stack).await;
    assert_eq!(cinema.until(&pair, WATCH, 403).await, "insufficient_scope");

    cinema.give(&neo, "subscriber").await;
    assert_eq!(cinema.until(&pair, WATCH, 401).await, "token_refresh_needed");
    let pair = pair.refresh(&cinema.stack).await;
    cinema.until(&pair, WATCH, 200).await;

    cinema.operate(Method::DELETE, &format!("/users/{}/roles/subscriber", neo.id), &Value::Null).await;
    assert_eq!(cinema.until(&pair, WATCH, 401).await, "token_refresh_needed");
    let pair = pair.refresh(&cinema.stack).await;
    assert_eq!(cinema.until(&pair, WATCH, 403).await, "insufficient_scope");
}

#[tokio::test]
async fn a_role_that_is_widened_and_narrowed_acts_on_tokens_issued_before() {
    let cinema = Cinema::start().await;
    cinema.role("premium", &[], &[]).await;
    let neo = Person::register(&cinema.stack).await;
    cinema.give(&neo, "premium").await;
    let pair = neo.sign_in(&cinema.stack).await;
    assert_eq!(cinema.until(&pair, DOWNLOAD, 403).await, "insufficient_scope");

    for permission in ["films:download", "films:*", "*"] {
        let path = format!("/roles/premium/permissions/{permission}");
        cinema.operate(Method::PUT, &path, &Value::Null).await;
        cinema.until(&pair, DOWNLOAD, 200).await;
        cinema.operate(Method::DELETE, &path, &Value::Null).await;
        assert_eq!(cinema.until(&pair, DOWNLOAD, 403).await, "insufficient_scope");
    }
}

#[tokio::test]
async fn inherited_roles_count_by_name_and_by_permission() {
    let cinema = Cinema::start().await;
    cinema.role("subscriber", &["films:download"], &[]).await;
    cinema.role("premium", &[], &["subscriber"]).await;
    let neo = Person::register(&cinema.stack).await;
    cinema.give(&neo, "premium").await;
    let pair = neo.sign_in(&cinema.stack).await;
    cinema.until(&pair, DOWNLOAD, 200).await;
    cinema.until(&pair, WATCH, 200).await;
    let received = pair.get(&cinema.stack, WATCH).await.json()["received"].clone();
    assert_eq!(received["X-User-Roles"], "premium");

    cinema.operate(Method::PATCH, "/roles/premium", &json!({ "inherits": [] })).await;
    cinema.until(&pair, DOWNLOAD, 403).await;
    cinema.until(&pair, WATCH, 403).await;
}

#[tokio::test]
async fn a_role_deleted_in_use_grants_nothing_and_no_token_is_refused_for_it() {
    let cinema = Cinema::start().await;
    cinema.role("subscriber", &["films:download"], &[]).await;
    let neo = Person::register(&cinema.stack).await;
    cinema.give(&neo, "subscriber").await;
    let pair = neo.sign_in(&cinema.stack).await;
    cinema.until(&pair, WATCH, 200).await;

    cinema.operate(Method::DELETE, "/roles/subscriber", &Value::Null).await;

    assert_eq!(cinema.until(&pair, WATCH, 403).await, "insufficient_scope");
    assert_eq!(cinema.until(&pair, DOWNLOAD, 403).await, "insufficient_scope");
    pair.is_let_in(&cinema.stack).await;
    let received = pair.get(&cinema.stack, "/api/v1/films/").await.json()["received"].clone();
    assert_eq!(received["X-User-Roles"], "");
}

#[tokio::test]
async fn a_renamed_role_keeps_the_tokens_of_its_holders_for_both_names() {
    let cinema = Cinema::start().await;
    cinema.role("viewer", &["films:download"], &[]).await;
    let neo = Person::register(&cinema.stack).await;
    cinema.give(&neo, "viewer").await;
    let pair = neo.sign_in(&cinema.stack).await;
    assert_eq!(cinema.until(&pair, WATCH, 403).await, "insufficient_scope");
    cinema.until(&pair, DOWNLOAD, 200).await;

    cinema.operate(Method::PATCH, "/roles/viewer", &json!({ "name": "subscriber" })).await;

    // The location demands the new name; the token has the former one, and needs no refresh.
    cinema.until(&pair, WATCH, 200).await;
    assert_eq!(pair.get(&cinema.stack, DOWNLOAD).await.status, 200);
    let pair = pair.refresh(&cinema.stack).await;
    assert_eq!(pair.get(&cinema.stack, WATCH).await.status, 200);
    let received = pair.get(&cinema.stack, "/api/v1/films/").await.json()["received"].clone();
    assert_eq!(received["X-User-Roles"], "subscriber");
    // What the role loses, the former name loses, too.
    let old = neo.sign_in(&cinema.stack).await;
    cinema.operate(Method::PATCH, "/roles/subscriber", &json!({ "name": "viewer" })).await;
    cinema.operate(Method::DELETE, "/roles/viewer/permissions/films:download", &Value::Null).await;
    assert_eq!(cinema.until(&old, DOWNLOAD, 403).await, "insufficient_scope");
    cinema.operate(Method::DELETE, "/roles/viewer", &Value::Null).await;
    assert_eq!(cinema.until(&old, WATCH, 403).await, "insufficient_scope");
}

#[tokio::test]
async fn an_assignment_ends_at_nginx_when_it_expires() {
    let cinema = Cinema::start().await;
    cinema.role("subscriber", &[], &[]).await;
    let neo = Person::register(&cinema.stack).await;
    let end = jiff::Timestamp::from_second(crate::support::now() as i64 + 4).unwrap();
    let path = format!("/users/{}/roles/subscriber", neo.id);
    cinema.operate(Method::PUT, &path, &json!({ "expires_at": end })).await;
    let pair = neo.sign_in(&cinema.stack).await;
    cinema.until(&pair, WATCH, 200).await;

    // Refused at once, though the sidecar itself would accept the token for five more seconds of
    // leeway.
    assert_eq!(cinema.until(&pair, WATCH, 401).await, "token_refresh_needed");

    assert!(crate::support::now() as i64 >= end.as_second());
    let pair = pair.refresh(&cinema.stack).await;
    assert_eq!(cinema.until(&pair, WATCH, 403).await, "insufficient_scope");
}

#[tokio::test]
async fn a_disabled_user_is_refused_at_nginx() {
    let cinema = Cinema::start().await;
    let (neo, pair) = Person::signed_in(&cinema.stack).await;
    pair.is_let_in(&cinema.stack).await;
    cinema.operate(Method::POST, &format!("/admin/users/{}/disable", neo.id), &Value::Null).await;
    pair.is_refused(&cinema.stack, "a disabled person's token is refused").await;
}

#[tokio::test]
async fn after_redis_lost_its_data_the_role_map_returns_before_any_wrong_decision() {
    let mut cinema = Cinema::start().await;
    cinema.role("premium", &["films:download"], &[]).await;
    let neo = Person::register(&cinema.stack).await;
    cinema.give(&neo, "premium").await;
    let pair = neo.sign_in(&cinema.stack).await;
    cinema.until(&pair, DOWNLOAD, 200).await;

    cinema.stack.redis.kill().unwrap();
    assert_eq!(pair.get(&cinema.stack, DOWNLOAD).await.status, 200, "the known role map stays in use");
    cinema.operate(Method::DELETE, "/roles/premium/permissions/films:download", &Value::Null).await;
    cinema.stack.redis.start_empty().await.unwrap();

    assert_eq!(cinema.until(&pair, DOWNLOAD, 403).await, "insufficient_scope");
}
