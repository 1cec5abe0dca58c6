//! `GET /api/v1/admin/users`: searches for users, newest first.

use http::StatusCode;
use serde::Serialize;
use serde_json::{Value, json};
use shared::role::RoleName;
use utoipa::ToSchema;

use super::store::{self, Person, STATUSES, UserFilter};
use crate::access::{Right, allowed};
use crate::api::text::{self, FromText};
use crate::api::{
    Access, Code, Disclosed, Invalid, Operation, Problem, Query, Request, Response, Shape, one_more, page,
    sentence,
};
use crate::context::{Context, Core};
use crate::users::{EmailAddress, Identifier, LoginError, email_owner};

/// The longest search text, in characters.
const MAX_QUERY: usize = 64;

/// The same for a client.
const QUERY_BOUNDS: &str = "`query` must be 1 to 64 characters.";

/// The same as of the members `login` of forms.
const LOGIN_NAME: &str = "^[\\t-\\r ]*[^\\x00-/:-@\\[-`{-\\x7f][^\\x00-,/:-@\\[-\\^`{-\\x7f]*[\\t-\\r ]*$";

/// A page of users, newest first.
#[derive(Serialize, ToSchema)]
#[schema(as = People)]
pub(crate) struct People {
    pub(crate) items: Vec<Person>,
    /// Pass it as `cursor` to get the next page; null on the last page.
    #[schema(required)]
    pub(crate) next_cursor: Option<String>,
}

/// Documents the endpoint.
pub fn describe(operation: Operation) -> Operation {
    operation
        .tag("Operators")
        .batch()
        .summary("Search for users, newest first.")
        .detail("Filters are combined with AND.")
        .access(Access::Permission(Right::UsersRead.as_str()))
        .query(
            "query",
            "The beginning of the e-mail address, login name or display name; upper and lower case and Unicode forms are not \
             distinguished.",
            Shape::text("ann").length(1..=64),
        )
        .query("email", "The e-mail address.", Shape::email("anna@example.org"))
        .query(
            "former_email",
            "The e-mail address that the user had within the last twelve months, until its owner claimed it.",
            Shape::email("anna@example.org"),
        )
        .query("login", "The login name.", Shape::text("anna").length(3..=64).pattern(LOGIN_NAME))
        .query(
            "role",
            "The name of an assigned role.",
            Shape::text("subscriber").pattern("^[a-z][a-z0-9_-]{0,31}$"),
        )
        .query("status", "The status of the account.", Shape::one_of(&STATUSES))
        .query("superuser", "Whether the user is a superuser.", Shape::one_of(&["0", "1"]))
        .query("limit", "The highest number of users on the page.", Shape::integer(1..=100, 20).default(20))
        .query(
            "cursor",
            "`next_cursor` of the previous page, unchanged.",
            Shape::uuid("fffffff0-0000-7000-8000-000000000000"),
        )
        .answer::<People>(200, "A page.", json!({ "items": [example()], "next_cursor": null }))
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
    let people = perform(&request).await?;
    Ok(Response::json(StatusCode::OK, &people).disclosing(Disclosed::Search))
}

/// What the endpoint does, for a page too.
pub(crate) async fn perform(request: &Request) -> Result<People, Problem> {
    allowed(request, Right::UsersRead).await?;
    let names = ["query", "email", "former_email", "login", "role", "status", "superuser", "limit", "cursor"];
    let mut query = Query::read(request, &names);
    let filter = read(&request.context, &mut query);
    let limit = query.limit();
    let before = query.cursor(text::uuid);
    query.finish()?;
    let connection = request.context.db.get().await?;
    let people = store::page(&connection, &filter, before, one_more(limit)).await?;
    let (items, next_cursor) = page(people, limit, |person: &Person| person.user_id.to_string());
    Ok(People { items, next_cursor })
}

/// What a command looks for, combined with AND.
#[derive(Default)]
pub(crate) struct Searched {
    /// The beginning of an e-mail address, login name or display name.
    pub(crate) query: Option<String>,
    /// An address that a user lost to its owner.
    pub(crate) former_email: Option<EmailAddress>,
    pub(crate) superuser: Option<bool>,
}

/// The newest users that fit, at most `limit`.
///
/// # Errors
///
/// 422 `validation_failed` for an empty or long query; 503.
pub(crate) async fn search(core: &Core, searched: &Searched, limit: u32) -> Result<Vec<Person>, Problem> {
    let query = match &searched.query {
        Some(text) => {
            let query = beginning(text);
            Some(query.ok_or_else(|| Problem::new(Code::ValidationFailed).detail(QUERY_BOUNDS))?)
        }
        None => None,
    };
    let former_email =
        searched.former_email.as_ref().map(|email| email_owner::tags(&core.former_email_keys, email));
    let filter = UserFilter { query, former_email, superuser: searched.superuser, ..UserFilter::default() };
    Ok(store::page(&core.db.get().await?, &filter, None, limit.into()).await?)
}

fn read(context: &Context, query: &mut Query) -> UserFilter {
    let status = |text: &str| STATUSES.contains(&text).then(|| text.to_owned());
    UserFilter {
        query: query.parse("query", QUERY_BOUNDS, beginning),
        email_key: query.value("email").map(|email: EmailAddress| email.key().to_owned()),
        former_email: query
            .value("former_email")
            .map(|email: EmailAddress| email_owner::tags(&context.former_email_keys, &email)),
        login_key: query.value("login").map(|SearchedLogin(key)| key),
        role: query.value("role").map(|role: RoleName| role.into()),
        status: query.parse("status", "Must be `active` or `disabled`.", status),
        superuser: query.flag("superuser"),
    }
}

fn beginning(text: &str) -> Option<String> {
    // As around an address, which would otherwise not be found.
    let trimmed = text.trim();
    let text = if trimmed.is_empty() { text } else { trimmed };
    (1..=MAX_QUERY).contains(&text.chars().count()).then(|| text.to_owned())
}

/// The key of a login name. An account may have a name that has become reserved since.
struct SearchedLogin(String);

impl FromText for SearchedLogin {
    fn from_text(text: &str) -> Result<Self, Invalid> {
        match Identifier::login(text) {
            Identifier::Login(login) => Ok(Self(login.key().to_owned())),
            Identifier::Email(_) | Identifier::Invalid => {
                Err(Invalid { code: LoginError::Malformed.code(), sentence: sentence(LoginError::Malformed) })
            }
        }
    }
}
