//! A visit of a page: who sends the request, in which language, and with which form.

use std::sync::{Arc, OnceLock};

use http::{HeaderValue, StatusCode, header};
use secrecy::SecretString;
use uuid::Uuid;

use super::alert::PageAlert;
use super::fields::PageFields;
use super::form_token;
use super::jar::Jar;
use super::mark::{BrowserMark, PageNews};
use super::return_to::{self, NextPage};
use super::site::PageSite;
use super::texts::Texts;
use super::viewer::{Viewer, find};
use crate::actor::Caller;
use crate::api::same_origin::is_from_own_page;
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
    /// Whether a form was sent that must not act, and is shown again.
    is_outdated: bool,
    pub(super) jar: Jar,
    /// Whose request it is, for what is audited of it.
    audited: Arc<OnceLock<Caller>>,
    mark: BrowserMark,
}

/// The field by which every form can ask to be shown in another language, and the parameter of a link.
pub(super) const LANGUAGE: &str = "language";

impl Visit {
    /// A request to a page of `site`.
    pub(super) async fn begin(site: PageSite, request: Request) -> Result<Self, Problem> {
        let is_form = !request.method.is_safe();
        let fields =
            if is_form { PageFields::read(&request.headers, &request.body)? } else { PageFields::default() };
        let jar = Jar::new(site, &request.headers);
        let found = find(&request, &jar).await?;
        if let Some(viewer) = &found.viewer {
            // For what is audited of this request.
            let _known_already = request.caller.set(viewer.caller);
        }
        let mut visit = Self {
            mark: mark_of(&request, &fields, &jar)?,
            is_outdated: false,
            language: Language::default(),
            fields: Arc::new(fields),
            request: found.request,
            viewer: found.viewer,
            has_ended: found.has_ended,
            audited: Arc::clone(&request.caller),
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

    /// The site of the page.
    pub(super) fn site(&self) -> PageSite {
        self.jar.site
    }

    /// The path of this very page.
    pub(crate) fn path(&self) -> String {
        let part = |part: &'static str| {
            let name = part.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
            name.map_or(part, |name| self.request.params.get(name).unwrap_or_default()).to_owned()
        };
        self.request.route.split('/').map(part).collect::<Vec<_>>().join("/")
    }

    /// Notes who has just signed in, for what is audited of this request.
    pub(super) fn note_caller(&self, caller: Caller) {
        let _known_already = self.audited.set(caller);
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
        let own = self.site().own_address(&self.request.context);
        own.and_then(|own| own.host_str()).unwrap_or("Usher").to_owned()
    }

    /// The token for the forms of a page.
    pub(super) fn form_token(&self) -> String {
        self.form_token_of(self.user())
    }

    /// The same for a user.
    pub(super) fn form_token_of(&self, user: Option<Uuid>) -> String {
        form_token::of(&self.request.context.page_keys, &self.mark, user)
    }

    /// Whether a form was sent.
    pub(super) fn is_form(&self) -> bool {
        !self.request.method.is_safe()
    }

    /// Whether the form that was sent asks for another language, and for nothing else.
    pub(super) fn asks_for_language(&self) -> bool {
        Language::of_tag(self.fields.text(LANGUAGE)).is_some()
    }

    /// Whether the request comes from a page of this service.
    pub(super) fn is_from_own_page(&self) -> bool {
        is_from_own_page(&self.request.headers, self.site().own_address(&self.request.context))
    }

    /// The same visit, whose form is shown again because it is out of date.
    pub(super) fn outdated(self) -> Self {
        Self { is_outdated: true, ..self }
    }

    /// What the page was asked for by this name: by a field of its form, or by its address.
    pub(crate) fn asked(&self, name: &str) -> String {
        if self.is_form() { self.fields.text(name).to_owned() } else { self.query(name).unwrap_or_default() }
    }

    /// The page that the user wants to go to.
    pub(super) fn next_page(&self) -> NextPage {
        self.next_page_of(&self.asked(return_to::FIELD))
    }

    /// The page at this address, or else the first one of the site.
    pub(super) fn next_page_of(&self, asked: &str) -> NextPage {
        NextPage::of(self.site(), &self.request.context, asked)
    }

    /// The value of a parameter of the query.
    pub(crate) fn query(&self, name: &str) -> Option<String> {
        self.request.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// What the page has to say above its content: that its form is out of date, or what the page before has done. The browser
    /// forgets that then.
    pub(super) fn news(&self) -> Option<PageAlert> {
        let texts = self.texts();
        if self.is_outdated {
            return Some(PageAlert { text: texts.form_outdated.to_owned(), is_error: true });
        }
        let news = self.mark.news.as_ref()?;
        self.jar.add(self.mark.with_news(None).line(self.site()));
        let text = match news.is_problem {
            true => texts.codes.problem(*Code::ALL.iter().find(|code| code.as_str() == news.word)?),
            false => texts.done(&news.word)?,
        };
        Some(PageAlert { text: text.to_owned(), is_error: news.is_problem })
    }

    /// Lets the next page say this.
    fn tell(&self, news: PageNews) {
        self.jar.add(self.mark.with_news(Some(news)).line(self.site()));
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
        self.jar.add_pair(pair);
    }

    /// Sends the browser to a page of this service, always by a GET.
    pub(crate) fn redirect(&self, path: &str) -> Response {
        let location =
            HeaderValue::try_from(path).unwrap_or_else(|_| HeaderValue::from_static(self.site().root()));
        Response::empty(StatusCode::SEE_OTHER).with_header(header::LOCATION, location)
    }

    /// The same, and the page says what was done.
    pub(crate) fn redirect_done(&self, path: &str, done: &'static str) -> Response {
        self.tell(PageNews::done(done));
        self.redirect(path)
    }

    /// The same, and the page says what went wrong.
    pub(super) fn redirect_problem(&self, path: &str, code: Code) -> Response {
        self.tell(PageNews::problem(code));
        self.redirect(path).with_problem(code)
    }

    /// Where a form for the language alone leads back to: this page. Every path of a form has a page, too.
    pub(super) fn address(&self) -> String {
        match (self.is_form(), self.request.query.as_str()) {
            (true, _) | (false, "") => self.path(),
            (false, query) => format!("{}?{query}", self.path()),
        }
    }

    /// This page, or for a form the one that it is on.
    pub(super) fn page_to_come_back_to(&self) -> NextPage {
        if !self.is_form() {
            return self.next_page_of(&self.address());
        }
        let form = self.request.headers.get(header::REFERER).and_then(|page| page.to_str().ok());
        self.next_page_of(form.unwrap_or_default())
    }

    pub(super) fn ask_to_sign_in(&self) -> Response {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair(return_to::FIELD, self.page_to_come_back_to().as_str());
        let path = format!("{}?{}", self.site().sign_in(), query.finish());
        match self.has_ended || self.viewer.is_some() {
            true => self.redirect_done(&path, "session_ended"),
            false => self.redirect(&path),
        }
    }
}

/// The mark of the browser, with the language that it has just chosen; a new or changed one is set. Not for a form of another
/// site, with which browsers send no cookies: it must not replace the mark that the browser has.
fn mark_of(request: &Request, fields: &PageFields, jar: &Jar) -> Result<BrowserMark, Problem> {
    let known = BrowserMark::of(jar.site, &request.headers);
    let is_read = request.method.is_safe();
    let linked = request.query_pairs().find(|(name, _)| name == LANGUAGE).map(|(_, tag)| tag);
    let chosen = if is_read { linked } else { Some(fields.text(LANGUAGE).to_owned()) };
    let mut mark = match &known {
        Some(known) => known.clone(),
        None => BrowserMark::new(&*request.context.random)?,
    };
    mark.language = chosen.and_then(|tag| Language::of_tag(&tag)).or(mark.language);
    let own = jar.site.own_address(&request.context);
    if known.as_ref() != Some(&mark) && (is_read || is_from_own_page(&request.headers, own)) {
        jar.add(mark.line(jar.site));
    }
    Ok(mark)
}
