//! The files that pages load: their style, their script, and the marks of identity providers. They are part of the program, and
//! the names of those that change contain a hash, so that browsers keep them for good.
//!
//! Under names without a hash the sentences for the words of the API, for other front ends.

use std::sync::LazyLock;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::texts::codes_file;
use crate::api::{Asset, Caching, Code, Problem, Request, Response};
use crate::config::Language;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("page.js");
const ICON: &str = include_str!("icon.svg");

const SVG: &str = "image/svg+xml";

/// The marks, by the name of the provider.
const MARKS: [(&str, &str); 7] = [
    ("facebook", include_str!("marks/facebook.svg")),
    ("github", include_str!("marks/github.svg")),
    ("google", include_str!("marks/google.svg")),
    ("mailru", include_str!("marks/mailru.svg")),
    ("vk", include_str!("marks/vk.svg")),
    ("x", include_str!("marks/x.svg")),
    ("yandex", include_str!("marks/yandex.svg")),
];

/// That of a provider which an operator added.
const OTHER_MARK: &str = include_str!("marks/other.svg");

/// The names of the files that every page loads.
pub(super) struct AssetNames {
    pub(super) style: String,
    pub(super) script: String,
    pub(super) icon: String,
}

/// All files.
struct Assets {
    names: AssetNames,
    files: Vec<(String, Asset)>,
}

static ASSETS: LazyLock<Assets> = LazyLock::new(|| {
    let mut files = Vec::new();
    let mut add = |stem: &str, extension: &str, content_type, text: &'static str| {
        let asset = Asset::new(content_type, Bytes::from_static(text.as_bytes()), Caching::Forever);
        let name = format!("{stem}.{}.{extension}", asset.hash());
        files.push((name.clone(), asset));
        name
    };
    let names = AssetNames {
        style: add("style", "css", "text/css; charset=utf-8", STYLE),
        script: add("page", "js", "text/javascript; charset=utf-8", SCRIPT),
        icon: add("icon", "svg", SVG, ICON),
    };
    for (provider, mark) in MARKS.into_iter().chain([("other", OTHER_MARK)]) {
        add(provider, "svg", SVG, mark);
    }
    for language in Language::ALL {
        let codes = Bytes::from_static(codes_file(language).as_bytes());
        let asset = Asset::new("application/json", codes, Caching::Revalidated);
        files.push((format!("codes.{}.json", language.tag()), asset));
    }
    Assets { names, files }
});

/// The names of the files that every page loads.
pub(super) fn names() -> &'static AssetNames {
    &ASSETS.names
}

/// The name of the file with the mark of a provider.
pub(super) fn mark_of(provider: &str) -> &'static str {
    let of = |wanted: &str| {
        let mut named = ASSETS.files.iter().map(|(name, _)| name.as_str());
        named.find(|name| name.ends_with(".svg") && name.split('.').next() == Some(wanted))
    };
    of(provider).or_else(|| of("other")).unwrap_or_default()
}

/// Answers with a file.
///
/// # Errors
///
/// 404 for an unknown name.
pub(crate) async fn assets(request: Request) -> Result<Response, Problem> {
    let name = request.params.get("file").unwrap_or_default();
    find(name, &request.headers).ok_or_else(|| Problem::new(Code::NotFound))
}

fn find(name: &str, headers: &HeaderMap) -> Option<Response> {
    let (_, asset) = ASSETS.files.iter().find(|(known, _)| known == name)?;
    // An image that is opened by itself is a document, which may do nothing either.
    let policy =
        HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'");
    Some(asset.respond(headers).with_header(HeaderName::from_static("content-security-policy"), policy))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_named_file_is_there_and_no_other_one() {
        let names = names();
        for name in [&*names.style, &names.script, &names.icon, mark_of("google"), mark_of("keycloak")] {
            assert!(find(name, &HeaderMap::new()).is_some(), "{name}");
        }
        assert!(mark_of("google").starts_with("google.") && mark_of("keycloak").starts_with("other."));
        for name in ["", "style.css", "../page.js", "google"] {
            assert!(find(name, &HeaderMap::new()).is_none(), "{name}");
        }
    }

    #[test]
    fn every_known_provider_has_its_mark() {
        for known in crate::providers::KNOWN {
            assert!(mark_of(known.id).starts_with(&format!("{}.", known.id)), "{}", known.id);
        }
    }

    #[test]
    fn no_file_loads_another_one() {
        for text in [STYLE, SCRIPT, ICON] {
            assert!(
                !text.contains("url(") && !text.contains("@import") && !text.contains("import "),
                "{text}"
            );
        }
        for word in
            ["innerHTML", "outerHTML", "insertAdjacent", "eval(", "localStorage", "sessionStorage", "cookie"]
        {
            assert!(!SCRIPT.contains(word), "{word}");
        }
    }
}
