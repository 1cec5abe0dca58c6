//! The page that leads to an identity provider. A form may lead to this service alone, so the way on is a link, which the
//! browser follows at once.

use askama::Template;
use http::StatusCode;

use super::frame::{Frame, respond};
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
    let t = visit.texts();
    let found = visit.request.context.providers.find(provider);
    let name = found.map_or(provider, |found| found.name());
    visit.jar.add(started.cookie().cloned());
    let template = ContinuedPage {
        frame: Frame::of(visit, t.continue_title),
        address: started.url().to_string(),
        text: fill(t.continue_text, name),
        link: fill(t.continue_link, name),
    };
    respond(StatusCode::OK, &template)
}
