//! The cookies that a response will set, collected while a page works.

use std::sync::{Arc, Mutex, PoisonError};

use http::HeaderValue;

use crate::api::{Response, SessionCookies};

/// Cheap to clone: all clones are the same jar.
#[derive(Debug, Clone, Default)]
pub(super) struct Jar(Arc<Mutex<Vec<HeaderValue>>>);

impl Jar {
    pub(super) fn add(&self, lines: impl IntoIterator<Item = HeaderValue>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(lines);
    }

    pub(super) fn add_session(&self, cookies: &SessionCookies) {
        self.add(cookies.lines());
    }

    /// `response` with the cookies. A browser keeps the last one of each name.
    pub(super) fn set_on(&self, response: Response) -> Response {
        let lines = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        lines.into_iter().fold(response, Response::with_cookie)
    }
}
