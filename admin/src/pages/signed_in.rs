//! `/account/signed-in`: where a browser comes back to from an identity provider, with what came of it in the query.

use super::erasing;
use super::link;
use super::paths;
use super::proof_code::proven;
use super::return_to::{self, NextPage};
use super::visit::Visit;
use crate::api::{Code, Form, Problem, Response};
use crate::provider_sign_in::{exchange, finish_proof};

/// Goes on: signed in, to the question whose an account is, or back with the problem. What is in the query is for once, so
/// nothing is shown at this address but that question.
///
/// # Errors
///
/// None: every problem is shown on a page.
pub async fn show(visit: Visit) -> Result<Response, Problem> {
    let next = NextPage::of(&visit.request.context, &visit.query(return_to::FIELD).unwrap_or_default());
    if let Some(code) = visit.query("one_time_code") {
        return sign_in(&visit, &next, &code).await;
    }
    if let Some(code) = visit.query("proven") {
        return Ok(prove(&visit, &next, &code).await);
    }
    if visit.query("linked").is_some() {
        return Ok(visit.redirect_done("/account/security", "linked"));
    }
    let word = visit.query("error").unwrap_or_default();
    let code = Code::ALL.iter().copied().find(|code| code.as_str() == word).unwrap_or(Code::StateInvalid);
    match (code, visit.query("flow")) {
        // Who may decide about an erasure is answered to the exchange, and never to a link.
        (Code::ErasurePending, _) | (_, None) => Ok(back(&visit, &next, code)),
        (_, Some(flow)) => Ok(visit.redirect(&link::address(&flow, &next))),
    }
}

/// Keeps the proof, and goes back to the action, which asks again if there was none.
async fn prove(visit: &Visit, next: &NextPage, code: &str) -> Response {
    match finish_proof(&visit.with(Form::default()), code).await {
        Ok(access) => proven(visit, next, &access),
        // The page was opened again, by the button for going back; or the session has ended, which the next page says.
        Err(problem) if problem.code() == Code::CodeExpired || problem.code().status().as_u16() == 401 => {
            visit.redirect(next.as_str())
        }
        Err(problem) => visit.redirect_problem(next.as_str(), problem.code()),
    }
}

async fn sign_in(visit: &Visit, next: &NextPage, code: &str) -> Result<Response, Problem> {
    match exchange::perform(visit.with(Form::of_texts([("one_time_code", code)]))).await {
        Ok(pair) => {
            visit.keep(&pair);
            Ok(visit.redirect(next.as_str()))
        }
        Err(problem) if problem.code() == Code::ErasurePending => erasing::ask(visit, &problem).await,
        // The page was opened again, by the button for going back.
        Err(problem) if problem.code() == Code::CodeExpired && visit.viewer.is_some() => {
            Ok(visit.redirect(next.as_str()))
        }
        Err(problem) => Ok(back(visit, next, problem.code())),
    }
}

/// To the page where it began, which says what is wrong.
fn back(visit: &Visit, next: &NextPage, code: Code) -> Response {
    let is_elsewhere = next.is_of_account() && next.as_str() != paths::OVERVIEW;
    match visit.viewer {
        Some(_) if is_elsewhere => visit.redirect_problem(next.as_str(), code),
        Some(_) => visit.redirect_problem("/account/security", code),
        None => {
            let mut query = url::form_urlencoded::Serializer::new(String::new());
            query.append_pair("problem", code.as_str());
            query.append_pair(return_to::FIELD, next.as_str());
            visit.redirect(&format!("{}?{}", paths::SIGN_IN, query.finish()))
        }
    }
}
