//! `/account/profile`: names, telephone number and language.

use askama::Template;
use serde_json::Value;

use super::field::{FormField, focus};
use super::frame::{Frame, respond};
use super::problem::{status_of, with_problem};
use super::visit::Visit;
use crate::api::{Form, Problem, Response};
use crate::config::Language;
use crate::me::change_profile;

#[derive(Template)]
#[template(path = "profile.html")]
struct ProfilePage {
    frame: Frame,
    fields: Vec<FormField>,
    /// The languages to choose from: tag, name, and whether it is chosen.
    languages: Vec<(String, String, bool)>,
}

const PATH: &str = "/account/profile";

/// The members of the profile that are texts.
const TEXTS: [&str; 4] = ["display_name", "first_name", "last_name", "phone"];

/// Shows the form.
///
/// # Errors
///
/// 401.
pub async fn show(visit: Visit) -> Result<Response, Problem> {
    page(&visit, None)
}

/// Saves it. An empty field removes what was there.
///
/// # Errors
///
/// 401: every other problem is shown on the page.
pub async fn submit(visit: Visit) -> Result<Response, Problem> {
    let value = |name: &str| match visit.fields.text(name) {
        "" => Value::Null,
        text => Value::from(text),
    };
    let form = TEXTS.iter().fold(Form::default(), |form, name| form.with(name, value(name)));
    match change_profile::handle(visit.with(form.with("locale", value("locale")))).await {
        Ok(_) => Ok(visit.redirect_done(PATH, "saved")),
        Err(problem) => page(&visit, Some(&problem)),
    }
}

fn page(visit: &Visit, problem: Option<&Problem>) -> Result<Response, Problem> {
    let (t, profile) = (visit.texts(), visit.signed_in()?.profile);
    let stored = [&profile.display_name, &profile.first_name, &profile.last_name, &profile.phone];
    // What was typed stays, also if it is wrong.
    let shown = |name: &str, stored: &Option<String>| match visit.is_form() {
        true => visit.fields.text(name).to_owned(),
        false => stored.clone().unwrap_or_default(),
    };
    let labels = [t.display_name, t.first_name, t.last_name, t.phone];
    let filled_in_as = ["nickname", "given-name", "family-name", "tel"];
    let parts = TEXTS.into_iter().zip(labels).zip(filled_in_as.into_iter().zip(stored));
    let mut fields: Vec<_> = parts
        .map(|((name, label), (autocomplete, stored))| {
            let field = FormField::text(t, name, label).filled_in_as(autocomplete).optional();
            let field = if name == "phone" { field.of_kind("tel").hinted(t.phone_hint) } else { field };
            field.with_value(shown(name, stored)).judged(problem)
        })
        .collect();
    if problem.is_some() {
        focus(&mut fields.iter_mut().collect::<Vec<_>>());
    }
    let languages = languages(&shown("locale", &profile.locale), profile.locale.as_deref());
    let frame = Frame::of(visit, t.profile_title).with_problem(problem);
    let response = respond(status_of(problem), &ProfilePage { frame, fields, languages });
    Ok(problem.into_iter().fold(response, with_problem))
}

/// The languages to choose from. Another tag of the account stays one of them, so that saving does not change it.
fn languages(chosen: &str, stored: Option<&str>) -> Vec<(String, String, bool)> {
    let known = Language::ALL.iter().map(|language| {
        let name = super::texts::Texts::of(*language).language_name;
        (language.tag().to_owned(), name.to_owned())
    });
    let known: Vec<_> = known.collect();
    let is_other = |tag: &&str| !tag.is_empty() && known.iter().all(|(other, _)| other != tag);
    let other = stored.filter(is_other).map(|tag| (tag.to_owned(), tag.to_owned()));
    known.iter().cloned().chain(other).map(|(tag, name)| (tag.clone(), name, tag == chosen)).collect()
}
