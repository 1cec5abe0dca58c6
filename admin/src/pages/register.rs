//! `/account/register`: asks for an account, or creates one where no address is proven.

use askama::Template;
use http::StatusCode;

use super::consent::{ConsentTick, focus_unless};
use super::field::FormField;
use super::frame::{Frame, respond};
use super::paths;
use super::problem::{status_of, with_problem};
use super::prove;
use super::providers::{ProviderButton, to_sign_in};
use super::visit::Visit;
use crate::api::{Problem, Response};
use crate::config::Registration;
use crate::registration::register::{Requested, perform};

#[derive(Template)]
#[template(path = "register.html")]
struct RegisterPage {
    frame: Frame,
    text: &'static str,
    is_open: bool,
    next: String,
    fields: Vec<FormField>,
    consent: Option<ConsentTick>,
    providers: Vec<ProviderButton>,
}

/// Shows the form.
///
/// # Errors
///
/// None.
pub async fn show(visit: Visit) -> Result<Response, Problem> {
    Ok(if visit.viewer.is_some() { visit.redirect(visit.next_page().as_str()) } else { page(&visit, None) })
}

/// Asks for a mail, or creates the account.
///
/// # Errors
///
/// None: every problem is shown on the page.
pub async fn submit(visit: Visit) -> Result<Response, Problem> {
    let sent = match visit.request.context.config.registration {
        Registration::Open => &["email", "display_name", "login", "password", "consent"][..],
        Registration::Verify | Registration::Invite | Registration::Closed => &["email", "display_name"],
    };
    let form = visit.fields.form(sent).with("locale", visit.language.tag());
    Ok(match perform(visit.with(form)).await {
        Ok(Requested::Asked(flow)) => prove::ask(&visit, &flow),
        Ok(Requested::Created(_)) => {
            let path = format!("{}?{}", paths::SIGN_IN, visit.next_page().as_query());
            visit.redirect_done(&path, "registered")
        }
        Err(problem) => page(&visit, Some(&problem)),
    })
}

fn page(visit: &Visit, problem: Option<&Problem>) -> Response {
    let (t, config) = (visit.texts(), &visit.request.context.config);
    let frame = Frame::of(visit, t.register_title).with_problem(problem);
    let next = visit.next_page();
    let providers = to_sign_in(visit, &next);
    let next = next.as_str().to_owned();
    if !config.registration.is_for_everyone() {
        let text = t.registration_closed;
        let closed = RegisterPage {
            frame,
            text,
            is_open: false,
            next,
            fields: Vec::new(),
            consent: None,
            providers: Vec::new(),
        };
        return respond(StatusCode::OK, &closed);
    }
    let typed = |field: FormField, name: &str| field.with_value(visit.fields.text(name)).judged(problem);
    let mut fields = vec![typed(FormField::email(t, "email").filled_in_as("username"), "email")];
    let is_proven = config.registration == Registration::Verify;
    if !is_proven {
        fields.push(
            FormField::new_password(t, "password", config.password_min).labelled(t.password).judged(problem),
        );
        let login = FormField::text(t, "login", t.login_name).hinted(t.login_hint).optional();
        fields.push(typed(login, "login"));
    }
    let name = FormField::text(t, "display_name", t.display_name).filled_in_as("name").optional();
    fields.push(typed(name, "display_name"));
    let text = if is_proven { t.register_text } else { t.register_open_text };
    let consent = ConsentTick::of(visit, t, problem).filter(|_| !is_proven);
    focus_unless(consent.as_ref(), &mut fields.iter_mut().collect::<Vec<_>>());
    let template = RegisterPage { frame, text, is_open: true, next, fields, consent, providers };
    let response = respond(status_of(problem), &template);
    problem.into_iter().fold(response, with_problem)
}
