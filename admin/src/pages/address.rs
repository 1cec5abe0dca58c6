//! `/account/address`: another e-mail address, and its proof by the code of a mail.

use askama::Template;

use super::address_hint::hint;
use super::address_question::AddressQuestion;
use super::alert::PageAlert;
use super::field::{FormField, focus};
use super::frame::{Frame, respond};
use super::password::current_password;
use super::problem::{status_of, with_problem};
use super::proof::ProofAsked;
use super::visit::Visit;
use crate::api::{Code, Problem, Response};
use crate::email_change::verify;
use crate::mail_proof::{AskedFlow, resend};
use crate::me::change_email::{EmailChange, perform};

#[derive(Template)]
#[template(path = "address.html")]
struct AddressPage {
    frame: Frame,
    text: &'static str,
    email: FormField,
    current: Option<FormField>,
    proof: ProofAsked,
}

#[derive(Template)]
#[template(path = "address_prove.html")]
struct AddressProofPage {
    frame: Frame,
    flow: String,
    code: FormField,
    question: Option<AddressQuestion>,
}

const DONE: &str = "/account/security";

/// Shows the form.
///
/// # Errors
///
/// 401.
pub async fn show(visit: Visit) -> Result<Response, Problem> {
    page(&visit, None)
}

/// Asks for a proof of the address, or sets it where none is proven.
///
/// # Errors
///
/// 401: every other problem is shown on the page.
pub async fn submit(visit: Visit) -> Result<Response, Problem> {
    match perform(visit.with(visit.fields.form(&["current_password", "email"]))).await {
        Ok(EmailChange::Done(pair)) => {
            visit.keep(&pair);
            Ok(visit.redirect_done(DONE, "address_changed"))
        }
        Ok(EmailChange::Asked(asked)) => Ok(asked_page(&visit, &asked)),
        Err(problem) => page(&visit, Some(&problem)),
    }
}

/// Asks for the code again, in another language. Without a flow there is nothing to ask.
///
/// # Errors
///
/// None.
pub async fn show_proof(visit: Visit) -> Result<Response, Problem> {
    Ok(match visit.fields.text("flow") {
        "" => visit.redirect("/account/address"),
        flow => proof_page(&visit, flow, None, None),
    })
}

/// Sets the address that the code of a mail proves, or sends another code.
///
/// # Errors
///
/// 401: every other problem is shown on the page.
pub async fn prove(visit: Visit) -> Result<Response, Problem> {
    let flow = visit.fields.text("flow");
    if visit.fields.text("again") == "yes" {
        return Ok(match resend::perform(visit.with(visit.fields.form(&["flow"]))).await {
            Ok(asked) => asked_page(&visit, &asked),
            Err(problem) => proof_page(&visit, flow, None, Some(&problem)),
        });
    }
    match verify::perform(visit.with(visit.fields.form(&["flow", "code", "account"]))).await {
        Ok(pair) => {
            visit.keep(&pair);
            let is_moved = visit.fields.text("account") == "move";
            Ok(visit.redirect_done(DONE, if is_moved { "accounts_joined" } else { "address_changed" }))
        }
        Err(problem) if problem.code() == Code::CodeExpired => page(&visit, Some(&problem)),
        Err(problem) => Ok(proof_page(&visit, flow, None, Some(&problem))),
    }
}

fn page(visit: &Visit, problem: Option<&Problem>) -> Result<Response, Problem> {
    let (t, profile) = (visit.texts(), visit.signed_in()?.profile);
    let context = &visit.request.context;
    let mut email = FormField::email(t, "email").with_value(visit.fields.text("email")).judged(problem);
    let mut current = profile.has_password.then(|| current_password(visit, problem));
    let proof = match current {
        Some(_) => ProofAsked::Nothing,
        None => ProofAsked::of(visit, "/account/address", problem),
    };
    focus(&mut [&mut email].into_iter().chain(current.iter_mut()).collect::<Vec<_>>());
    let is_proven = context.outbox.is_on() && context.config.registration.proves_changes();
    let text = if is_proven { t.address_text } else { t.address_set_text };
    let frame = Frame::of(visit, t.address_title).with_problem(problem);
    let response = respond(status_of(problem), &AddressPage { frame, text, email, current, proof });
    Ok(problem.into_iter().fold(response, with_problem))
}

fn asked_page(visit: &Visit, asked: &AskedFlow) -> Response {
    proof_page(visit, asked.text(), hint(visit, asked), None)
}

fn proof_page(visit: &Visit, flow: &str, alert: Option<PageAlert>, problem: Option<&Problem>) -> Response {
    let t = visit.texts();
    let mut code = FormField::code(t).with_value(visit.fields.text("code")).judged(problem);
    focus(&mut [&mut code]);
    let template = AddressProofPage {
        frame: Frame::of(visit, t.address_prove_title).with_problem(problem).hinting(alert),
        flow: flow.to_owned(),
        code,
        question: AddressQuestion::of(visit, problem),
    };
    let response = respond(status_of(problem), &template);
    problem.into_iter().fold(response, with_problem)
}
