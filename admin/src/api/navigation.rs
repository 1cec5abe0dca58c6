//! The headers with which browsers describe a request: which media types they accept, and whether a person asked for it at all.

use http::{HeaderMap, header};

/// Headers by which browsers mark what no person has asked for yet, and the words that say so. A request without them was a
/// person's, or a program's that does not say so.
const PREFETCH_HEADERS: [&str; 4] = ["sec-purpose", "purpose", "x-purpose", "x-moz"];
const PREFETCH_WORDS: [&str; 3] = ["prefetch", "prerender", "preview"];

/// Whether the client names `media_type` in `Accept`. Browsers name HTML; programs JSON, or only `*/*`.
pub(crate) fn accepts(headers: &HeaderMap, media_type: &str) -> bool {
    quality(headers, media_type) > 0.0
}

/// Whether the client prefers HTML to JSON: it names HTML, and JSON not at all or with a lower quality (RFC 9110,
/// section 12.5.1).
pub(crate) fn prefers_html(headers: &HeaderMap) -> bool {
    let json = quality(headers, "application/json").max(quality(headers, "application/problem+json"));
    quality(headers, "text/html") > json
}

/// Whether a browser fetches a link in advance, before a person opens it.
pub(crate) fn is_prefetch(headers: &HeaderMap) -> bool {
    PREFETCH_HEADERS.iter().any(|name| {
        let lines = headers.get_all(*name).iter().filter_map(|line| line.to_str().ok());
        let mut parts = lines.flat_map(|line| line.split([';', ',', '=', ':', '"']));
        parts.any(|part| PREFETCH_WORDS.iter().any(|word| part.trim().eq_ignore_ascii_case(word)))
    })
}

/// The highest quality with which the client names `media_type`; 0 when it does not name it.
fn quality(headers: &HeaderMap, media_type: &str) -> f32 {
    let lines = headers.get_all(header::ACCEPT).iter().filter_map(|line| line.to_str().ok());
    let of_range = |range: &str| {
        let mut parts = range.split(';').map(str::trim);
        let is_named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(media_type));
        let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
        let weight = weight.map_or(Some(1.0), |weight| weight.parse().ok());
        weight.filter(|weight| is_named && (0.0..=1.0).contains(weight))
    };
    lines.flat_map(|line| line.split(',')).filter_map(of_range).fold(0.0, f32::max)
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};
    use proptest::prelude::*;

    use super::*;

    const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

    fn with(name: &'static str, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(HeaderName::from_static(name), HeaderValue::try_from(value).unwrap())])
    }

    #[test]
    fn a_media_type_is_accepted_by_name_only() {
        let wants = |accept, media_type| accepts(&with("accept", accept), media_type);
        let json = "application/json";
        assert!(wants(json, json) && wants("text/html;q=0.1, Application/JSON;q=0.9", json));
        assert!(!wants(BROWSER, json) && !wants("*/*", json) && !accepts(&HeaderMap::new(), json));
        assert!(wants(BROWSER, "text/html") && !wants("*/*", "text/html"));
        assert!(!wants("application/json;q=0", json));
    }

    #[test]
    fn people_prefer_html_and_programs_do_not() {
        let prefers = |accept| prefers_html(&with("accept", accept));
        for person in [BROWSER, "text/html", "text/html, application/json;q=0.9", "text/html ; q=0.5"] {
            assert!(prefers(person), "{person}");
        }
        for program in [
            "",
            "*/*",
            "application/json",
            "application/json, text/html",
            "application/problem+json, text/html;q=0.5",
            "text/html;q=0",
            "text/html;q=nonsense",
            "text/html;q=2",
            "text/htmlx",
        ] {
            assert!(!prefers(program), "{program}");
        }
        assert!(!prefers_html(&HeaderMap::new()));
    }

    #[test]
    fn a_prefetch_says_so() {
        for (name, value) in [
            ("sec-purpose", "prefetch"),
            ("sec-purpose", "prefetch;prerender"),
            ("sec-purpose", "prefetch;anonymous-client-ip"),
            ("purpose", "prefetch"),
            ("purpose", "Prefetch"),
            ("x-moz", "prefetch"),
            ("x-moz", "prerender"),
            ("purpose", "prerender"),
            ("x-purpose", ": preview"),
            ("sec-purpose", "\"prefetch\""),
            ("x-purpose", "preview"),
        ] {
            assert!(is_prefetch(&with(name, value)), "{name}: {value}");
        }
        for (name, value) in [("sec-purpose", ""), ("purpose", "navigate"), ("accept", "prefetch")] {
            assert!(!is_prefetch(&with(name, value)), "{name}: {value}");
        }
    }

    proptest! {
        #[test]
        fn any_header_is_judged_without_panic(value in "[ -~]{0,80}") {
            let _verdicts = (prefers_html(&with("accept", &value)), is_prefetch(&with("purpose", &value)));
        }
    }
}
