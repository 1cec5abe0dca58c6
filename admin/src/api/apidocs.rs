//! The page that shows the OpenAPI document: Swagger UI, whose files are in the binary.
//!
//! It loads nothing from other hosts and sends nothing to them; its content security policy enforces that.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use utoipa_swagger_ui::Config;

use super::{Code, Problem, Request, Response};

/// The path of the page.
const PAGE: HeaderValue = HeaderValue::from_static("/apidocs/");

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

/// `GET /apidocs`: redirects to the page, whose files have relative URLs.
///
/// # Errors
///
/// None.
pub async fn redirect(_: Request) -> Result<Response, Problem> {
    Ok(Response::empty(StatusCode::PERMANENT_REDIRECT).with_header(header::LOCATION, PAGE))
}

/// `GET /apidocs/`: the page.
///
/// # Errors
///
/// None: the page is in the binary.
pub async fn index(_: Request) -> Result<Response, Problem> {
    serve("index.html")
}

/// `GET /apidocs/{file}`: the files of the page.
///
/// # Errors
///
/// 404 for another file.
pub async fn file(request: Request) -> Result<Response, Problem> {
    serve(request.params.get("file").unwrap_or_default())
}

fn serve(name: &str) -> Result<Response, Problem> {
    let not_found = || Problem::new(Code::NotFound);
    let (name, content_type) = FILES.into_iter().find(|(known, _)| *known == name).ok_or_else(not_found)?;
    let found = utoipa_swagger_ui::serve(name, Arc::new(config())).map_err(|error| {
        tracing::error!(%error, "Cannot create the API documentation page.");
        Problem::new(Code::Internal)
    })?;
    let body = Bytes::from(found.ok_or_else(not_found)?.bytes.into_owned());
    Ok(Response::new(StatusCode::OK, content_type, body)
        .with_header(header::CONTENT_SECURITY_POLICY, POLICY)
        .with_header(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"))
        .with_header(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")))
}

/// Sends the document to no validator, and forgets the token when the page is closed.
fn config() -> Config<'static> {
    Config::from("/openapi.json")
        .validator_url("none")
        .persist_authorization(false)
        .use_base_layout()
        .display_request_duration(true)
        .show_extensions(true)
        .show_common_extensions(true)
}
