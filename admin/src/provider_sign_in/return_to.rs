//! The page that a browser is sent back to: one that the operator named, and no other.

use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::api::{Code, Problem, Request, Response};

/// A page that may be returned to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ReturnTo(String);

impl ReturnTo {
    /// The page that a client asks for, which must be one of the configuration's, compared as addresses are (WHATWG URL).
    ///
    /// # Errors
    ///
    /// 422 `return_to_not_allowed`.
    pub(super) fn read(request: &Request, text: &str) -> Result<Self, Problem> {
        let pages = &request.context.config.providers.return_to;
        let asked: Option<Url> = text.parse().ok();
        match asked.filter(|url| pages.contains(url)) {
            Some(url) => Ok(Self(url.into())),
            None => Err(Problem::new(Code::ReturnToNotAllowed)
                .detail("The operator lists pages to return to in ADMIN_OAUTH_RETURN_TO.")),
        }
    }

    /// The page for a person whose sign-in is not known, or was to return nowhere: the first of the configuration's. None
    /// for a program, which does not ask for HTML.
    pub(super) fn usual(request: &Request) -> Option<Self> {
        let page = request.context.config.providers.return_to.first()?;
        accepts(&request.headers, "text/html").then(|| Self(page.as_str().to_owned()))
    }

    /// Sends the browser there with the word for what went wrong, and with what it is overcome with, where there is that.
    pub(super) fn tell(&self, problem: &Problem) -> Response {
        let flow = problem.flow_secret().map(|flow| ("flow", flow));
        let parameters: Vec<_> = [("error", problem.code().as_str())].into_iter().chain(flow).collect();
        self.redirect(&parameters).telling(problem.code())
    }

    /// Sends the browser there with these parameters. By GET, whatever it came with.
    pub(super) fn redirect(&self, parameters: &[(&str, &str)]) -> Response {
        let mut url = self.0.clone();
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(parameters);
        url.push('?');
        url.push_str(&query.finish());
        redirect(StatusCode::SEE_OTHER, &url)
    }
}

/// Whether `media_type` is asked for by name. Browsers ask for HTML, programs for JSON or anything.
pub(super) fn accepts(headers: &HeaderMap, media_type: &str) -> bool {
    let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|line| line.to_str().ok());
    let mut types = accepted.flat_map(|line| line.split(',')).filter_map(|part| part.split(';').next());
    types.any(|name| name.trim().eq_ignore_ascii_case(media_type))
}

/// Sends the browser to `url`, which learns nothing of where it comes from.
pub(super) fn redirect(status: StatusCode, url: &str) -> Response {
    let location = HeaderValue::try_from(url).unwrap_or_else(|_| HeaderValue::from_static("/"));
    Response::empty(status)
        .with_header(header::LOCATION, location)
        .with_header(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_that_is_told_by_an_address_is_known_to_the_log() {
        let told =
            ReturnTo("https://cinema.example/".to_owned()).tell(&Problem::new(Code::DependencyUnavailable));
        assert_eq!(told.told(), Some(Code::DependencyUnavailable));
    }

    #[test]
    fn what_is_asked_for_by_name_is_accepted() {
        let wants = |accept: &'static str, media_type| {
            accepts(&HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static(accept))]), media_type)
        };
        let (json, browser) =
            ("application/json", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8");
        assert!(wants(json, json) && wants("text/html;q=0.1, Application/JSON;q=0.9", json));
        assert!(!wants(browser, json) && !wants("*/*", json) && !accepts(&HeaderMap::new(), json));
        assert!(wants(browser, "text/html") && !wants("*/*", "text/html"));
    }
}
