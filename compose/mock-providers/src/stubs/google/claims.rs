//! The claims about a person, in the ID token and the user info.

use serde_json::{Value, json};

use crate::context::Context;
use crate::fault::Fault;
use crate::person::Person;
use crate::stub::present;

/// The real issuer, with which clients compare, not the URL of this program.
pub(super) const ISSUER: &str = "https://accounts.google.com";

/// The claims that the granted scopes allow.
pub(super) fn claims(cx: &Context<'_>, person: &Person, may: impl Fn(&str) -> bool) -> Value {
    let verified = match person.verified_as_string {
        true => json!(person.email_verified.to_string()),
        false => json!(person.email_verified),
    };
    let email = person.email.as_deref().filter(|_| may("email"));
    let profile = |value: Option<&str>| value.filter(|_| may("profile")).map(str::to_owned);
    present(json!({
        "sub": (!cx.has(Fault::NoSubject)).then_some(&person.subject),
        "email": email,
        "email_verified": email.map(|_| verified),
        "hd": person.hd,
        "name": profile(person.name.as_deref()),
        "given_name": profile(person.given_name()),
        "family_name": profile(person.family_name()),
        "picture": profile(Some("https://lh3.googleusercontent.com/a/pretended=s96-c")),
    }))
}
