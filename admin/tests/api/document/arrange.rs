//! A request made from an operation's examples, and the state that it needs to succeed.

use std::collections::BTreeMap;

use admin::actor::Actor;
use admin::operators::create_superuser;
use admin::passwords::Password;
use reqwest::Method;
use reqwest::header::{HeaderName, HeaderValue};
use serde_json::{Value, json};
use uuid::Uuid;

use super::arrive;
use super::spec::Operation;
use crate::support::{Cinema, PASSWORD, Reply, TestApp, new_id};
use crate::witness::{make_role, sign_in, text_of, user_of};

/// A user who is signed in with [`PASSWORD`].
#[derive(Clone)]
pub(super) struct Person {
    pub(super) email: String,
    pub(super) id: Uuid,
    pub(super) access: String,
    pub(super) refresh: String,
}

/// A request before sending.
#[derive(Debug, Clone)]
pub(super) struct Ask {
    pub(super) method: Method,
    /// With its path parameters in braces.
    pub(super) path: String,
    pub(super) parts: BTreeMap<String, String>,
    pub(super) query: Vec<(String, String)>,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    pub(super) token: Option<String>,
    pub(super) content_type: Option<String>,
    pub(super) body: Vec<u8>,
}

impl Person {
    /// A new user.
    pub(super) async fn register(app: &TestApp) -> Self {
        let email = new_email();
        app.client.register(&email).await.expect(201);
        Self::sign_in(app, email).await
    }

    /// A new superuser.
    pub(super) async fn superuser(app: &TestApp) -> Self {
        let email = new_email();
        let (context, password) = (&app.context, Password::new(PASSWORD));
        create_superuser(context, &Actor::command(), &context.hasher, &email, &password, 8)
            .await
            .expect("a superuser");
        Self::sign_in(app, email).await
    }

    /// A caller that may call `operation`.
    pub(super) async fn for_operation(app: &TestApp, operation: Operation<'_>) -> Self {
        match operation.required_permission() {
            Some(_) => Self::superuser(app).await,
            None => Self::register(app).await,
        }
    }

    async fn sign_in(app: &TestApp, email: String) -> Self {
        let pair = app.client.sign_in(&email).await;
        let id = user_of(&pair);
        Self { email, id, access: pair.access, refresh: pair.refresh }
    }
}

fn new_email() -> String {
    format!("{}@cinema.test", new_id().simple())
}

/// An existing value for a path parameter. An operation with a parameter that is not listed here fails the
/// test: add a line.
async fn part(app: &TestApp, operation: Operation<'_>, parameter: &Value, person: &Person) -> String {
    let example = text_of(parameter, "example");
    match parameter["name"].as_str().expect("a name") {
        "sid" => app.client.sign_in(&person.email).await.session,
        "id" => {
            if operation.path.starts_with("/api/v1/erasures/") {
                have_record(app, person.id).await;
            }
            person.id.to_string()
        }
        "role" => {
            have_role(app, &example).await;
            example
        }
        "permission" => example,
        "provider" => {
            if operation.method == "delete" {
                have_account(app, &example, person.id).await;
            }
            example
        }
        unknown => panic!("{}: add a value of {{{unknown}}} here", operation.id()),
    }
}

/// The user in the path: another user when a permission is required, else the caller.
async fn person(app: &TestApp, operation: Operation<'_>, caller: &Person) -> Person {
    let is_about_somebody = operation.parameters("path").any(|parameter| parameter["name"] == "id");
    match operation.required_permission() {
        Some(_) if is_about_somebody => Person::register(app).await,
        _ => caller.clone(),
    }
}

/// A role with the permission of the examples. An earlier example may have deleted it.
async fn have_role(app: &TestApp, name: &str) {
    let sql = app.sql().await;
    sql.batch_execute("delete from auth.retired_role_names").await.expect("names are free again");
    let there = "select exists (select from auth.roles where name = $1)";
    if !sql.query_one(there, &[&name]).await.expect("asking").get::<_, bool>(0) {
        make_role(app, name, &["films:watch"], &[]).await;
    }
}

/// A user's linked account at a provider.
async fn have_account(app: &TestApp, provider: &str, user: Uuid) {
    let link = "insert into auth.oauth_accounts (provider, subject, user_id, linked_rule)
                values ($1, $2, $3, 4) on conflict do nothing";
    let subject = user.to_string();
    app.sql().await.execute(link, &[&provider, &subject, &user]).await.expect("it can be linked");
}

/// An unused link of a new user with this token.
async fn have_link(app: &TestApp, token: &str, purpose: &str) {
    let user = Person::register(app).await.id;
    // The address of a user who gets an export is verified.
    let link = "with verified as (
                    update auth.users set verified_email_key = email_key where id = $2 returning email_key
                )
                insert into auth.account_links (token_hash, user_id, purpose, email_key, expires_at)
                select sha256(convert_to($1, 'UTF8')), $2, $3, email_key, clock_timestamp() + interval '1 hour'
                from verified
                on conflict (token_hash) do update set user_id = excluded.user_id, purpose = excluded.purpose,
                    email_key = excluded.email_key, used_at = null";
    app.sql().await.execute(link, &[&token, &user, &purpose]).await.expect("it can be made");
}

/// A change of a new user's address, which can be undone by this token.
async fn have_change(app: &TestApp, token: &str) {
    let user = Person::register(app).await.id;
    let sql = app.sql().await;
    let delete = "delete from auth.email_changes where token_hash = sha256(convert_to($1, 'UTF8'))";
    sql.execute(delete, &[&token]).await.expect("it can be deleted");
    let change = "insert into auth.email_changes (user_id, email, email_key, token_hash, password_hash, device_epoch,
                      undo_until)
                  select id, id || '@former.test', id || '@former.test', sha256(convert_to($1, 'UTF8')), password_hash,
                      device_epoch, clock_timestamp() + interval '1 hour'
                  from auth.users where id = $2";
    sql.execute(change, &[&token, &user]).await.expect("it can be made");
}

/// A recovery of this user's account.
async fn have_recovery(app: &TestApp, user: Uuid) {
    let recovery = "insert into auth.recoveries (user_id, email_key, effective_at)
                    select id, email_key, clock_timestamp() + interval '1 hour' from auth.users where id = $1
                    on conflict (user_id) do update set objected_at = null";
    app.sql().await.execute(recovery, &[&user]).await.expect("it can be written");
}

/// The flow of a new user whose account will be erased.
async fn have_erasure(app: &TestApp) -> String {
    let person = Person::register(app).await;
    app.client.post("/api/v1/me/erase").bearer(&person.access).send().await.expect(202);
    let problem = sign_in(app, &person.email, PASSWORD).send().await.problem(403, "erasure_pending");
    text_of(&problem, "flow")
}

/// A record of this user's erasure.
async fn have_record(app: &TestApp, user: Uuid) {
    let record = "insert into auth.erasures (user_id, requested_at, origin, categories)
                  values ($1, clock_timestamp(), 'user', '{profile}') on conflict do nothing";
    app.sql().await.execute(record, &[&user]).await.expect("it can be written");
}

/// The example of the body, completed with values of this service. An operation that needs more and is not
/// listed here fails the test by its status: add a line.
async fn body(app: &TestApp, operation: Operation<'_>, caller: &Person) -> Option<Value> {
    if operation.id() == "post_me_recovery_object" {
        have_recovery(app, caller.id).await;
    }
    let mut body = operation.body()?.1.clone();
    match operation.id() {
        "post_auth_login" | "post_oauth_link_sign_in" => {
            // It may have been created before.
            let name = if body.get("email").is_some() { "email" } else { "identifier" };
            let _reply = app.client.register(&text_of(&body, name)).await;
        }
        "post_roles" => {
            have_role(app, "subscriber").await;
            let delete = "delete from auth.roles where name = $1";
            app.sql().await.execute(delete, &[&text_of(&body, "name")]).await.expect("it can be deleted");
        }
        "post_auth_erasure_keep" | "post_auth_erasure_erase_now" => {
            body["flow"] = json!(have_erasure(app).await);
        }
        "post_auth_password_reset" => have_link(app, &text_of(&body, "token"), "operator_reset").await,
        "post_auth_email_freeze" | "post_auth_email_undo" => {
            have_change(app, &text_of(&body, "token")).await;
        }
        "post_admin_users_id_merge" => body["into"] = json!(Person::register(app).await.id),
        "post_auth_export" => have_link(app, &text_of(&body, "token"), "export").await,
        "post_auth_refresh" | "post_auth_logout" => body["refresh_token"] = json!(caller.refresh),
        _ => {}
    }
    Some(body)
}

impl Ask {
    /// The example of `operation` by `caller`, with everything that it needs.
    pub(super) async fn example(cinema: &Cinema, operation: Operation<'_>, caller: &Person) -> Self {
        let app = &cinema.app;
        let mut ask = Self::bare(operation);
        let person = person(app, operation, caller).await;
        for parameter in operation.parameters("path") {
            let part = part(app, operation, parameter, &person).await;
            ask.parts.insert(text_of(parameter, "name"), part);
        }
        for parameter in operation.parameters("query") {
            ask.query.push((text_of(parameter, "name"), plain(&parameter["example"])));
        }
        for parameter in operation.parameters("header") {
            let name = text_of(parameter, "name").parse().expect("a name");
            ask.headers.push((name, plain(&parameter["example"]).parse().expect("a value")));
        }
        if let Some(body) = body(app, operation, caller).await {
            ask = ask.json(&body);
        }
        ask.token = operation.takes_a_token().then(|| caller.access.clone());
        arrive::from_a_provider(cinema, operation, &mut ask).await;
        ask
    }

    /// An empty one.
    pub(super) fn bare(operation: Operation<'_>) -> Self {
        Self {
            method: operation.method.to_ascii_uppercase().parse().expect("a method"),
            path: operation.path.to_owned(),
            parts: BTreeMap::new(),
            query: Vec::new(),
            headers: Vec::new(),
            token: None,
            content_type: None,
            body: Vec::new(),
        }
    }

    pub(super) fn json(self, body: &Value) -> Self {
        let body = body.to_string().into_bytes();
        Self { body, content_type: Some("application/json".to_owned()), ..self }
    }

    pub(super) async fn send(&self, app: &TestApp) -> Reply {
        let mut call = app.client.call(self.method.clone(), &self.target());
        for (name, value) in &self.headers {
            call = call.header_value(name.as_str(), value.clone());
        }
        if let Some(token) = &self.token {
            call = call.bearer(token);
        }
        if let Some(content_type) = &self.content_type {
            call = call.header("content-type", content_type);
        }
        if !self.body.is_empty() {
            call = call.body(self.body.clone());
        }
        call.send().await
    }

    fn target(&self) -> String {
        let open = |path: String, (name, part): (&String, &String)| {
            path.replace(&format!("{{{name}}}"), &encode(part))
        };
        let path = self.parts.iter().fold(self.path.clone(), open);
        let pairs = self.query.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value)));
        let query = pairs.collect::<Vec<_>>().join("&");
        if query.is_empty() { path } else { format!("{path}?{query}") }
    }
}

/// A value as encoded in a path, a query or a header.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn encode(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}
