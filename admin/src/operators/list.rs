//! `GET /api/v1/admin/users`: searches for users, newest first.

use http::StatusCode;
use serde::Serialize;
use serde_json::{Value, json};
use shared::role::RoleName;
use utoipa::ToSchema;
use uuid::Uuid;

use super::store::{self, Person, UserFilter};
use crate::access::{Right, allowed};
use crate::api::{Access, Code, Operation, Problem, Query, Request, Response, Shape, one_more, page};
use crate::users::{EmailAddress, LoginName};

/// The longest search text, in characters.
const MAX_QUERY: usize = 64;

/// A page of users, newest first.
#[derive(Serialize, ToSchema)]
#[schema(as = People)]
struct Page {
    items: Vec<Person>,
    /// Pass it as `cursor` to get the next page; null on the last page.
    #[schema(required)]
    next_cursor: Option<String>,
}

/// Documents the endpoint.
pub fn describe(operation: Operation) -> Operation {
    operation
        .tag("Operators")
        .summary("Search for users, newest first.")
        .detail("Filters are combined with AND.")
        .access(Access::Permission(Right::UsersRead.as_str()))
        .query(
            "query",
            "The beginning of the e-mail address, login name or display name; case is ignored.",
            Shape::text("ann").length(1..=64),
        )
        .query("email", "The e-mail address.", Shape::text("anna@example.org").length(1..=254))
        .query("login", "The login name.", Shape::text("anna").length(1..=64))
        .query("role", "The name of an assigned role.", Shape::text("subscriber").length(1..=32))
        .query("status", "The status of the account.", Shape::one_of(&["active", "disabled"]))
        .query("superuser", "Whether the user is a superuser.", Shape::one_of(&["0", "1"]))
        .query("limit", "The highest number of users on the page.", Shape::integer(1..=100, 20).default(20))
        .query(
            "cursor",
            "`next_cursor` of the previous page, unchanged.",
            Shape::uuid("fffffff0-0000-7000-8000-000000000000"),
        )
        .answer::<Page>(200, "A page.", json!({ "items": [example()], "next_cursor": null }))
        .problems(&[Code::ValidationFailed])
}

/// An example user.
pub(super) fn example() -> Value {
    json!({
        "user_id": "0193a1b2-7c4d-7e8f-9a0b-1c2d3e4f5a6b",
        "email": "anna@example.org",
        "login": "anna",
        "display_name": "Anna",
        "status": "active",
        "is_superuser": false,
        "created_at": "2026-11-25T20:15:30.123456Z",
        "updated_at": "2026-11-25T20:15:30.123456Z"
    })
}

/// Handles the request.
///
/// # Errors
///
/// 403 `forbidden`; 422; 401; 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    allowed(&request, Right::UsersRead).await?;
    let names = ["query", "email", "login", "role", "status", "superuser", "limit", "cursor"];
    let query = Query::read(&request, &names)?;
    let filter = read(&query)?;
    let limit = query.limit()?;
    let before = query.cursor(|text| text.parse::<Uuid>().ok())?;
    let connection = request.context.db.get().await?;
    let people = store::page(&connection, &filter, before, one_more(limit)).await?;
    let (items, next_cursor) = page(people, limit, |person: &Person| person.user_id.to_string());
    Ok(Response::json(StatusCode::OK, &Page { items, next_cursor }))
}

fn read(query: &Query) -> Result<UserFilter, Problem> {
    let email = |text: &str| text.parse::<EmailAddress>().ok().map(|email| email.key().to_owned());
    let login = |text: &str| text.parse::<LoginName>().ok().map(|login| login.key().to_owned());
    let role = |text: &str| text.parse::<RoleName>().ok().map(String::from);
    let status = |text: &str| ["active", "disabled"].contains(&text).then(|| text.to_owned());
    Ok(UserFilter {
        query: query.parse("query", "`query` must be 1 to 64 characters.", beginning)?,
        email_key: query.parse("email", "Must be an e-mail address.", email)?,
        login_key: query.parse("login", "Must be a login name.", login)?,
        role: query.parse("role", "Must be a role name.", role)?,
        status: query.parse("status", "Must be `active` or `disabled`.", status)?,
        superuser: query.get("superuser").map(|_| query.flag("superuser")).transpose()?,
    })
}

/// A LIKE pattern for texts with this beginning; special characters of patterns are escaped.
fn beginning(text: &str) -> Option<String> {
    let length = text.chars().count();
    let escaped = text.to_lowercase().replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    (1..=MAX_QUERY).contains(&length).then(|| format!("{escaped}%"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_in_a_search_text_are_escaped() {
        assert_eq!(beginning("Ann").as_deref(), Some("ann%"));
        assert_eq!(beginning("a_b%\\").as_deref(), Some("a\\_b\\%\\\\%"));
        assert_eq!(beginning(""), None);
        assert_eq!(beginning(&"a".repeat(65)), None);
    }
}
