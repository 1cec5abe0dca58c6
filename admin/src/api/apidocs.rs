//! The page that shows the document of the API: Swagger UI, whose files are in the binary.
//!
//! It loads nothing from elsewhere and sends nothing elsewhere; its policy (CSP) holds it to that.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use utoipa_swagger_ui::Config;

use super::{Code, Problem, Request, Response};

/// Where the page is.
const PAGE: HeaderValue = HeaderValue::from_static("/apidocs/");

/// Its own files, calls to where it came from, and the icons that its style sheet holds as `data:`.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

/// What the page is made of, and its type. Swagger UI has more files, which nothing here asks for.
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

/// `GET /apidocs`: where the page is, whose files lie beside it.
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
/// None, as long as the page is in the binary.
pub async fn index(_: Request) -> Result<Response, Problem> {
    serve("index.html")
}

/// `GET /apidocs/{file}`: what the page is made of.
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
        tracing::error!(%error, "The page of the API could not be made.");
        Problem::new(Code::Internal)
    })?;
    let body = Bytes::from(found.ok_or_else(not_found)?.bytes.into_owned());
    Ok(Response::new(StatusCode::OK, content_type, body)
        .with_header(header::CONTENT_SECURITY_POLICY, POLICY)
        .with_header(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"))
        .with_header(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")))
}

/// Asks nobody whether the document is valid, and forgets a token with the page.
fn config() -> Config<'static> {
    Config::from("/openapi.json")
        .validator_url("none")
        .persist_authorization(false)
        .use_base_layout()
        .display_request_duration(true)
        .show_extensions(true)
        .show_common_extensions(true)
}
