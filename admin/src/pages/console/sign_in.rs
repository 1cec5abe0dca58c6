//! `/console/sign-in`: with a password, because only a password proves an operator.

use askama::Template;

use super::requirement::Requirement;
use crate::access::{caller, rights_of};
use crate::api::{Code, Form, Problem, Request, Response};
use crate::pages::field::{FormField, focus};
use crate::pages::frame::{Frame, respond};
use crate::pages::kept::KeptForm;
use crate::pages::problem::{status_of, with_problem};
use crate::pages::return_to::NextPage;
use crate::pages::visit::Visit;
use crate::sessions::{Pair, login, logout};

#[derive(Template)]
#[template(path = "console/sign_in.html")]
struct ConsoleSignInPage {
    frame: Frame,
    identifier: FormField,
    password: FormField,
    next: String,
    /// A form that is sent after the sign-in.
    kept: Option<KeptForm>,
}

/// Shows the form. An operator who is signed in goes on.
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

/// Asks an operator whose session has ended to sign in, and keeps the form that was sent.
pub(in crate::pages) fn ask_with(visit: &Visit, kept: KeptForm) -> Response {
    page(visit, &visit.page_to_come_back_to(), Some(&Problem::new(Code::SessionExpired)), Some(kept))
}

/// Signs an operator in.
///
/// # Errors
///
/// None: every problem is shown on the page.
pub async fn submit(visit: Visit) -> Result<Response, Problem> {
    let next = visit.next_page();
    match sign_in(&visit).await {
        Ok(pair) => {
            visit.keep(&pair);
            match KeptForm::sent(&visit) {
                Some(kept) => kept.ask_to_send(&visit, &pair).await,
                None => Ok(visit.redirect(next.as_str())),
            }
        }
        Err(problem) => Ok(page(&visit, &next, Some(&problem), KeptForm::sent(&visit))),
    }
}

/// Through the same checks of attempts as every sign-in. The session of a user who is no operator ends at once, and its tokens
/// never leave the service.
async fn sign_in(visit: &Visit) -> Result<Pair, Problem> {
    let pair = login::perform(visit.with(visit.fields.form(&["identifier", "password"]))).await?;
    let request = Request { query: String::new(), ..visit.with_access(Form::default(), pair.access()) };
    let caller = caller(&request).await?;
    visit.note_caller(caller);
    let rights = rights_of(&request.context.db.get().await?, caller.user).await?;
    let Err(problem) = Requirement::Any.require(&rights) else { return Ok(pair) };
    let _ended = logout::handle(request).await?;
    Err(problem)
}

fn page(visit: &Visit, next: &NextPage, problem: Option<&Problem>, kept: Option<KeptForm>) -> Response {
    let t = visit.texts();
    let mut identifier = FormField::text(t, "identifier", t.name_or_email)
        .with_value(visit.fields.text("identifier"))
        .filled_in_as("username")
        .judged(problem);
    let mut password = FormField::current_password(t, "password").judged(problem);
    focus(&mut [&mut identifier, &mut password]);
    let frame = Frame::of(visit, t.console.sign_in_title).with_problem(problem);
    let template = ConsoleSignInPage { frame, identifier, password, next: next.as_str().to_owned(), kept };
    let response = respond(status_of(problem), &template);
    problem.into_iter().fold(response, with_problem)
}
