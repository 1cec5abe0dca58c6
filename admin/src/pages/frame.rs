//! What all pages have around their content, and how a template becomes a response.

use askama::Template;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode, header};

use super::alert::PageAlert;
use super::assets::{self, AssetNames};
use super::paths;
use super::texts::Texts;
use super::visit::Visit;
use crate::api::{Code, Problem, Response};
use crate::config::Language;

/// Only files of this service, only forms to it, no script and no style in the page itself, and no frame of another site.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; \
     frame-ancestors 'none'",
);

/// The surroundings of a page.
pub(crate) struct Frame {
    pub(super) t: &'static Texts,
    pub(super) title: &'static str,
    /// The tag of its language.
    pub(super) language: &'static str,
    /// The other languages.
    pub(super) languages: Vec<LanguageChoice>,
    /// The address of this page.
    pub(super) address: String,
    /// The name of the site.
    pub(super) host: String,
    /// How the viewer is addressed, if one is signed in.
    pub(super) viewer: Option<String>,
    pub(super) path: &'static str,
    pub(super) form_token: String,
    /// What has been done, or has gone wrong.
    pub(super) alert: Option<PageAlert>,
    pub(super) assets: &'static AssetNames,
}

/// Another language: its tag, and its name for itself.
pub(super) struct LanguageChoice {
    pub(super) tag: &'static str,
    pub(super) name: &'static str,
}

impl Frame {
    /// The surroundings of a page with this title.
    pub(super) fn of(visit: &Visit, title: &'static str) -> Self {
        let language = visit.language;
        Self {
            t: visit.texts(),
            title,
            language: language.tag(),
            languages: Language::ALL
                .iter()
                .filter(|other| **other != language)
                .map(|other| LanguageChoice { tag: other.tag(), name: Texts::of(*other).language_name })
                .collect(),
            address: visit.address(),
            host: visit.host(),
            viewer: visit.viewer.as_ref().map(|viewer| viewer.shown().to_owned()),
            path: visit.request.route,
            form_token: visit.form_token(),
            alert: visit.news(),
            assets: assets::names(),
        }
    }

    /// The same with a problem above the form, which still has what was typed.
    pub(super) fn with_problem(self, problem: Option<&Problem>) -> Self {
        match problem {
            Some(problem) => {
                let is_passing = matches!(problem.code(), Code::Overloaded | Code::DependencyUnavailable);
                let kept = if is_passing { self.t.typed_kept } else { "" };
                let text = format!("{} {kept}", self.t.sentence(problem)).trim_end().to_owned();
                Self { alert: Some(PageAlert { text, is_error: true }), ..self }
            }
            None => self,
        }
    }

    /// The same with a problem on a page without a form.
    pub(super) fn with_failure(self, problem: &Problem) -> Self {
        Self { alert: Some(PageAlert { text: self.t.sentence(problem), is_error: true }), ..self }
    }

    /// The same with a hint above the content, unless a problem is there.
    pub(super) fn hinting(mut self, hint: Option<PageAlert>) -> Self {
        self.alert = self.alert.or(hint);
        self
    }

    /// The pages of the menu.
    pub(super) fn menu(&self) -> [(&'static str, &'static str); 6] {
        let t = self.t;
        [
            (paths::OVERVIEW, t.menu_overview),
            ("/account/profile", t.menu_profile),
            ("/account/security", t.menu_security),
            ("/account/sessions", t.menu_sessions),
            ("/account/history", t.menu_history),
            ("/account/data", t.menu_data),
        ]
    }

    /// Whether the page at `path` is this one: for the navigation.
    pub(super) fn is_at(&self, path: &str) -> bool {
        self.path == path
    }
}

/// A page as a response.
pub(super) fn respond(status: StatusCode, template: &impl Template) -> Response {
    let html = match template.render() {
        Ok(html) => html,
        Err(error) => {
            tracing::error!(%error, "Cannot render a page.");
            return Response::empty(StatusCode::INTERNAL_SERVER_ERROR);
        }
    };
    let headers = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        // Not `no-referrer`: with it browsers send forms with `Origin: null`.
        (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
        (HeaderName::from_static("x-robots-tag"), HeaderValue::from_static("noindex")),
        // A page opened by another site's script is no handle on this one.
        (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::VARY, HeaderValue::from_static("Cookie, Accept-Language")),
    ];
    let response = Response::new(status, "text/html; charset=utf-8", Bytes::from(html));
    headers.into_iter().fold(response, |response, (name, value)| response.with_header(name, value))
}
