//! `admin users find|show`: finds users, and shows one with roles and sessions.

use serde_json::json;

use super::find::find;
use crate::command::terminal::{Failure, moment, say, table};
use crate::context::Core;
use crate::operators::{self, Details, Person, Searched};

pub(super) async fn find_all(
    core: &Core,
    searched: &Searched,
    limit: u32,
    json: bool,
) -> Result<(), Failure> {
    let found = operators::search(core, searched, limit).await?;
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
    say(format_args!("\n{}", how_to_sign_in(&details)))?;
    for (what, at) in [
        ("The sign-in methods are frozen until", details.frozen_until),
        ("The account will be erased, unless its user keeps it, at", details.erase_at),
        (
            "The holder of the unproven address gets the account, unless a session objects, at",
            details.recovery_at,
        ),
    ] {
        if let Some(at) = at {
            say(format_args!("{what} {}.", moment(at)))?;
        }
    }
    say(format_args!(
        "{} role(s), {} session(s); --json shows them and the login history.",
        details.roles.len(),
        details.sessions.count()
    ))
}

fn how_to_sign_in(details: &Details) -> String {
    let address = match (&details.person.email, details.email_verified) {
        (None, _) => "no address",
        (Some(_), true) => "a proven address",
        (Some(_), false) => "an address that was never proven",
    };
    let password = if details.has_password { "a password" } else { "no password" };
    let linked: Vec<_> = details.accounts.items.iter().map(|account| account.name.as_str()).collect();
    let linked = if linked.is_empty() {
        "no linked accounts".to_owned()
    } else {
        format!("linked: {}", linked.join(", "))
    };
    format!("The account has {address}, {password}, and {linked}.")
}
