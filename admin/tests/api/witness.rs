//! What tests observe from outside: the claims of a token, a sidecar's decision about it, and waiting
//! statements.

use admin::actor::Actor;
use admin::roles::{AssignError, Assigned, NewAssignment, NewRole, assign_by_email};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::{Value, json};
use shared::clock::{Clock as _, SystemClock};
use shared::revocation::{Kind, Reason, Record};
use shared::token::{TokenProfile, VerifiedToken, Verifier};
use uuid::Uuid;

use crate::support::{Call, ISSUER, PASSWORD, Pair, Reply, TestApp, new_id, until};

/// The claims of an access token, unverified.
pub(crate) fn claims(access: &str) -> Value {
    let payload = access.split('.').nth(1).expect("a token has three parts");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).expect("base64url")).expect("JSON")
}

/// The user of a token pair.
pub(crate) fn user_of(pair: &Pair) -> Uuid {
    text_of(&claims(&pair.access), "sub").parse().expect("a UUID")
}

/// A text member.
pub(crate) fn text_of(value: &Value, name: &str) -> String {
    value.get(name).and_then(Value::as_str).unwrap_or_else(|| panic!("no {name}: {value}")).to_owned()
}

/// The members of `items` in a list response.
pub(crate) fn items_of(list: &Value) -> Vec<Value> {
    list.get("items").and_then(Value::as_array).cloned().unwrap_or_else(|| panic!("no items: {list}"))
}

/// The session of a token pair.
pub(crate) fn session_of(pair: &Pair) -> Uuid {
    pair.session.parse().expect("a UUID")
}

/// The roles in an access token.
pub(crate) fn roles_of(access: &str) -> Vec<String> {
    let roles = claims(access).get("roles").cloned().expect("roles");
    serde_json::from_value(roles).expect("an array of strings")
}

/// Asserts that admin accepts the access token.
#[track_caller]
pub(crate) fn alive<'a>(app: &'a TestApp, access: &'a str) -> impl Future<Output = ()> + 'a {
    let at = std::panic::Location::caller();
    async move {
        let reply = app.client.get("/api/v1/me").bearer(access).send().await;
        assert_eq!(reply.status, 200, "{reply:?} at {at}");
    }
}

/// Asserts that admin refuses the access token as revoked, and that every sidecar will, with the same word.
pub(crate) async fn dead(app: &TestApp, access: &str) {
    refused_everywhere(app, access, "token_revoked").await;
}

/// Asserts that admin asks for a refresh of the access token, and that every sidecar will, with the same word.
pub(crate) async fn outdated(app: &TestApp, access: &str) {
    refused_everywhere(app, access, "token_refresh_needed").await;
}

async fn refused_everywhere(app: &TestApp, access: &str, word: &str) {
    app.client.get("/api/v1/me").bearer(access).send().await.problem(401, word);
    let token = verified(app, access);
    until("the revocation of the token is published", async || {
        let _meta = app.log.meta().await?;
        (word_of(&app.log.current().await, &token) == Some(word)).then_some(())
    })
    .await;
}

/// The word with which a sidecar refuses the token: "revoked" wins among the records that refuse it.
fn word_of(records: &[Record], token: &VerifiedToken) -> Option<&'static str> {
    let mut killing = records.iter().filter(|record| kills(record, token)).peekable();
    killing.peek()?;
    let is_revoked = killing.any(|record| record.reason == Reason::Revoked);
    Some(if is_revoked { "token_revoked" } else { "token_refresh_needed" })
}

/// Asserts that no revocation refuses the access token, at admin or at a sidecar.
pub(crate) async fn standing(app: &TestApp, access: &str) {
    alive(app, access).await;
    let token = verified(app, access);
    let records = app.log.current().await;
    assert!(!records.iter().any(|record| kills(record, &token)), "a sidecar would refuse it");
}

fn verified(app: &TestApp, access: &str) -> VerifiedToken {
    let verifier =
        Verifier { profile: TokenProfile::Usher, issuer: ISSUER.to_owned(), leeway: 5, max_life: 3600 };
    let keys = app.context.keys.public_set().expect("the keys are loaded");
    let now = claims(access).get("iat").and_then(Value::as_u64).expect("iat");
    verifier.verify(access, &keys, now).expect("the token is genuine")
}

/// The decision of a sidecar.
fn kills(record: &Record, token: &VerifiedToken) -> bool {
    match record.kind {
        Kind::Token => Some(record.key) == token.token_key,
        Kind::Session => Some(record.key) == token.session_key,
        Kind::User => record.key == token.user_key && token.generation < record.argument,
        Kind::Key => record.key == token.signing_key,
        Kind::Everything => token.deployment_generation < record.argument,
    }
}

/// Waits until `count` statements of the service's requests wait for a lock visible in `holder`'s database.
/// The background task for expired assignments may wait as well, and does not count.
pub(crate) async fn blocked(holder: &tokio_postgres::Client, count: i64) {
    let sql = "select count(*) from pg_catalog.pg_stat_activity
               where datname = current_database() and wait_event_type = 'Lock'
                 and query not like '%where expires_at <= clock.now%'";
    until(&format!("{count} statements wait for a lock"), async || {
        // Within a transaction the list of connections is read once, unless its snapshot is cleared.
        holder.batch_execute("select pg_stat_clear_snapshot()").await.expect("asking");
        let waiting: i64 = holder.query_one(sql, &[]).await.expect("asking").get(0);
        (waiting == count).then_some(())
    })
    .await;
}

/// The next pair of a session, as if its user had signed in more than ten minutes ago.
pub(crate) async fn stale(app: &TestApp, pair: &Pair) -> Pair {
    let age =
        "update auth.sessions set authenticated_at = authenticated_at - interval '11 minutes' where id = $1";
    app.sql().await.execute(age, &[&session_of(pair)]).await.expect("the session ages");
    refresh(app, &pair.refresh).send().await.pair()
}

/// Sends a call while the test continues.
pub(crate) fn beside(call: Call) -> tokio::task::JoinHandle<Reply> {
    tokio::spawn(call.send())
}

/// A sign-in that may fail.
pub(crate) fn sign_in(app: &TestApp, email: &str, password: &str) -> Call {
    app.client.post("/api/v1/auth/login").json(&json!({ "email": email, "password": password }))
}

/// A password change from [`PASSWORD`].
pub(crate) fn change_password(app: &TestApp, access: &str, new: &str) -> Call {
    let body = json!({ "current_password": PASSWORD, "new_password": new });
    app.client.put("/api/v1/me/password").bearer(access).json(&body)
}

/// A refresh.
pub(crate) fn refresh(app: &TestApp, token: &str) -> Call {
    app.client.post("/api/v1/auth/refresh").json(&json!({ "refresh_token": token }))
}

/// The current second.
pub(crate) fn now() -> Timestamp {
    let second = SystemClock.unix_seconds().try_into().expect("the time is in the range of a timestamp");
    Timestamp::from_second(second).expect("the time is in the range of a timestamp")
}

/// Creates a role on behalf of an operator, with these permissions and parents.
pub(crate) async fn make_role(app: &TestApp, name: &str, permissions: &[&str], inherits: &[&str]) {
    let new = NewRole {
        permissions: permissions.iter().map(|text| text.parse().expect("a permission")).collect(),
        inherits: inherits.iter().map(|text| text.parse().expect("a role name")).collect(),
        ..NewRole::named(name.parse().expect("a role name"))
    };
    admin::roles::create(&app.context, &Actor::command(), &new).await.expect("the role is made");
}

/// Assigns a role on behalf of an operator; creates it if it does not exist.
pub(crate) async fn assign(app: &TestApp, email: &str, role: &str) {
    let exists = "select exists (select from auth.roles where name = $1)";
    if !app.sql().await.query_one(exists, &[&role]).await.expect("asking").get::<_, bool>(0) {
        make_role(app, role, &[], &[]).await;
    }
    assign_until(app, email, role, None).await.expect("the role is assigned");
}

/// Assigns an existing role, with an optional expiry.
pub(crate) async fn assign_until(
    app: &TestApp,
    email: &str,
    role: &str,
    end: Option<Timestamp>,
) -> Result<Assigned, AssignError> {
    let (email, role) = (email.parse().expect("an address"), role.parse().expect("a name"));
    assign_by_email(&app.context, &Actor::command(), email, role, NewAssignment::new(end, None)).await
}

/// Registers a user and assigns a role with exactly these permissions.
pub(crate) async fn holder(app: &TestApp, email: &str, permissions: &[&str]) -> Pair {
    app.client.register(email).await.expect(201);
    if !permissions.is_empty() {
        let role = format!("r-{}", &new_id().simple().to_string()[8..]);
        make_role(app, &role, permissions, &[]).await;
        assign(app, email, &role).await;
    }
    app.client.sign_in(email).await
}

/// Registers a superuser.
pub(crate) async fn superuser(app: &TestApp) -> Pair {
    let email = format!("{}@superusers.test", new_id().simple());
    app.client.register(&email).await.expect(201);
    let make = "update auth.users set is_superuser = true where email_key = $1";
    app.sql().await.execute(make, &[&email]).await.expect("the superuser is made");
    app.client.sign_in(&email).await
}
