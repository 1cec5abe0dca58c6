//! A problem as a page: of a page that cannot be shown, and of any other link of this service that a person opened.

use askama::Template;
use http::{HeaderValue, StatusCode, header};
use shared::request_id::RequestId;

use super::assets::{self, AssetNames};
use super::frame::{Frame, respond as respond_page};
use super::site::PageSite;
use super::texts::Texts;
use super::visit::Visit;
use crate::api::{Problem, Response};
use crate::config::Language;

/// The page of a problem, within the frame of the pages.
#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage {
    frame: Frame,
    code: &'static str,
    request_id: String,
    /// Where the user can go on: an address, and its text.
    next: (&'static str, &'static str),
}

/// The same for a link outside the pages, where nothing is known of the visitor.
#[derive(Template)]
#[template(path = "problem_alone.html")]
struct ProblemAlone {
    t: &'static Texts,
    /// The path of the first page of the site, and the text of the link to it.
    root: &'static str,
    next: &'static str,
    language: &'static str,
    sentence: String,
    /// A sentence about this occurrence.
    detail: String,
    code: &'static str,
    request_id: String,
    assets: &'static AssetNames,
}

/// The page of a problem that a page cannot show beside its form.
pub(super) fn page(visit: &Visit, problem: &Problem) -> Response {
    let t = visit.texts();
    let site = visit.site();
    let next = match (&visit.viewer, site) {
        (Some(_), PageSite::Account) => (site.root(), t.to_overview),
        (Some(_), PageSite::Console) => (site.root(), t.console.to_start),
        (None, PageSite::Account | PageSite::Console) => (site.sign_in(), t.to_sign_in),
    };
    let template = ProblemPage {
        frame: Frame::of(visit, t.problem_title).with_failure(problem),
        code: problem.code().as_str(),
        request_id: visit.request.id.as_str().to_owned(),
        next,
    };
    with_problem(respond_page(problem.code().status(), &template), problem)
}

/// `problem` as a page instead of JSON, with the same status and headers.
pub fn alone(site: PageSite, problem: &Problem, request_id: &RequestId, language: Language) -> Response {
    let t = Texts::of(language);
    let template = ProblemAlone {
        t,
        root: site.root(),
        next: if site.is_console() { t.console.to_start } else { t.to_overview },
        language: language.tag(),
        sentence: t.sentence(problem),
        detail: if language == Language::English {
            problem.about_this().unwrap_or_default().to_owned()
        } else {
            String::new()
        },
        code: problem.code().as_str(),
        request_id: request_id.as_str().to_owned(),
        assets: assets::names(),
    };
    let response = respond_page(problem.code().status(), &template);
    let headers = problem.respond(request_id);
    let kept = [header::RETRY_AFTER, header::WWW_AUTHENTICATE, header::ALLOW];
    // The address of this page may contain a code.
    let response = response.with_header(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    kept.into_iter().fold(response, |response, name| match headers.headers().get(&name) {
        Some(value) => response.with_header(name, value.clone()),
        None => response,
    })
}

/// Notes the problem for the log and the trace, and when the client may try again.
pub(super) fn with_problem(response: Response, problem: &Problem) -> Response {
    // A page that asks for a password is no challenge for a program.
    let response = response.with_problem(problem.code()).with_denial(problem.is_denied());
    match problem.seconds() {
        Some(seconds) => response.with_header(header::RETRY_AFTER, HeaderValue::from(seconds)),
        None => response,
    }
}

/// The status of a page that shows `problem` beside its form.
pub(super) fn status_of(problem: Option<&Problem>) -> StatusCode {
    problem.map_or(StatusCode::OK, |problem| problem.code().status())
}
