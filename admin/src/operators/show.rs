//! `GET /api/v1/admin/users/{id}`: a user with roles, sessions and recent login history.

use http::StatusCode;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::store::{self, Person};
use super::{history, list, sessions};
use crate::access::{Right, allowed_upon, of_user};
use crate::api::{Access, Code, Disclosed, Operation, Problem, Request, Response};
use crate::context::Core;
use crate::roles::assignments::{self, Assignment};
use crate::sessions::history::list::History;
use crate::sessions::list::Sessions;

/// A user with roles, sessions and recent login history.
#[derive(Serialize, ToSchema)]
pub(crate) struct Details {
    #[serde(flatten)]
    pub(crate) person: Person,
    /// The roles, by name.
    pub(crate) roles: Vec<Assignment>,
    /// The sessions, the most recently used first.
    pub(crate) sessions: Sessions,
    /// The newest history entries.
    history: History,
}

/// Documents the endpoint.
pub fn describe(operation: Operation) -> Operation {
    let mut example = list::example();
    if let Some(members) = example.as_object_mut() {
        members.insert("roles".to_owned(), json!([assignments::example()]));
        members.insert("sessions".to_owned(), sessions::example());
        members.insert("history".to_owned(), history::example());
    }
    of_user(operation)
        .tag("Operators")
        .summary("Show a user with roles, sessions and recent login history.")
        .access(Access::Permission(Right::UsersRead.as_str()))
        .answer::<Details>(200, "The user.", example)
}

/// Handles the request.
///
/// # Errors
///
/// 403 `forbidden`; 404; 401; 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    let (caller, user) = allowed_upon(&request, Right::UsersRead).await?;
    let details = details(&request.context, user, Some(caller.session)).await?;
    Ok(Response::json(StatusCode::OK, &details).disclosing(Disclosed::User(user)))
}

/// The user, seen in the session `current`, or by a command.
///
/// # Errors
///
/// 404 `not_found`; 503.
pub(crate) async fn details(core: &Core, user: Uuid, current: Option<Uuid>) -> Result<Details, Problem> {
    let connection = core.db.get().await?;
    let person = store::find(&*connection, user).await?.ok_or_else(|| Problem::new(Code::NotFound))?;
    Ok(Details {
        person,
        roles: assignments::of_user(&connection, user).await?,
        sessions: Sessions::of(&connection, user, current.unwrap_or_default()).await?,
        history: History::first(&connection, user).await?,
    })
}
