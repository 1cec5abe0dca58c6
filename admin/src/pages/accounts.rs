//! `/account/accounts/link` and `/account/accounts/unlink`: accounts at identity providers.

use askama::Template;
use http::StatusCode;

use super::continued;
use super::frame::{Frame, respond};
use super::problem::{status_of, with_problem};
use super::proof::{ProofAsked, prove};
use super::texts::fill;
use super::visit::Visit;
use crate::api::{Code, Form, Problem, Response};
use crate::provider_sign_in::accounts::{link, unlink};

#[derive(Template)]
#[template(path = "accounts.html")]
struct AccountsPage {
    frame: Frame,
    /// What the form does: `link` or `unlink`.
    action: &'static str,
    provider: String,
    text: String,
    button: String,
    proof: ProofAsked,
}

/// The page from which these are opened.
const BACK: &str = "/account/security";

/// Asks before it links: it may need a proof.
///
/// # Errors
///
/// 404 for an unknown provider.
pub async fn show_link(visit: Visit) -> Result<Response, Problem> {
    page(&visit, "link", &visit.asked("provider"), None)
}

/// Sends the browser to the provider.
///
/// # Errors
///
/// 404 for an unknown provider: every other problem is shown on the page.
pub async fn submit_link(visit: Visit) -> Result<Response, Problem> {
    let provider = visit.fields.text("provider").to_owned();
    match start(&visit, &provider).await {
        Ok(response) => Ok(response),
        Err(problem) => page(&visit, "link", &provider, Some(&problem)),
    }
}

async fn start(visit: &Visit, provider: &str) -> Result<Response, Problem> {
    let back =
        visit.request.context.return_page.clone().ok_or_else(|| Problem::new(Code::ProviderUnknown))?;
    let request = prove(visit, Form::of_texts([("return_to", back.as_str())])).await?;
    let started = link::perform(request.with_param("provider", provider)).await?;
    Ok(continued::page(visit, &started, provider))
}

/// Asks before it unlinks, and says what ends.
///
/// # Errors
///
/// 404 for an unknown provider.
pub async fn show_unlink(visit: Visit) -> Result<Response, Problem> {
    page(&visit, "unlink", &visit.asked("provider"), None)
}

/// Unlinks the account.
///
/// # Errors
///
/// 404 for an unknown provider: every other problem is shown on the page.
pub async fn submit_unlink(visit: Visit) -> Result<Response, Problem> {
    let provider = visit.fields.text("provider").to_owned();
    let done = match prove(&visit, Form::default()).await {
        Ok(request) => unlink::handle(request.with_param("provider", &provider)).await,
        Err(problem) => Err(problem),
    };
    match done {
        Ok(_) => Ok(visit.redirect_done(BACK, "unlinked")),
        Err(problem) => page(&visit, "unlink", &provider, Some(&problem)),
    }
}

fn page(
    visit: &Visit,
    action: &'static str,
    provider: &str,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let (t, viewer) = (visit.texts(), visit.signed_in()?);
    let configured = visit.request.context.providers.find(provider).map(|found| found.name().to_owned());
    let is_linked = viewer.profile.linked_providers.iter().any(|linked| linked == provider);
    let name = configured.or_else(|| is_linked.then(|| provider.to_owned()));
    let name = name.ok_or_else(|| Problem::new(Code::ProviderUnknown))?;
    let (title, text, words) = match action {
        "link" => (t.accounts_title, fill(t.continue_text, &name), t.account_link),
        _ => (t.unlink_title, fill(t.unlink_text, &name), t.account_unlink),
    };
    let path = format!("/account/accounts/{action}?provider={provider}");
    let template = AccountsPage {
        frame: Frame::of(visit, title).with_problem(problem),
        action,
        provider: provider.to_owned(),
        text,
        button: fill(words, &name),
        proof: ProofAsked::of(visit, &path, problem),
    };
    let status = if problem.is_some() { status_of(problem) } else { StatusCode::OK };
    let response = respond(status, &template);
    Ok(problem.into_iter().fold(response, with_problem))
}
