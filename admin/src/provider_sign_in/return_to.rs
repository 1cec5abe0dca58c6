//! The return page of a browser: one that `ADMIN_OAUTH_RETURN_TO` lists, and no other.

use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::api::text::text_type;
use crate::api::{Code, Findings, Form, Problem, Response, accepts};
use crate::context::Context;

/// The longest page with its query, in bytes. A flow stores it.
pub(crate) const MAX_LENGTH: usize = 512;

/// The parameters that are added to the query of a page, which the page must not have before.
const ADDED: [&str; 5] = ["one_time_code", "linked", "error", "flow", "proven"];

/// A page of the list, perhaps with a query of the client's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ReturnTo(String);

text_type!(
    /// The address of a page, as a member of a form.
    pub(super) PageAddress, address
);

fn address(text: &str) -> Result<String, &'static str> {
    match (1..=MAX_LENGTH).contains(&text.chars().count()) {
        true => Ok(text.to_owned()),
        false => Err("Must have 1 to 512 characters."),
    }
}

impl ReturnTo {
    /// The page of the member `return_to`, judged even if other members are invalid, so that all errors are reported in one
    /// round. One that is no [`PageAddress`] is reported by the form.
    ///
    /// # Errors
    ///
    /// As [`Self::parse`].
    pub(super) fn of_form(context: &Context, form: &Form) -> Result<Option<Self>, Findings> {
        let page = form.text("return_to").filter(|page| address(page).is_ok());
        page.map(|page| Self::parse(context, page)).transpose()
    }

    /// The page that a client names, which must be on the list, compared as URLs are (WHATWG URL). Its query is the
    /// client's, for the page, but cannot contain what is added at the end.
    ///
    /// # Errors
    ///
    /// 422 `return_to_not_allowed`, if nothing else is invalid.
    pub(super) fn parse(context: &Context, text: &str) -> Result<Self, Findings> {
        let refuse = |why: String| {
            let mut found = Findings::default();
            found.add_to(Code::ReturnToNotAllowed, "return_to", Code::ReturnToNotAllowed.as_str(), why);
            Err(found)
        };
        let url: Option<Url> = text.parse().ok();
        let is_listed = |url: &Url| {
            let page = without_query(url);
            context.config.providers.return_to.contains(&page) || context.return_page.as_ref() == Some(&page)
        };
        match url.filter(is_listed) {
            None => refuse("Must be one of the pages of ADMIN_OAUTH_RETURN_TO.".to_owned()),
            Some(url) if url.as_str().len() > MAX_LENGTH => refuse(format!(
                "Must be at most {MAX_LENGTH} bytes, counted as a browser sends it: percent-encoded."
            )),
            Some(url) if url.query_pairs().any(|(name, _)| ADDED.contains(&&*name)) => {
                refuse(format!("The query of the URL must not contain {}.", ADDED.join(", ")))
            }
            Some(url) => Ok(Self(url.into())),
        }
    }

    /// The page for a person whose flow is unknown, or does not name a page: the first of the list, or else that of this service. `None` for a program,
    /// which does not accept HTML.
    pub(super) fn default_for(context: &Context, headers: &HeaderMap) -> Option<Self> {
        let page = context.config.providers.return_to.first().or(context.return_page.as_ref())?;
        accepts(headers, "text/html").then(|| Self(page.as_str().to_owned()))
    }

    /// Redirects the browser to the page with the code of `problem`, and with its `flow` where it has one.
    pub(super) fn with_error(&self, problem: &Problem) -> Response {
        // That of an erasure is bound to no browser, so it must not be in an address.
        let is_bound = problem.code() != Code::ErasurePending;
        let flow = problem.flow_secret().filter(|_| is_bound).map(|flow| ("flow", flow));
        let parameters: Vec<_> = [("error", problem.code().as_str())].into_iter().chain(flow).collect();
        self.with(&parameters).with_problem(problem.code())
    }

    /// Redirects the browser to the page with these parameters, always to a GET.
    pub(super) fn with(&self, parameters: &[(&str, &str)]) -> Response {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(parameters);
        let joint = match self.0.split_once('?') {
            None => "?",
            Some((_, "")) => "",
            Some(_) => "&",
        };
        redirect(StatusCode::SEE_OTHER, &format!("{}{joint}{}", self.0, query.finish()))
    }
}

/// Whether a page of the service may send its visitor to `url`: it is a page of `ADMIN_OAUTH_RETURN_TO`, with any query.
pub(crate) fn may_return_to(context: &Context, url: &Url) -> bool {
    context.config.providers.return_to.contains(&without_query(url))
}

fn without_query(url: &Url) -> Url {
    let mut page = url.clone();
    page.set_query(None);
    page
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
        let response = ReturnTo("https://cinema.example/".to_owned())
            .with_error(&Problem::new(Code::DependencyUnavailable));
        assert_eq!(response.problem(), Some(Code::DependencyUnavailable));
    }

    #[test]
    fn the_flow_of_an_erasure_is_in_no_address() {
        let page = ReturnTo("https://cinema.example/".to_owned());
        let location = |code| {
            let problem = Problem::new(code).flow("secret", Vec::new());
            page.with_error(&problem).headers()[header::LOCATION].to_str().unwrap().to_owned()
        };
        assert!(location(Code::EmailProofOffered).ends_with("?error=email_proof_offered&flow=secret"));
        assert!(location(Code::ErasurePending).ends_with("?error=erasure_pending"));
    }

    #[test]
    fn parameters_are_added_to_the_query_of_the_page() {
        for (page, expected) in [
            ("https://cinema.example/", "https://cinema.example/?error=a+b"),
            ("https://cinema.example/?", "https://cinema.example/?error=a+b"),
            ("https://cinema.example/?film=7", "https://cinema.example/?film=7&error=a+b"),
        ] {
            let response = ReturnTo(page.to_owned()).with(&[("error", "a b")]);
            assert_eq!(response.headers()[header::LOCATION], expected);
        }
    }
}
