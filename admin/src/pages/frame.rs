//! What all pages have around their content, and how a template becomes a response.

use askama::Template;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode, header};

use super::alert::PageAlert;
use super::assets::{self, AssetNames};
use super::paths;
use super::site::PageSite;
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
    pub(super) site: PageSite,
    /// How the user is addressed, if one is signed in.
    pub(super) viewer: Option<String>,
    /// The pages of the menu; empty for a visitor.
    pub(super) menu: Vec<MenuEntry>,
    pub(super) form_token: String,
    /// What has been done, or has gone wrong.
    pub(super) alert: Option<PageAlert>,
    pub(super) assets: &'static AssetNames,
}

/// A page of the menu.
pub(super) struct MenuEntry {
    pub(super) path: &'static str,
    pub(super) text: &'static str,
    /// Whether it is the page that is shown.
    pub(super) is_current: bool,
    /// The permission that the user needs for it and lacks.
    pub(super) lacks: Option<&'static str>,
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
            site: visit.site(),
            viewer: visit.viewer.as_ref().map(|viewer| viewer.shown().to_owned()),
            menu: account_menu(visit),
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
                let kept = is_passing.then_some(self.t.typed_kept);
                self.alerting(problem, kept)
            }
            None => self,
        }
    }

    /// The same with a problem on a page without a form.
    pub(super) fn with_failure(self, problem: &Problem) -> Self {
        self.alerting(problem, None)
    }

    /// Operators get the sentence about this occurrence too, which is in English.
    fn alerting(self, problem: &Problem, more: Option<&str>) -> Self {
        let detail = problem.about_this().filter(|_| self.site.is_console());
        let sentence = self.t.sentence(problem);
        let parts = [Some(sentence.as_str()), detail, more];
        let text = parts.into_iter().flatten().collect::<Vec<_>>().join(" ");
        Self { alert: Some(PageAlert { text, is_error: true }), ..self }
    }

    /// The same with a hint above the content, unless a problem is there.
    pub(super) fn hinting(mut self, hint: Option<PageAlert>) -> Self {
        self.alert = self.alert.or(hint);
        self
    }

    /// The name of the menu.
    pub(super) fn menu_title(&self) -> &'static str {
        match self.site {
            PageSite::Account => self.t.menu,
            PageSite::Console => self.t.console.menu,
        }
    }
}

/// The pages of an account.
fn account_menu(visit: &Visit) -> Vec<MenuEntry> {
    if visit.site() != PageSite::Account || visit.viewer.is_none() {
        return Vec::new();
    }
    let t = visit.texts();
    let pages = [
        (paths::OVERVIEW, t.menu_overview),
        ("/account/profile", t.menu_profile),
        ("/account/security", t.menu_security),
        ("/account/sessions", t.menu_sessions),
        ("/account/history", t.menu_history),
        ("/account/data", t.menu_data),
    ];
    let entry = |(path, text)| MenuEntry { path, text, is_current: visit.request.route == path, lacks: None };
    pages.map(entry).into()
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
