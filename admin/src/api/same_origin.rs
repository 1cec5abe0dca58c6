//! Whether a browser sends a request from a page of this service's own origin: the guard of everything that acts on cookies.
//!
//! Browsers add cookies to a request whichever site causes it. They also say which one does, in headers that no page can set:
//! `Sec-Fetch-Site` (Fetch Metadata) and `Origin` (RFC 6454).

use http::{HeaderMap, Method, header};
use url::Url;

/// The header by which a browser asks to keep its tokens in cookies. A page of another origin cannot send it without the
/// permission of a preflight, which nginx gives to none (`nginx/snippets/preflight.conf`).
pub(crate) const MODE_HEADER: &str = "x-usher-mode";

/// Its value.
const BY_COOKIE: &[u8] = b"cookie";

const FETCH_SITE: &str = "sec-fetch-site";

/// Whether the client asks to keep its tokens in cookies.
pub(crate) fn asks_for_cookies(headers: &HeaderMap) -> bool {
    headers.get(MODE_HEADER).is_some_and(|value| value.as_bytes() == BY_COOKIE)
}

/// Whether a request that changes something comes from a page of our own origin, `own` if it is configured.
///
/// Without `own`, `Sec-Fetch-Site` alone says it; without both headers no request does: then the sender is no browser, or one
/// of before 2023.
pub(crate) fn is_from_own_page(headers: &HeaderMap, own: Option<&Url>) -> bool {
    match (fetch_site(headers), origin(headers)) {
        (Said::Contradicts, _) | (_, Said::Contradicts) => false,
        (Said::Words(site), origin) => site == "same-origin" && is_own(&origin, own).unwrap_or(true),
        (Said::Nothing, origin) => is_own(&origin, own).unwrap_or(false),
    }
}

/// Whether the browser says that a page of another site, or of another origin of this site, causes the request. A person who
/// types an address or opens a bookmark causes it alone.
pub(crate) fn is_caused_by_another_site(headers: &HeaderMap) -> bool {
    match fetch_site(headers) {
        Said::Nothing => false,
        Said::Words(site) => !matches!(site, "same-origin" | "none"),
        Said::Contradicts => true,
    }
}

/// Whether a request of this method may act on cookies. Reading reveals nothing to other origins, whose pages cannot read the
/// response, so there a browser that says nothing is believed.
pub(crate) fn may_use_cookies(method: &Method, headers: &HeaderMap, own: Option<&Url>) -> bool {
    let says_nothing =
        matches!(fetch_site(headers), Said::Nothing) && matches!(origin(headers), Said::Nothing);
    (method.is_safe() && says_nothing) || is_from_own_page(headers, own)
}

/// What a header says.
enum Said<'h> {
    Nothing,
    Words(&'h str),
    /// It is there twice, or unreadable.
    Contradicts,
}

fn said<'h>(headers: &'h HeaderMap, name: &str) -> Said<'h> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Said::Nothing,
        (Some(only), None) => only.to_str().map_or(Said::Contradicts, Said::Words),
        (Some(_), Some(_)) => Said::Contradicts,
    }
}

fn fetch_site(headers: &HeaderMap) -> Said<'_> {
    said(headers, FETCH_SITE)
}

fn origin(headers: &HeaderMap) -> Said<'_> {
    said(headers, header::ORIGIN.as_str())
}

/// Whether `origin` is `own`; `None` if one of them is unknown.
fn is_own(origin: &Said<'_>, own: Option<&Url>) -> Option<bool> {
    let Said::Words(origin) = origin else { return None };
    let own = own?.origin();
    Some(origin.parse::<Url>().is_ok_and(|origin| origin.origin() == own))
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};
    use proptest::prelude::*;

    use super::*;

    const OWN: &str = "https://cinema.example";

    fn headers(site: Option<&str>, origin: Option<&str>) -> HeaderMap {
        let pair = |name, value: &str| (HeaderName::from_static(name), HeaderValue::try_from(value).unwrap());
        let pairs = site.map(|site| pair(FETCH_SITE, site)).into_iter();
        pairs.chain(origin.map(|origin| pair("origin", origin))).collect()
    }

    fn passes(site: Option<&str>, origin: Option<&str>, own: Option<&str>) -> bool {
        let own = own.map(|own| own.parse().unwrap());
        is_from_own_page(&headers(site, origin), own.as_ref())
    }

    #[test]
    fn only_a_page_of_the_own_origin_passes() {
        let (same, own) = (Some("same-origin"), Some(OWN));
        assert!(passes(same, own, own) && passes(same, None, own) && passes(None, own, own));
        assert!(passes(same, Some("https://unknown.example"), None), "nothing to compare with");
        for site in ["same-site", "cross-site", "none", "", "same-origin, same-origin"] {
            assert!(!passes(Some(site), own, own), "{site}");
        }
        for origin in [
            "null",
            "https://cinema.example.org",
            "http://cinema.example",
            "https://cinema.example:8443",
            "https://www.cinema.example",
            "cinema.example",
            "",
        ] {
            assert!(!passes(same, Some(origin), own), "{origin}");
            assert!(!passes(None, Some(origin), own), "{origin}");
        }
        assert!(!passes(None, None, own) && !passes(None, None, None) && !passes(None, own, None));
    }

    #[test]
    fn a_header_that_is_there_twice_never_passes() {
        for name in [FETCH_SITE, "origin"] {
            let mut twice = headers(Some("same-origin"), Some(OWN));
            let value = twice[name].clone();
            twice.append(name, value);
            assert!(!is_from_own_page(&twice, Some(&OWN.parse().unwrap())), "{name}");
        }
    }

    #[test]
    fn a_request_of_another_site_says_so() {
        let is_refused = |site| is_caused_by_another_site(&headers(site, None));
        assert!(!is_refused(None) && !is_refused(Some("none")) && !is_refused(Some("same-origin")));
        for site in ["same-site", "cross-site", "", "Same-Origin", "none, none"] {
            assert!(is_refused(Some(site)), "{site}");
        }
        let mut twice = headers(Some("none"), None);
        twice.append(FETCH_SITE, HeaderValue::from_static("none"));
        assert!(is_caused_by_another_site(&twice));
    }

    #[test]
    fn reading_needs_no_header_of_the_browser_but_none_that_contradicts() {
        let own: Url = OWN.parse().unwrap();
        let may = |method, site, origin| may_use_cookies(&method, &headers(site, origin), Some(&own));
        assert!(may(Method::GET, None, None) && may(Method::HEAD, Some("same-origin"), None));
        assert!(!may(Method::GET, Some("cross-site"), None) && !may(Method::GET, None, Some("null")));
        assert!(!may(Method::POST, None, None) && may(Method::POST, None, Some(OWN)));
    }

    proptest! {
        #[test]
        fn any_headers_are_read_without_panic(site: Vec<u8>, origin: Vec<u8>) {
            let mut headers = HeaderMap::new();
            for (name, bytes) in [(FETCH_SITE, site), ("origin", origin)] {
                if let Ok(value) = HeaderValue::from_bytes(&bytes) {
                    headers.append(name, value);
                }
            }
            let passes = is_from_own_page(&headers, Some(&OWN.parse().unwrap()));
            let names_own = headers.get("origin").is_some_and(|value| value.as_bytes().starts_with(b"https://cinema"));
            let is_same = headers.get(FETCH_SITE).is_some_and(|value| value == "same-origin");
            prop_assert!(!passes || names_own || is_same);
        }
    }
}
