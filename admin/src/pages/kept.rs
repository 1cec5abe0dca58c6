//! What was typed into a form when the session had ended. It goes through the sign-in, and is sent after it by another press of a
//! button: nothing acts by itself for a user who has just signed in.
//!
//! Passwords and codes are left out, so that they are not in a page.

use askama::Template;
use http::{HeaderValue, StatusCode};

use super::form_token;
use super::frame::{Frame, respond};
use super::visit::{LANGUAGE, Visit};
use crate::access::caller;
use crate::api::same_origin::is_from_own_page;
use crate::api::{Form, Problem, Response};
use crate::sessions::Pair;

/// The fields of the sign-in that hold it: the path of the form, and its fields.
pub(super) const PATH: &str = "kept_path";
pub(super) const FIELDS: &str = "kept";

/// Fields that are not kept.
const NOT_KEPT: [&str; 11] = [
    form_token::FIELD,
    // By the button of a language the form asks to be shown and not to act; the browser has the language then.
    LANGUAGE,
    "password",
    "current_password",
    "new_password",
    "former_password",
    "proof",
    "code",
    "flow",
    "token",
    "one_time_code",
];

/// A form that waits for the sign-in. Purposefully without `Debug`: it holds what a user typed.
pub(super) struct KeptForm {
    pub(super) path: String,
    /// Its fields, encoded as a form.
    pub(super) fields: String,
}

#[derive(Template)]
#[template(path = "kept.html")]
struct KeptPage {
    frame: Frame,
    path: String,
    form_token: String,
    fields: Vec<(String, String)>,
}

impl KeptForm {
    /// The form of a request without a session; `None` if it is of another site, or nothing was typed.
    pub(super) fn of_request(visit: &Visit) -> Option<Self> {
        let own = visit.site().own_address(&visit.request.context);
        if visit.request.method.is_safe() || !is_from_own_page(&visit.request.headers, own) {
            return None;
        }
        let typed = visit.fields.pairs().filter(|(name, _)| !NOT_KEPT.contains(name));
        let fields = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(typed).finish();
        (!fields.is_empty()).then(|| Self { path: visit.path(), fields })
    }

    /// The form that a sign-in was sent with.
    pub(super) fn sent(visit: &Visit) -> Option<Self> {
        let path = visit.fields.text(PATH);
        // The path of a page of this site, and nothing else.
        let is_own = path.starts_with(visit.site().root()) && HeaderValue::try_from(path).is_ok();
        is_own.then(|| Self { path: path.to_owned(), fields: visit.fields.text(FIELDS).to_owned() })
    }

    /// The page that sends it for the user who has just signed in with `pair`.
    ///
    /// # Errors
    ///
    /// 401; 503.
    pub(super) async fn ask_to_send(&self, visit: &Visit, pair: &Pair) -> Result<Response, Problem> {
        let user = caller(&visit.with_access(Form::default(), pair.access())).await?.user;
        let decoded = url::form_urlencoded::parse(self.fields.as_bytes());
        let fields = decoded.map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
        // The form is of another page, and no page leads back to what it was kept for: the language is chosen after it.
        let frame = Frame { languages: Vec::new(), ..Frame::of(visit, visit.texts().kept_title) };
        let template =
            KeptPage { frame, path: self.path.clone(), form_token: visit.form_token_of(Some(user)), fields };
        Ok(respond(StatusCode::OK, &template))
    }
}
