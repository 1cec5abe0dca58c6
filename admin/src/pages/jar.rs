//! The cookies that a response will set, collected while a page works.

use std::sync::{Arc, Mutex, PoisonError};

use http::{HeaderMap, HeaderValue};

use super::site::{PageSite, SentTokens};
use crate::api::{Response, SessionCookies};
use crate::sessions::Pair;

/// Cheap to clone: all clones are the same jar.
#[derive(Clone)]
pub(super) struct Jar {
    pub(super) site: PageSite,
    content: Arc<Mutex<JarContent>>,
}

/// Purposefully without `Debug`: it holds tokens.
struct JarContent {
    /// The session that the browser will have.
    tokens: SentTokens,
    lines: Vec<HeaderValue>,
}

impl Jar {
    /// For the response to a browser that sent these headers to a site.
    pub(super) fn new(site: PageSite, headers: &HeaderMap) -> Self {
        let content = JarContent { tokens: site.tokens(headers), lines: Vec::new() };
        Self { site, content: Arc::new(Mutex::new(content)) }
    }

    pub(super) fn add(&self, lines: impl IntoIterator<Item = HeaderValue>) {
        self.content().lines.extend(lines);
    }

    pub(super) fn add_session(&self, cookies: &SessionCookies) {
        let mut content = self.content();
        let lines = self.site.lines(cookies, &mut content.tokens);
        content.lines.extend(lines);
    }

    /// Signs the browser in with this pair. The console keeps no device: it is known by its network.
    pub(super) fn add_pair(&self, pair: &Pair) {
        self.add_session(&pair.cookies());
        match self.site {
            PageSite::Account => self.add(pair.device_cookie()),
            PageSite::Console => {}
        }
    }

    /// The session that the browser will have.
    pub(super) fn tokens(&self) -> SentTokens {
        self.content().tokens.clone()
    }

    /// `response` with the cookies. A browser keeps the last one of each name.
    pub(super) fn set_on(&self, response: Response) -> Response {
        let lines = std::mem::take(&mut self.content().lines);
        lines.into_iter().fold(response, Response::with_cookie)
    }

    fn content(&self) -> std::sync::MutexGuard<'_, JarContent> {
        // A line is never half added.
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
