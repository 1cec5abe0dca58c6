//! `/account/proof`: a viewer without a password proves who acts, by a provider that is linked or by a code from a mail, and goes
//! back to the action. The proof is of this user and of this session alone: an account at the provider of another user
//! changes nothing.

use askama::Template;

use super::continued;
use super::field::{FormField, focus};
use super::frame::{Frame, respond};
use super::problem::{status_of, with_problem};
use super::return_to::NextPage;
use super::visit::Visit;
use crate::api::{Code, Form, Problem, Response};
use crate::mail_proof::{ask_proof, prove_by_code};
use crate::provider_sign_in::start_proof;
use crate::sessions::AccessToken;

#[derive(Template)]
#[template(path = "proof_code.html")]
struct ProofCodePage {
    frame: Frame,
    next: String,
    flow: String,
    code: FormField,
}

/// Asks for the code again, in another language. Before one was sent, there is nothing to ask here.
///
/// # Errors
///
/// None.
pub async fn show(visit: Visit) -> Result<Response, Problem> {
    let next = next_page(&visit);
    Ok(match visit.fields.text("flow") {
        "" => visit.redirect(next.as_str()),
        flow => page(&visit, &next, flow, None),
    })
}

/// Leads to the provider, sends a code, or checks it.
///
/// # Errors
///
/// 401: every other problem is shown on a page.
pub async fn submit(visit: Visit) -> Result<Response, Problem> {
    let next = next_page(&visit);
    match visit.fields.text("choice") {
        "mail" => send(&visit, &next).await,
        "code" => check(&visit, &next).await,
        other => {
            let provider = other.strip_prefix("provider:").unwrap_or_default().to_owned();
            match start(&visit, &next, &provider).await {
                Ok(response) => Ok(response),
                Err(problem) => back(&visit, &next, problem),
            }
        }
    }
}

async fn start(visit: &Visit, next: &NextPage, provider: &str) -> Result<Response, Problem> {
    let page = next.after_provider(&visit.request.context);
    let page = page.ok_or_else(|| Problem::new(Code::ProviderUnknown))?;
    let request = visit.with(Form::default()).with_param("provider", provider);
    let started = start_proof(&request, page.as_str()).await?;
    Ok(continued::page(visit, &started, provider))
}

async fn send(visit: &Visit, next: &NextPage) -> Result<Response, Problem> {
    let profile = visit.signed_in()?.profile;
    let email = profile.email.as_deref().filter(|_| profile.email_verified);
    let Some(Ok(email)) = email.map(str::parse) else {
        return back(visit, next, Problem::new(Code::FreshAuthRequired));
    };
    match ask_proof(&visit.with(Form::default()), email).await {
        Ok(asked) => Ok(page(visit, next, asked.text(), None)),
        Err(problem) => back(visit, next, problem),
    }
}

async fn check(visit: &Visit, next: &NextPage) -> Result<Response, Problem> {
    let (flow, code) = (visit.fields.text("flow"), visit.fields.text("code"));
    match prove_by_code(&visit.with(Form::default()), flow, code).await {
        Ok(access) => Ok(proven(visit, next, &access)),
        Err(problem) if problem.code() == Code::CodeExpired => back(visit, next, problem),
        Err(problem) if problem.code().status().as_u16() == 401 => Err(problem),
        Err(problem) => Ok(page(visit, next, flow, Some(&problem))),
    }
}

/// The browser keeps the token that says so.
pub(super) fn proven(visit: &Visit, next: &NextPage, access: &AccessToken) -> Response {
    visit.jar.add_session(&access.cookies());
    visit.redirect(next.as_str())
}

/// To the action, which says what is wrong.
fn back(visit: &Visit, next: &NextPage, problem: Problem) -> Result<Response, Problem> {
    match problem.code().status().as_u16() {
        401 => Err(problem),
        _ => Ok(visit.redirect_problem(next.as_str(), problem.code())),
    }
}

/// The page of the action. It is one of the account.
fn next_page(visit: &Visit) -> NextPage {
    let asked = Some(visit.next_page()).filter(NextPage::is_of_site);
    asked.unwrap_or_else(|| visit.next_page_of(""))
}

fn page(visit: &Visit, next: &NextPage, flow: &str, problem: Option<&Problem>) -> Response {
    let t = visit.texts();
    let wrong = problem.filter(|problem| problem.code() == Code::CodeWrong);
    let mut code = FormField::code(t);
    if wrong.is_some() {
        code = code.wrong(t.codes.problem(Code::CodeWrong));
    }
    focus(&mut [&mut code]);
    let template = ProofCodePage {
        frame: Frame::of(visit, t.proof_code_title).with_problem(problem),
        next: next.as_str().to_owned(),
        flow: flow.to_owned(),
        code,
    };
    let response = respond(status_of(problem), &template);
    problem.into_iter().fold(response, with_problem)
}
