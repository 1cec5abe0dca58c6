//! The page that leads to another origin: to an identity provider, or where the viewer wanted to go. A form may lead to this
//! service alone, so the way on is a link, which the browser follows at once.

use askama::Template;
use http::StatusCode;

use super::frame::{Frame, respond};
use super::return_to::NextPage;
use super::texts::fill;
use super::visit::Visit;
use crate::api::Response;
use crate::provider_sign_in::Started;

#[derive(Template)]
#[template(path = "continued.html")]
struct ContinuedPage {
    frame: Frame,
    address: String,
    text: String,
    link: String,
}

/// Leads to the provider where a flow was started.
pub(super) fn page(visit: &Visit, started: &Started, provider: &str) -> Response {
    let found = visit.request.context.providers.find(provider);
    let name = found.map_or(provider, |found| found.name());
    visit.jar.add(started.cookie().cloned());
    lead(visit, started.url().to_string(), name)
}

/// Leads to the page that the viewer wanted.
pub(super) fn go_on(visit: &Visit, next: &NextPage) -> Response {
    if next.may_follow_a_form() || !visit.is_form() {
        return visit.redirect(next.as_str());
    }
    let address = next.as_str().to_owned();
    let parsed = url::Url::parse(&address).ok();
    let host = parsed.as_ref().and_then(url::Url::host_str).unwrap_or_default().to_owned();
    lead(visit, address, &host)
}

fn lead(visit: &Visit, address: String, name: &str) -> Response {
    let t = visit.texts();
    let template = ContinuedPage {
        frame: Frame::of(visit, t.continue_title),
        address,
        text: fill(t.continue_text, name),
        link: fill(t.continue_link, name),
    };
    respond(StatusCode::OK, &template)
}
