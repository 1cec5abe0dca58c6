//! `admin users find|show`: finds users, and shows one with roles and sessions.

use serde_json::json;

use super::find::find;
use crate::command::terminal::{Failure, moment, say, table};
use crate::context::Core;
use crate::operators::{self, Person};

pub(super) async fn find_all(core: &Core, query: &str, limit: u32, json: bool) -> Result<(), Failure> {
    let found = operators::search(core, Some(query), None, limit).await?;
    // Before anything is printed.
    operators::note_search(core, "admin users find").await?;
    list(&found, json)
}

/// Prints users.
pub(in crate::command) fn list(people: &[Person], json: bool) -> Result<(), Failure> {
    if json {
        return people.iter().try_for_each(|person| say(format_args!("{}", json!(person))));
    }
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let rows = people.iter().map(|person| {
        let status = if person.is_superuser { "superuser" } else { &person.status };
        let names = [text(&person.email), text(&person.login), text(&person.display_name)];
        let [email, login, name] = names;
        [person.user_id.to_string(), email, login, name, status.to_owned(), moment(person.created_at)]
    });
    table(["ID", "E-MAIL", "LOGIN", "NAME", "STATUS", "CREATED"], rows)
}

pub(super) async fn show(core: &Core, user: &str, json: bool) -> Result<(), Failure> {
    let id = find(core, user).await?;
    let details = operators::details(core, id, None).await?;
    operators::note_view(core, id, "admin users show").await?;
    if json {
        return say(format_args!("{}", json!(details)));
    }
    list(std::slice::from_ref(&details.person), false)?;
    say(format_args!(
        "\n{} role(s), {} session(s); --json shows them and the login history.",
        details.roles.len(),
        details.sessions.count()
    ))
}
