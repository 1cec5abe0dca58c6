//! `/account/sign-in`: with a password, or through an identity provider.

use askama::Template;

use super::continued::go_on;
use super::erasing;
use super::field::{FormField, focus};
use super::frame::{Frame, respond};
use super::kept::KeptForm;
use super::problem::{status_of, with_problem};
use super::providers::{ProviderButton, to_sign_in};
use super::return_to::NextPage;
use super::visit::Visit;
use crate::api::{Code, Problem, Response};
use crate::sessions::login;

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage {
    frame: Frame,
    identifier: FormField,
    password: FormField,
    next: String,
    /// A form that is sent after the sign-in.
    kept: Option<KeptForm>,
    providers: Vec<ProviderButton>,
    has_mail: bool,
    /// Whether people may register by themselves.
    is_open: bool,
}

/// Shows the form. A viewer who is signed in goes on.
///
/// # Errors
///
/// None.
pub async fn show(visit: Visit) -> Result<Response, Problem> {
    let next = visit.next_page();
    match &visit.viewer {
        Some(_) => Ok(visit.redirect(next.as_str())),
        None => Ok(page(&visit, &next, None, KeptForm::sent(&visit))),
    }
}

/// Asks a user whose session has ended to sign in, and keeps the form that was sent.
pub(super) fn ask_with(visit: &Visit, kept: KeptForm) -> Response {
    page(visit, &visit.page_to_come_back_to(), Some(&Problem::new(Code::SessionExpired)), Some(kept))
}

/// Signs in.
///
/// # Errors
///
/// None: every problem is shown on the page.
pub async fn submit(visit: Visit) -> Result<Response, Problem> {
    let next = visit.next_page();
    match login::perform(visit.with(visit.fields.form(&["identifier", "password"]))).await {
        Ok(pair) => {
            visit.keep(&pair);
            match KeptForm::sent(&visit) {
                Some(kept) => kept.ask_to_send(&visit, &pair).await,
                None => Ok(go_on(&visit, &next)),
            }
        }
        Err(problem) if problem.code() == Code::ErasurePending => erasing::ask(&visit, &problem).await,
        Err(problem) => Ok(page(&visit, &next, Some(&problem), KeptForm::sent(&visit))),
    }
}

fn page(visit: &Visit, next: &NextPage, problem: Option<&Problem>, kept: Option<KeptForm>) -> Response {
    let (t, context) = (visit.texts(), &visit.request.context);
    let mut identifier = FormField::text(t, "identifier", t.name_or_email)
        .with_value(visit.fields.text("identifier"))
        .filled_in_as("username")
        .judged(problem);
    let mut password = FormField::current_password(t, "password").judged(problem);
    focus(&mut [&mut identifier, &mut password]);
    let template = SignInPage {
        frame: Frame::of(visit, t.sign_in_title).with_problem(problem),
        identifier,
        password,
        next: next.as_str().to_owned(),
        kept,
        providers: to_sign_in(visit, next),
        has_mail: context.outbox.is_on(),
        is_open: context.config.registration.is_for_everyone(),
    };
    let response = respond(status_of(problem), &template);
    problem.into_iter().fold(response, with_problem)
}
