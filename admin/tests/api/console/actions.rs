//! What an operator does with users at the console.

use admin::access::Right;
use serde_json::Value;
use uuid::Uuid;

use super::{done, make_superuser, operator, person, root, start};
use crate::pages::visitor::Visitor;
use crate::support::{PASSWORD, TestApp};
use crate::witness::{assign, make_role};

async fn number(app: &TestApp, sql: &str, user: Uuid) -> i64 {
    app.sql().await.query_one(sql, &[&user]).await.unwrap().get(0)
}

const LIVE: &str = "select count(*) from auth.sessions where user_id = $1 and revoked_at is null";

/// The newest entry of the audit log about a user: its action and its reason.
async fn audited(app: &TestApp, user: Uuid) -> (String, Option<String>) {
    let sql = "select action, texts->>'reason' from auth.audit_log where target_id = $1
               and action <> 'user_viewed' order by seq desc limit 1";
    let row = app.sql().await.query_one(sql, &[&user.to_string()]).await.unwrap();
    (row.get(0), row.get(1))
}

/// Opens the page of an action and sends its form.
async fn act(root: &mut Visitor, user: Uuid, action: &str, fields: &[(&str, &str)]) {
    let path = format!("/console/people/{user}/{action}");
    root.open(&path).await.expect(200);
    let next = root.submit_and_follow(&path, fields).await;
    assert_eq!(next, format!("/console/people/{user}"));
    assert!(root.page.contains(&done(action)), "{action}: {}", root.page);
}

#[tokio::test]
async fn a_user_is_found_by_a_beginning_and_the_search_is_audited() {
    let app = start().await;
    let anna = person(&app, "anna").await;
    person(&app, "boris").await;
    let mut support = operator(&app, "support", &[Right::UsersRead]).await;
    support.open("/console/people?query=ann").await.expect(200);
    let page = support.page.clone();
    assert!(page.contains(&anna.to_string()) && !page.contains("boris@"), "{page}");
    support.open("/console/people?role=Wrong").await.expect(422);
    assert!(support.page.contains("id=\"role-error\""), "{}", support.page);
    support.open(&format!("/console/people/{anna}")).await.expect(200);
    assert!(support.page.contains("anna@persons.test"), "{}", support.page);
    for action in ["users_searched", "user_viewed"] {
        let sql = "select count(*) from auth.audit_log where action = $1 and actor_id is not null";
        let noted: i64 = app.sql().await.query_one(sql, &[&action]).await.unwrap().get(0);
        assert_eq!(noted, 1, "{action}");
    }
    support.open(&format!("/console/people/{}", Uuid::nil())).await.expect(404);
    // What the operator may not do is there, with the permission that it needs.
    support.open(&format!("/console/people/{anna}")).await.expect(200);
    assert!(!support.page.contains(&format!("/console/people/{anna}/disable")), "{}", support.page);
    assert!(support.page.contains("<code>users:write</code>"), "{}", support.page);
    support.open(&format!("/console/people/{anna}/disable")).await.expect(403);
    let denied = "select count(*) from auth.audit_log where action = 'call_denied' and target_id = $1";
    let route = "GET /console/people/{id}/{action}";
    let denied: i64 = app.sql().await.query_one(denied, &[&route]).await.unwrap().get(0);
    assert_eq!(denied, 1);
}

#[tokio::test]
async fn an_action_says_by_number_what_it_ends_and_then_does_it() {
    let app = start().await;
    let anna = person(&app, "anna").await;
    app.client.sign_in("anna@persons.test").await;
    let mut root = root(&app).await;
    root.open(&format!("/console/people/{anna}/disable")).await.expect(200);
    assert!(root.page.contains("Sessions that end at once: 2."), "{}", root.page);
    assert_eq!(number(&app, LIVE, anna).await, 2, "nothing has happened yet");
    act(&mut root, anna, "disable", &[]).await;
    assert_eq!(number(&app, LIVE, anna).await, 0);
    assert_eq!(audited(&app, anna).await.0, "user_disabled");
    act(&mut root, anna, "enable", &[]).await;
    act(&mut root, anna, "unlock", &[]).await;
    act(&mut root, anna, "unfreeze", &[("reason", "Called.")]).await;
    act(&mut root, anna, "evict", &[("reason", "A stranger.")]).await;
    assert_eq!(audited(&app, anna).await, ("user_evicted".to_owned(), Some("A stranger.".to_owned())));
    act(&mut root, anna, "end-sessions", &[]).await;
    act(&mut root, anna, "set-email", &[("email", "anna.new@persons.test"), ("reason", "Lost.")]).await;
    assert!(root.page.contains("anna.new@persons.test"), "{}", root.page);
    act(&mut root, anna, "send-reset", &[("reason", "Asked.")]).await;
    act(&mut root, anna, "make-superuser", &[]).await;
    act(&mut root, anna, "take-superuser", &[]).await;
    act(&mut root, anna, "erase", &[("reason", "Asked by letter.")]).await;
    assert!(root.page.contains("will be erased"), "{}", root.page);
    assert!(root.page.contains("<dt>Will be erased on</dt>"), "{}", root.page);
    let path = format!("/console/people/{anna}/enable");
    root.open(&path).await.expect(200);
    let next = root.submit_and_follow(&path, &[]).await;
    assert_eq!(next, format!("/console/people/{anna}"));
    assert!(root.page.contains(&done("enable-later")), "{}", root.page);
}

#[tokio::test]
async fn one_session_is_found_by_its_identifier_and_ended() {
    let app = start().await;
    let pair = app.client.new_user("anna@persons.test").await;
    let anna = crate::witness::user_of(&pair);
    let mut root = root(&app).await;
    root.open("/console/sessions?session=nothing").await.expect(404);
    assert!(root.page.contains("No session has this identifier."), "{}", root.page);
    let found = root.open(&format!("/console/sessions?session={}", pair.session)).await.expect(303);
    assert_eq!(found.header("location"), format!("/console/people/{anna}"));
    let path = format!("/console/people/{anna}/end-session");
    root.open(&format!("{path}?session={}", pair.session)).await.expect(200);
    assert_eq!(root.hidden_or_shown("session"), pair.session);
    root.submit_and_follow(&path, &[("session", &pair.session)]).await;
    assert_eq!(number(&app, LIVE, anna).await, 0);
    root.submit(&path, &[("session", &pair.session)]).await.expect(404);
}

#[tokio::test]
async fn the_export_of_a_user_is_a_file() {
    let app = start().await;
    let anna = person(&app, "anna").await;
    let mut root = root(&app).await;
    let path = format!("/console/people/{anna}/export");
    root.open(&path).await.expect(200);
    root.submit(&path, &[]).await.expect(422);
    assert!(root.page.contains("id=\"reason-error\""), "{}", root.page);
    let file = root.submit(&path, &[("reason", "Asked by letter.")]).await.expect(200);
    assert_eq!(file.header("content-disposition"), "attachment; filename=\"user.json\"");
    let export: Value = file.json();
    assert!(export.is_object(), "{export}");
    assert_eq!(audited(&app, anna).await.0, "user_exported");
}

#[tokio::test]
async fn two_accounts_are_merged_and_a_wrong_identifier_is_said_beside_its_field() {
    let app = start().await;
    let (anna, other) = (person(&app, "anna").await, person(&app, "other").await);
    make_role(&app, "subscriber", &[], &[]).await;
    assign(&app, "anna@persons.test", "subscriber").await;
    let mut root = root(&app).await;
    let path = format!("/console/people/{anna}/merge");
    root.open(&path).await.expect(200);
    assert!(root.page.contains("Roles that may move to the other account: 1."), "{}", root.page);
    root.submit(&path, &[("into", "nothing"), ("reason", "Twice.")]).await.expect(422);
    assert!(root.page.contains("id=\"into-error\""), "{}", root.page);
    assert_eq!(root.hidden_or_shown("reason"), "Twice.");
    root.submit_and_follow(&path, &[("into", &other.to_string()), ("reason", "Twice.")]).await;
    let held = "select count(*) from auth.user_roles where user_id = $1";
    assert_eq!(number(&app, held, other).await, 1);
}

#[tokio::test]
async fn an_old_sign_in_is_proved_by_the_password_in_the_same_form() {
    let app = start().await;
    let anna = person(&app, "anna").await;
    let mut root = root(&app).await;
    let age = "update auth.sessions set authenticated_at = authenticated_at - interval '11 minutes'";
    app.sql().await.execute(age, &[]).await.unwrap();
    // The next access token says when the operator signed in.
    let both = root.cookies["__Host-console"].clone();
    let (_, refresh) = both.split_once('~').unwrap();
    root.cookies.insert("__Host-console".to_owned(), format!("~{refresh}"));
    let path = format!("/console/people/{anna}/set-email");
    root.open(&path).await.expect(200);
    assert!(root.page.contains("name=\"proof\""), "{}", root.page);
    let fields = [("email", "anna.new@persons.test"), ("reason", "Lost.")];
    root.submit(&path, &fields).await.expect(403);
    assert_eq!(root.hidden_or_shown("email"), "anna.new@persons.test");
    let wrong = [&fields[..], &[("proof", "wrong")]].concat();
    root.submit(&path, &wrong).await.expect(403);
    assert!(root.page.contains("The current password is wrong."), "{}", root.page);
    let right = [&fields[..], &[("proof", PASSWORD)]].concat();
    root.submit_and_follow(&path, &right).await;
    // For ten minutes nothing more is asked.
    root.open(&format!("/console/people/{anna}/disable")).await.expect(200);
    assert!(!root.page.contains("name=\"proof\""), "{}", root.page);
    root.submit(&format!("/console/people/{anna}/disable"), &[]).await.expect(303);
}

#[tokio::test]
async fn an_operator_acts_neither_on_the_own_account_nor_on_a_higher_one() {
    let app = start().await;
    let mut support = operator(&app, "support", &[Right::UsersRead, Right::UsersWrite]).await;
    let chief = person(&app, "chief").await;
    make_superuser(&app, "chief@persons.test").await;
    let own = "select id from auth.users where email_key = 'support@operators.test'";
    let own: Uuid = app.sql().await.query_one(own, &[]).await.unwrap().get(0);
    support.open(&format!("/console/people/{own}")).await.expect(200);
    assert!(support.page.contains("This is your own account."), "{}", support.page);
    for user in [own, chief] {
        let path = format!("/console/people/{user}/disable");
        support.open(&path).await.expect(200);
        support.submit(&path, &[]).await.expect(403);
    }
    let active = "select count(*) from auth.users where id = $1 and status = 'active'";
    assert_eq!((number(&app, active, own).await, number(&app, active, chief).await), (1, 1));
}

#[tokio::test]
async fn a_user_is_invited() {
    let app = start().await;
    let mut root = root(&app).await;
    root.open("/console/invite").await.expect(200);
    root.submit("/console/invite", &[("email", "new"), ("reason", "Colleague.")]).await.expect(422);
    assert!(root.page.contains("id=\"email-error\""), "{}", root.page);
    let fields = [("email", "new@persons.test"), ("reason", "Colleague.")];
    assert_eq!(root.submit_and_follow("/console/invite", &fields).await, "/console/");
    assert!(root.page.contains(&done("invited")), "{}", root.page);
    root.open("/console/people?query=new@persons.test").await.expect(200);
    assert!(root.page.contains("<bdi>new@persons.test</bdi>"), "{}", root.page);
}
