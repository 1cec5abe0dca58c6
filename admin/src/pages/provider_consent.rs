//! `/account/sign-in/consent`: a visitor who came from a provider without an account here consents first, where the operator
//! asks for it, and starts again. The consent is in the form, never in an address: no link can consent for a visitor.

use askama::Template;

use super::consent::{self, ConsentTick};
use super::continued;
use super::frame::{Frame, respond};
use super::paths;
use super::problem::{status_of, with_problem};
use super::providers::ProviderButton;
use super::return_to::NextPage;
use super::visit::Visit;
use crate::api::{Code, Problem, Response};
use crate::provider_sign_in::login;

#[derive(Template)]
#[template(path = "provider_consent.html")]
struct ProviderConsentPage {
    frame: Frame,
    next: String,
    consent: Option<ConsentTick>,
    providers: Vec<ProviderButton>,
}

/// Asks.
///
/// # Errors
///
/// None.
pub async fn show(visit: Visit) -> Result<Response, Problem> {
    let next = visit.next_page();
    match (&visit.viewer, &visit.request.context.config.consent) {
        (None, Some(_)) => Ok(page(&visit, &next, None)),
        (Some(_), _) => Ok(visit.redirect(next.as_str())),
        (None, None) => Ok(visit.redirect(&format!("{}?{}", paths::SIGN_IN, next.as_query()))),
    }
}

/// Starts the sign-in with the consent.
///
/// # Errors
///
/// None: every problem is shown on the page.
pub async fn submit(visit: Visit) -> Result<Response, Problem> {
    let next = visit.next_page();
    Ok(match start(&visit, &next).await {
        Ok(response) => response,
        Err(problem) => page(&visit, &next, Some(&problem)),
    })
}

async fn start(visit: &Visit, next: &NextPage) -> Result<Response, Problem> {
    let (context, sent) = (&visit.request.context, visit.fields.text(consent::FIELD));
    if context.config.consent.as_ref().is_none_or(|asked| asked.as_str() != sent) {
        return Err(Problem::new(Code::ConsentRequired));
    }
    let provider = visit.fields.text("choice");
    let page = next.after_provider(context).ok_or_else(|| Problem::new(Code::ProviderUnknown))?;
    let request = visit.request.clone().with_param("provider", provider);
    let started = login::with_consent(&request, page.as_str(), sent).await?;
    Ok(continued::page(visit, &started, provider))
}

fn page(visit: &Visit, next: &NextPage, problem: Option<&Problem>) -> Response {
    let (t, context) = (visit.texts(), &visit.request.context);
    let all = context.providers.iter();
    let template = ProviderConsentPage {
        frame: Frame::of(visit, t.sign_in_title).with_problem(problem),
        next: next.as_str().to_owned(),
        consent: ConsentTick::of(visit, t, problem),
        providers: all.map(|provider| ProviderButton::of(provider, t.provider_button, "")).collect(),
    };
    let response = respond(status_of(problem), &template);
    problem.into_iter().fold(response, with_problem)
}
