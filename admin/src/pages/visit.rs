//! A visit of a page: who sends the request, in which language, and with which form.

use std::sync::Arc;

use http::{HeaderValue, Method, StatusCode, header};
use secrecy::SecretString;
use uuid::Uuid;

use super::alert::PageAlert;
use super::fields::PageFields;
use super::form_token;
use super::jar::Jar;
use super::mark::BrowserMark;
use super::paths;
use super::return_to::{self, NextPage};
use super::texts::Texts;
use super::viewer::{Viewer, find};
use crate::api::{Code, Form, Problem, Request, Response};
use crate::config::Language;
use crate::mail::language_of;
use crate::sessions::Pair;

/// A visit. Cheap to clone.
#[derive(Clone)]
pub struct Visit {
    /// The request, sent for the viewer by the page.
    pub(crate) request: Request,
    /// The form, if one was sent.
    pub(crate) fields: Arc<PageFields>,
    pub(crate) language: Language,
    /// Who is signed in.
    pub(crate) viewer: Option<Viewer>,
    /// Whether the cookies were of a session that has ended.
    has_ended: bool,
    pub(super) jar: Jar,
    mark: BrowserMark,
}

impl Visit {
    pub(super) async fn begin(request: Request) -> Result<Self, Problem> {
        let is_form = !request.method.is_safe();
        let fields =
            if is_form { PageFields::read(&request.headers, &request.body)? } else { PageFields::default() };
        let jar = Jar::default();
        let found = find(&request, &jar).await?;
        let mut visit = Self {
            mark: mark_of(&request, &jar)?,
            language: Language::default(),
            fields: Arc::new(fields),
            request: found.request,
            viewer: found.viewer,
            has_ended: found.has_ended,
            jar,
        };
        visit.language = visit.chosen_language();
        Ok(visit)
    }

    /// By choice, by the locale of the account, and only then by `Accept-Language`.
    fn chosen_language(&self) -> Language {
        let accepted = self.request.client.languages.as_deref();
        let locale = self.viewer.as_ref().and_then(Viewer::locale);
        let usual = self.request.context.config.mail.as_ref().map(|mail| mail.language).unwrap_or_default();
        self.mark.language.or_else(|| language_of(locale, accepted)).unwrap_or(usual)
    }

    /// Whether a form has the token of this browser and of this user; `None` for a visitor without one.
    pub(super) fn has_token_of(&self, user: Option<Uuid>) -> bool {
        let (context, sent) = (&self.request.context, self.fields.text(form_token::FIELD));
        form_token::is_valid(&context.page_keys, &self.mark, user, sent)
    }

    /// The user who is signed in.
    pub(crate) fn user(&self) -> Option<Uuid> {
        self.viewer.as_ref().map(Viewer::user)
    }

    /// All texts in the language of the visit.
    pub(super) fn texts(&self) -> &'static Texts {
        Texts::of(self.language)
    }

    /// The name of the site: the host of its address.
    pub(super) fn host(&self) -> String {
        let own = self.request.context.config.public_url.as_ref();
        own.and_then(|own| own.host_str()).unwrap_or("Usher").to_owned()
    }

    /// The token for the forms of a page.
    pub(super) fn form_token(&self) -> String {
        form_token::of(&self.request.context.page_keys, &self.mark, self.user())
    }

    /// The value of a parameter of the query.
    pub(crate) fn query(&self, name: &str) -> Option<String> {
        self.request.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// What the page before has done, or what went wrong there, as its redirect says: a word of a fixed list.
    pub(super) fn done(&self) -> Option<PageAlert> {
        let texts = self.texts();
        let word = self.query("problem").unwrap_or_default();
        if let Some(code) = Code::ALL.iter().find(|code| code.as_str() == word) {
            return Some(PageAlert { text: texts.codes.problem(*code).to_owned(), is_error: true });
        }
        let done = self.query("done").and_then(|done| texts.done(&done));
        done.map(|text| PageAlert { text: text.to_owned(), is_error: false })
    }

    /// The request of an endpoint of the API with these fields, sent for the viewer.
    pub(crate) fn with(&self, fields: Form) -> Request {
        self.request.of_page(fields, None)
    }

    /// The same with another access token.
    pub(crate) fn with_access(&self, fields: Form, access: SecretString) -> Request {
        self.request.of_page(fields, Some(access))
    }

    /// The signed-in user.
    ///
    /// # Errors
    ///
    /// 401, which leads to the sign-in.
    pub(crate) fn signed_in(&self) -> Result<Viewer, Problem> {
        self.viewer.clone().ok_or_else(|| Problem::new(Code::TokenMissing))
    }

    /// Signs the browser in with this pair.
    pub(super) fn keep(&self, pair: &Pair) {
        self.jar.add_session(&pair.cookies());
        self.jar.add(pair.device_cookie());
    }

    /// Sends the browser to a page of this service, always by a GET.
    pub(crate) fn redirect(&self, path: &str) -> Response {
        let location =
            HeaderValue::try_from(path).unwrap_or_else(|_| HeaderValue::from_static(paths::OVERVIEW));
        Response::empty(StatusCode::SEE_OTHER).with_header(header::LOCATION, location)
    }

    /// The same, and the page says what was done.
    pub(crate) fn redirect_done(&self, path: &str, done: &'static str) -> Response {
        self.redirect(&format!("{path}?done={done}"))
    }

    /// The same, and the page says what went wrong.
    pub(super) fn redirect_problem(&self, path: &str, code: Code) -> Response {
        let joint = if path.contains('?') { '&' } else { '?' };
        self.redirect(&format!("{path}{joint}problem={}", code.as_str())).with_problem(code)
    }

    /// This page, or for a form the one that it is on.
    fn page_to_come_back_to(&self) -> String {
        let Request { method, route, query, headers, context, .. } = &self.request;
        if *method == Method::GET {
            let joint = if query.is_empty() { "" } else { "?" };
            return format!("{route}{joint}{query}");
        }
        let form = headers.get(header::REFERER).and_then(|page| page.to_str().ok());
        NextPage::of(context, form.unwrap_or_default()).as_str().to_owned()
    }

    pub(super) fn ask_to_sign_in(&self) -> Response {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair(return_to::FIELD, &self.page_to_come_back_to());
        if self.has_ended || self.viewer.is_some() {
            query.append_pair("done", "session_ended");
        }
        self.redirect(&format!("{}?{}", paths::SIGN_IN, query.finish()))
    }
}

/// The mark of the browser, with the language that it has just chosen; a new or changed one is set.
fn mark_of(request: &Request, jar: &Jar) -> Result<BrowserMark, Problem> {
    let known = BrowserMark::of(&request.headers);
    let chosen = request.query_pairs().find(|(name, _)| name == "language");
    let chosen = chosen.and_then(|(_, tag)| Language::of_tag(&tag)).filter(|_| request.method.is_safe());
    let mut mark = match &known {
        Some(known) => known.clone(),
        None => BrowserMark::new(&*request.context.random)?,
    };
    mark.language = chosen.or(mark.language);
    if known.as_ref() != Some(&mark) {
        jar.add(mark.line());
    }
    Ok(mark)
}
