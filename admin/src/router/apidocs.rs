//! The page that shows the OpenAPI document: Swagger UI, whose files are in the binary.
//!
//! It loads nothing from other hosts and sends nothing to them; its content security policy enforces that.
//! The names of its files contain a hash of their content, so that browsers keep them permanently.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use utoipa_swagger_ui::Config;

use crate::api::{Asset, Caching, Code, Problem, Request, Response};

/// Its own files, requests to its own origin, and the icons that its style sheet holds as `data:`.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

const STYLE: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const ICON: &str = "image/png";

/// The files of Swagger UI that the page uses, by the placeholder in the page, and their types.
const FILES: [(&str, &str); 4] = [
    ("swagger-ui.css", STYLE),
    ("swagger-ui-bundle.js", SCRIPT),
    ("favicon-16x16.png", ICON),
    ("favicon-32x32.png", ICON),
];

/// The page itself, and what it does, with placeholders such as `{{swagger-ui.css}}` for names and `{{document}}` for the
/// path of the document.
const PAGE: &str = include_str!("apidocs/index.html");
const PAGE_STYLE: &str = include_str!("apidocs/page.css");
const PAGE_SCRIPT: &str = include_str!("apidocs/page.js");

/// The page and its files, by name. Cheap to clone.
#[derive(Clone)]
pub(super) struct ApiDocs(Arc<[(String, Asset)]>);

impl ApiDocs {
    /// The page that shows the document at the path `document`. A file that is missing is left out and logged.
    pub(super) fn new(document: &'static str) -> Self {
        let mut files: Vec<(String, Asset)> = Vec::new();
        let mut page = PAGE.to_owned();
        let mut add = |name: &str, content_type, bytes: Bytes| {
            let asset = Asset::new(content_type, bytes, Caching::Forever);
            let hashed = hashed(name, asset.hash());
            page = page.replace(&format!("{{{{{name}}}}}"), &hashed);
            files.push((hashed, asset));
        };
        for (name, content_type) in FILES {
            match utoipa_swagger_ui::serve(name, Arc::new(Config::from(document))) {
                Ok(Some(file)) => add(name, content_type, file.bytes.into_owned().into()),
                Ok(None) | Err(_) => {
                    tracing::error!(name, "A file of the API documentation page is missing.");
                }
            }
        }
        add("page.css", STYLE, Bytes::from_static(PAGE_STYLE.as_bytes()));
        add("page.js", SCRIPT, PAGE_SCRIPT.replace("{{document}}", document).into());
        let page = Asset::new("text/html; charset=utf-8", page.into(), Caching::Revalidated);
        files.push(("index.html".to_owned(), page.clone()));
        files.push((String::new(), page));
        Self(files.into())
    }

    /// A file of the page.
    ///
    /// # Errors
    ///
    /// 404 for an unknown name.
    pub(super) fn file(&self, request: &Request) -> Result<Response, Problem> {
        let name = request.params.get("file").unwrap_or_default();
        let found = self.0.iter().find(|(known, _)| known == name);
        let (_, asset) = found.ok_or_else(|| Problem::new(Code::NotFound))?;
        Ok(asset
            .respond(&request.headers)
            .with_header(header::CONTENT_SECURITY_POLICY, POLICY)
            .with_header(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")))
    }
}

/// Redirects to the page, which is at the path `page`; its files have relative URLs.
pub(super) fn redirect(page: &'static str) -> Response {
    Response::empty(StatusCode::PERMANENT_REDIRECT)
        .with_header(header::LOCATION, HeaderValue::from_static(page))
}

/// `swagger-ui.css` with the hash of its content: `swagger-ui.0123456789abcdef.css`.
fn hashed(name: &str, hash: &str) -> String {
    let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
    format!("{stem}.{hash}.{extension}")
}
