//! `/account/register/prove`: proves the address of a new account by the code of a mail, and sets its password.

use askama::Template;

use super::address_hint::hint;
use super::alert::PageAlert;
use super::consent::{ConsentTick, focus_unless};
use super::continued::go_on;
use super::field::FormField;
use super::frame::{Frame, respond};
use super::problem::{status_of, with_problem};
use super::visit::Visit;
use crate::api::{Code, Problem, Response};
use crate::mail_proof::{AskedFlow, resend};
use crate::registration::verify;

#[derive(Template)]
#[template(path = "prove.html")]
struct ProvePage {
    frame: Frame,
    flow: String,
    next: String,
    /// For a password manager, which saves the password under it.
    user_name: String,
    code: FormField,
    password: FormField,
    consent: Option<ConsentTick>,
    /// Whether to ask whose the account is that has the address.
    asks: bool,
    /// What was answered.
    answer: String,
}

/// Asks for the code.
pub(super) fn ask(visit: &Visit, asked: &AskedFlow) -> Response {
    page(visit, asked.text(), hint(visit, asked), None)
}

/// Asks again, in another language. Without a flow there is nothing to ask.
///
/// # Errors
///
/// None.
pub async fn show(visit: Visit) -> Result<Response, Problem> {
    Ok(match visit.fields.text("flow") {
        "" => visit.redirect("/account/register"),
        flow => page(&visit, flow, None, None),
    })
}

/// Proves the address and signs in, or sends another code.
///
/// # Errors
///
/// None: every problem is shown on the page.
pub async fn submit(visit: Visit) -> Result<Response, Problem> {
    let flow = visit.fields.text("flow");
    if visit.fields.text("again") == "yes" {
        return Ok(match resend::perform(visit.with(visit.fields.form(&["flow"]))).await {
            Ok(asked) => ask(&visit, &asked),
            Err(problem) => page(&visit, flow, None, Some(&problem)),
        });
    }
    let form = visit.fields.form(&["flow", "code", "password", "consent", "account"]);
    Ok(match verify::perform(visit.with(form)).await {
        Ok(pair) => {
            visit.keep(&pair);
            go_on(&visit, &visit.next_page())
        }
        Err(problem) => page(&visit, flow, None, Some(&problem)),
    })
}

fn page(visit: &Visit, flow: &str, alert: Option<PageAlert>, problem: Option<&Problem>) -> Response {
    let t = visit.texts();
    let mut code = FormField::code(t).with_value(visit.fields.text("code")).judged(problem);
    let least = visit.request.context.config.password_min;
    let mut password = FormField::new_password(t, "password", least).labelled(t.password).judged(problem);
    let consent = ConsentTick::of(visit, t, problem);
    focus_unless(consent.as_ref(), &mut [&mut code, &mut password]);
    let is_unproven = problem.is_some_and(|problem| problem.code() == Code::AccountUnproven);
    let template = ProvePage {
        frame: Frame::of(visit, t.prove_title).with_problem(problem).hinting(alert),
        flow: flow.to_owned(),
        next: visit.next_page().as_str().to_owned(),
        user_name: visit.fields.text("email").to_owned(),
        code,
        password,
        consent,
        asks: is_unproven || visit.fields.has("account"),
        answer: visit.fields.text("account").to_owned(),
    };
    let response = respond(status_of(problem), &template);
    problem.into_iter().fold(response, with_problem)
}
