//! The page that shows the OpenAPI document: Swagger UI, whose files are in the binary.
//!
//! It loads nothing from other hosts and sends nothing to them; its content security policy enforces that.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use utoipa_swagger_ui::Config;

use crate::api::{Code, Problem, Response};

/// Its own files, requests to its own origin, and the icons that its style sheet holds as `data:`.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

/// The files of the page and their types. Swagger UI has more files, which this page does not use.
const FILES: [(&str, &str); 8] = [
    ("index.html", "text/html; charset=utf-8"),
    ("index.css", "text/css; charset=utf-8"),
    ("swagger-ui.css", "text/css; charset=utf-8"),
    ("swagger-initializer.js", "text/javascript; charset=utf-8"),
    ("swagger-ui-bundle.js", "text/javascript; charset=utf-8"),
    ("swagger-ui-standalone-preset.js", "text/javascript; charset=utf-8"),
    ("favicon-16x16.png", "image/png"),
    ("favicon-32x32.png", "image/png"),
];

/// Redirects to the page, which is at the path `page`; its files have relative URLs.
pub(super) fn redirect(page: &'static str) -> Response {
    Response::empty(StatusCode::PERMANENT_REDIRECT)
        .with_header(header::LOCATION, HeaderValue::from_static(page))
}

/// A file of the page, which shows the document at the path `document`.
///
/// # Errors
///
/// 404 for an unknown name.
pub(super) fn file(name: &str, document: &'static str) -> Result<Response, Problem> {
    let not_found = || Problem::new(Code::NotFound);
    let (name, content_type) = FILES.into_iter().find(|(known, _)| *known == name).ok_or_else(not_found)?;
    let found = utoipa_swagger_ui::serve(name, Arc::new(config(document))).map_err(|error| {
        tracing::error!(%error, "Cannot create the API documentation page.");
        Problem::new(Code::Internal)
    })?;
    let body = Bytes::from(found.ok_or_else(not_found)?.bytes.into_owned());
    Ok(Response::new(StatusCode::OK, content_type, body)
        .with_header(header::CONTENT_SECURITY_POLICY, POLICY)
        .with_header(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")))
}

/// Sends the document to no validator, and forgets the token when the page is closed.
fn config(document: &'static str) -> Config<'static> {
    Config::from(document)
        .validator_url("none")
        .persist_authorization(false)
        .use_base_layout()
        .display_request_duration(true)
        .show_extensions(true)
        .show_common_extensions(true)
}
