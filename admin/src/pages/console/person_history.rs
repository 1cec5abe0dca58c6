//! `/console/people/{id}/history`: the login history of a user, page by page.

use askama::Template;
use http::StatusCode;

use super::operator::OperatorVisit;
use super::requirement::Requirement;
use crate::access::{Right, allowed_upon};
use crate::api::{Disclosed, Problem, Response};
use crate::pages::frame::{Frame, respond};
use crate::pages::history::ShownEntry;
use crate::sessions::history::list::History;
use crate::users;

#[derive(Template)]
#[template(path = "console/person_history.html")]
struct PersonHistoryPage {
    frame: Frame,
    id: String,
    entries: Vec<ShownEntry>,
    older: Option<String>,
}

/// Shows a part of the history, the newest first.
///
/// # Errors
///
/// 403; 404; 401; 422 for an invalid cursor; 503.
pub async fn show(operator: OperatorVisit) -> Result<Response, Problem> {
    operator.require(Requirement::Right(Right::UsersRead))?;
    let request = operator.asking(&["cursor"]);
    let (_, user) = allowed_upon(&request, Right::UsersRead).await?;
    let connection = request.context.db.get().await?;
    users::require(&connection, user).await?;
    let history = History::asked_for(&request, &connection, user).await?;
    drop(connection);
    let template = PersonHistoryPage {
        frame: operator.frame(operator.texts().history_title),
        id: user.to_string(),
        entries: history.items.into_iter().map(|item| ShownEntry::of(&operator, item)).collect(),
        older: history.next_cursor,
    };
    Ok(respond(StatusCode::OK, &template).disclosing(Disclosed::User(user)))
}
