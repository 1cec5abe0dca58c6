//! The page to which a browser returns: one of the operator's list, and no other.

use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::api::{Code, Problem, Response};
use crate::context::Context;

/// A page of the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ReturnTo(String);

impl ReturnTo {
    /// The page that a client names, which must be on the list, compared as URLs are (WHATWG URL).
    ///
    /// # Errors
    ///
    /// 422 `return_to_not_allowed`.
    pub(super) fn parse(context: &Context, text: &str) -> Result<Self, Problem> {
        let pages = &context.config.providers.return_to;
        let page: Option<Url> = text.parse().ok();
        match page.filter(|url| pages.contains(url)) {
            Some(url) => Ok(Self(url.into())),
            None => Err(Problem::new(Code::ReturnToNotAllowed)
                .detail("Must be one of the pages of ADMIN_OAUTH_RETURN_TO.")),
        }
    }

    /// The page for a person whose flow is unknown, or names no page: the first of the list. `None` for a program,
    /// which does not accept HTML.
    pub(super) fn default_for(context: &Context, headers: &HeaderMap) -> Option<Self> {
        let page = context.config.providers.return_to.first()?;
        accepts(headers, "text/html").then(|| Self(page.as_str().to_owned()))
    }

    /// Redirects the browser to the page with the code of `problem`, and with its `flow` where it has one.
    pub(super) fn with_error(&self, problem: &Problem) -> Response {
        let flow = problem.flow_secret().map(|flow| ("flow", flow));
        let parameters: Vec<_> = [("error", problem.code().as_str())].into_iter().chain(flow).collect();
        self.with(&parameters).telling(problem.code())
    }

    /// Redirects the browser to the page with these parameters, always to a GET.
    pub(super) fn with(&self, parameters: &[(&str, &str)]) -> Response {
        let mut url = self.0.clone();
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(parameters);
        url.push('?');
        url.push_str(&query.finish());
        redirect(StatusCode::SEE_OTHER, &url)
    }
}

/// Whether the client names `media_type` in `Accept`. Browsers name HTML; programs JSON, or only `*/*`.
pub(super) fn accepts(headers: &HeaderMap, media_type: &str) -> bool {
    let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|line| line.to_str().ok());
    let mut types = accepted.flat_map(|line| line.split(',')).filter_map(|part| part.split(';').next());
    types.any(|name| name.trim().eq_ignore_ascii_case(media_type))
}

/// Redirects the browser to `url`, without a `Referer`.
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
    fn a_problem_in_a_redirect_is_known_to_the_log() {
        let told = ReturnTo("https://cinema.example/".to_owned())
            .with_error(&Problem::new(Code::DependencyUnavailable));
        assert_eq!(told.told(), Some(Code::DependencyUnavailable));
    }

    #[test]
    fn a_media_type_is_accepted_by_name_only() {
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
