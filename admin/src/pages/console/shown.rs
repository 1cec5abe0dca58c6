//! How several pages of the console show the same things.

use crate::operators::Person;
use crate::pages::texts::ConsoleTexts;

/// The name of a user: the display name, else the address, the login name, or the identifier.
pub(super) fn title_of(person: &Person) -> String {
    let names = [&person.display_name, &person.email, &person.login];
    names.into_iter().flatten().next().cloned().unwrap_or_else(|| person.user_id.to_string())
}

/// The status of an account in words.
pub(super) fn status(t: &'static ConsoleTexts, word: &str) -> &'static str {
    match word {
        "active" => t.status_active,
        "disabled" => t.status_disabled,
        _ => t.status_erasing,
    }
}
