//! `GET /api/v1/admin/users/{id}`: a user with roles, sessions and recent login history.

use http::StatusCode;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::store::{self, Person};
use super::{history, list, sessions};
use crate::access::{Right, allowed_upon, of_user};
use crate::api::{Access, Code, Disclosed, Operation, Problem, Request, Response};
use crate::context::Core;
use crate::pending_erasure;
use crate::provider_sign_in::accounts::list::{self as accounts, Accounts};
use crate::roles::assignments::{self, Assignment};
use crate::sessions::history::list::History;
use crate::sessions::list::Sessions;
use crate::users::email_changes::store as email_changes;

/// A user, how the user signs in, what is under way, and roles, sessions and recent login history.
#[derive(Serialize, ToSchema)]
pub(crate) struct Details {
    #[serde(flatten)]
    pub(crate) person: Person,
    /// Whether the address is known to be the user's own.
    pub(crate) email_verified: bool,
    pub(crate) has_password: bool,
    /// Until when the sign-in methods are frozen, after a change of the address; null if they are not.
    #[schema(required)]
    pub(crate) frozen_until: Option<Timestamp>,
    /// When the account will be erased, unless the user keeps it; null if it will not.
    #[schema(required)]
    pub(crate) erase_at: Option<Timestamp>,
    /// When the holder of the unproven address gets the account, unless a session objects; null if that is not so.
    #[schema(required)]
    pub(crate) recovery_at: Option<Timestamp>,
    /// The linked accounts at identity providers, in the order of linking.
    pub(crate) accounts: Accounts,
    /// The roles, by name.
    pub(crate) roles: Vec<Assignment>,
    /// The sessions, the most recently used first.
    pub(crate) sessions: Sessions,
    /// The newest history entries.
    pub(crate) history: History,
}

/// Documents the endpoint.
pub fn describe(operation: Operation) -> Operation {
    let mut example = list::example();
    if let Some(members) = example.as_object_mut() {
        let facts = [
            ("email_verified", json!(true)),
            ("has_password", json!(true)),
            ("accounts", accounts::example()),
        ];
        let none = ["frozen_until", "erase_at", "recovery_at"].map(|name| (name, Value::Null));
        members.extend(facts.into_iter().chain(none).map(|(name, value)| (name.to_owned(), value)));
        members.insert("roles".to_owned(), json!([assignments::example()]));
        members.insert("sessions".to_owned(), sessions::example());
        members.insert("history".to_owned(), history::example());
    }
    of_user(operation)
        .tag("Operators")
        .summary("Show a user with sign-in methods, roles, sessions and recent login history.")
        .access(Access::Permission(Right::UsersRead.as_str()))
        .answer::<Details>(200, "The user.", example)
}

/// Handles the request.
///
/// # Errors
///
/// 403 `forbidden`; 404; 401; 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    let details = perform(&request).await?;
    let user = details.person.user_id;
    Ok(Response::json(StatusCode::OK, &details).disclosing(Disclosed::User(user)))
}

/// What the endpoint does, for a page too.
pub(crate) async fn perform(request: &Request) -> Result<Details, Problem> {
    let (caller, user) = allowed_upon(request, Right::UsersRead).await?;
    details(&request.context, user, Some(caller.session)).await
}

/// The user, seen in the session `current`, or by a command.
///
/// # Errors
///
/// 404 `not_found`; 503.
pub(crate) async fn details(core: &Core, user: Uuid, current: Option<Uuid>) -> Result<Details, Problem> {
    let connection = core.db.get().await?;
    let not_found = || Problem::new(Code::NotFound);
    let person = store::find(&*connection, user).await?.ok_or_else(not_found)?;
    let facts = store::sign_in_facts(&*connection, user).await?.ok_or_else(not_found)?;
    Ok(Details {
        person,
        email_verified: facts.is_email_verified,
        has_password: facts.has_password,
        frozen_until: email_changes::frozen_until(&*connection, user).await?,
        erase_at: pending_erasure::find(&*connection, user).await?.map(|pending| pending.due_at),
        recovery_at: facts.recovery_at,
        accounts: Accounts::of(core, &connection, user).await?,
        roles: assignments::of_user(&connection, user).await?,
        sessions: Sessions::of(&connection, user, current.unwrap_or_default()).await?,
        history: History::first(&connection, user).await?,
    })
}
