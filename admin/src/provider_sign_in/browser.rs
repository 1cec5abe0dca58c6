//! What binds a sign-in to the browser that began it: a cookie that only this host can set and read.

use http::{HeaderMap, HeaderValue, header};

use super::secret;
use crate::api::{Problem, Request, Response};
use crate::pending::Kind;

/// `__Host-`: set by this very host, over TLS (or on this machine), for all of its paths.
const NAME: &str = "__Host-oauth";

/// The browser's secret: the one that it has, or a new one.
///
/// # Errors
///
/// 500 when the system gives no randomness.
pub(super) fn own_or_new(headers: &HeaderMap) -> Result<String, Problem> {
    own(headers).map_or_else(secret::new, Ok)
}

/// The browser's secret. None when it sends none, or two.
pub(super) fn own(headers: &HeaderMap) -> Option<String> {
    let lines = headers.get_all(header::COOKIE).iter();
    let pairs = lines.filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(';'));
    let mut values = pairs.filter_map(|pair| pair.trim().strip_prefix(NAME)?.strip_prefix('='));
    match (values.next(), values.next()) {
        (Some(only), None) if secret::has_the_form(only) => Some(only.to_owned()),
        _ => None,
    }
}

/// Lets the browser keep its secret, if it has one, for as long as what it was answered counts.
pub(super) fn stay(request: &Request, response: Response) -> Response {
    match own(&request.headers) {
        Some(secret) => response.with_header(header::SET_COOKIE, cookie(&secret)),
        None => response,
    }
}

/// Gives the browser its secret, for as long as a sign-in may take. Lax, because the way back from a provider is a
/// link from another site.
pub(super) fn cookie(value: &str) -> HeaderValue {
    let life = Kind::State.life().max(Kind::Flow.life()).as_secs();
    let text = format!("{NAME}={value}; Path=/; Max-Age={life}; Secure; HttpOnly; SameSite=Lax");
    HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(lines: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header::COOKIE, HeaderValue::try_from(*line).unwrap());
        }
        own(&headers)
    }

    #[test]
    fn the_cookie_is_found_among_others_and_only_once() {
        let mine = "a".repeat(43);
        let (cookie, other) = (format!("__Host-oauth={mine}"), format!("__Host-oauth={}", "b".repeat(43)));
        assert_eq!(read(&[&format!("a=b; {cookie};c=d")]), Some(mine.clone()));
        assert_eq!(read(&["a=b", &cookie]), Some(mine));
        assert_eq!(read(&[&cookie, &other]), None);
        assert_eq!(read(&[&format!("{cookie}; {other}")]), None);
        for bad in ["", "__Host-oauth=", "__Host-oauth=short", &format!("x{cookie}"), &format!("{cookie}x")] {
            assert_eq!(read(&[bad]), None, "{bad}");
        }
    }

    #[test]
    fn what_is_given_is_read_back() {
        let secret = secret::new().unwrap();
        let set = cookie(&secret);
        let pair = set.to_str().unwrap().split(';').next().unwrap().to_owned();
        assert_eq!(read(&[&pair]), Some(secret));
    }

    proptest! {
        #[test]
        fn any_cookie_is_read_without_panic(text in "[ -~]{0,120}") {
            let _secret = read(&[&text, &format!("__Host-oauth={text}")]);
        }
    }
}
