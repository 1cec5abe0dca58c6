//! The frame of every page that a link in a mail opens, and the field of its token.
//!
//! The token is in the fragment of the link, which browsers send to no server: no log of a proxy, of nginx or of this
//! service can have it, and neither can `Referer`. A small script moves it into the form and out of the address bar.
//! Without scripts the page has a field into which the user pastes it.

use std::sync::OnceLock;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode, header};

use crate::api::Response;

/// The only script of a page.
pub(super) const SCRIPT: &str = "const token=location.hash.slice(1);if(token){document.getElementById('token').value=token;\
    document.getElementById('by-hand').hidden=true;history.replaceState(null,'',location.pathname)}";

/// The only style of a page.
pub(super) const STYLE: &str = "body{font:1rem/1.5 sans-serif;margin:3rem auto;max-width:24rem;padding:0 1rem}\
    label,input,select,button{display:block;width:100%;box-sizing:border-box;font:inherit;margin:.3rem 0}";

/// Whether a text has the form of a token. That of a registration is long, because it is sealed.
pub(crate) fn is_token(text: &str) -> bool {
    (40..=1200).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

/// The field of the token, with the token if the client has sent one of the right form: its link is no longer in the
/// address bar then.
pub(crate) fn token_field(label: &'static str, sent: &str) -> String {
    format!(
        "<div id=\"by-hand\"><label for=\"token\">{label}</label>\n\
         <input id=\"token\" name=\"token\" value=\"{sent}\" required autocomplete=\"off\" pattern=\"[A-Za-z0-9_\\-]{{40,1200}}\"></div>\n"
    )
}

/// A page in a language, with this title. It contains no text of a client but a token, whose characters need
/// not be escaped.
pub(crate) fn page(
    status: StatusCode,
    (tag, title): (&'static str, &'static str),
    message: Option<&'static str>,
    form: Option<&str>,
) -> Response {
    let message =
        message.map(|message| format!("<p role=\"status\"><b>{message}</b></p>\n")).unwrap_or_default();
    let form = form.map(|form| format!("{form}<script>{SCRIPT}</script>\n")).unwrap_or_default();
    let html = format!(
        "<!doctype html>\n<html lang=\"{tag}\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n<style>{STYLE}</style>\n\
         <h1>{title}</h1>\n{message}{form}</html>\n"
    );
    let headers = [
        (header::CONTENT_SECURITY_POLICY, policy()),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (HeaderName::from_static("x-robots-tag"), HeaderValue::from_static("noindex")),
    ];
    let response = Response::new(status, "text/html; charset=utf-8", Bytes::from(html));
    headers.into_iter().fold(response, |response, (name, value)| response.with_header(name, value))
}

/// Only this script and this style, only forms to this service, and no frame of another site.
fn policy() -> HeaderValue {
    static POLICY: OnceLock<HeaderValue> = OnceLock::new();
    let made = POLICY.get_or_init(|| {
        let hash = |text: &str| STANDARD.encode(digest::digest(&digest::SHA256, text.as_bytes()));
        let policy = format!(
            "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; form-action 'self'; \
             frame-ancestors 'none'; base-uri 'none'",
            hash(SCRIPT),
            hash(STYLE)
        );
        HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'none'"))
    });
    made.clone()
}
