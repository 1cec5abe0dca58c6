//! The cookie that binds a flow to the browser that started it. Only this host can set and read it.

use http::{HeaderMap, HeaderValue};

use super::one_time::{KEPT, OneTimeKind};
use super::secret;
use crate::actor;
use crate::api::Problem;
use crate::random::Random;

/// `__Host-`: set by this very host, over TLS (or on this machine), for all of its paths.
const NAME: &str = "__Host-oauth";

/// The browser's secret: the one that it has, or a new one.
///
/// # Errors
///
/// 500 when the operating system provides no randomness.
pub(super) fn own_or_new(headers: &HeaderMap, random: &dyn Random) -> Result<String, Problem> {
    own(headers).map_or_else(|| secret::new(random), Ok)
}

/// Sets the cookie for as long as a sign-in may take: a flow, the confirmation of a link that may follow it, and the
/// minute in which a request may be repeated. `Lax`, because a provider sends the browser back with a link from another
/// site.
pub(super) fn cookie(secret: &str) -> HeaderValue {
    let lifetime = (OneTimeKind::Flow.lifetime() + OneTimeKind::Link.lifetime() + KEPT).as_secs();
    let text = format!("{NAME}={secret}; Path=/; Max-Age={lifetime}; Secure; HttpOnly; SameSite=Lax");
    HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// The browser's secret. `None` when it sends none, or several.
pub(super) fn own(headers: &HeaderMap) -> Option<String> {
    actor::cookie(headers, NAME).filter(|own| secret::is_well_formed(own)).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use http::header;
    use proptest::prelude::*;

    use super::*;
    use crate::random::SystemRandom;

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
    fn the_cookie_that_is_set_is_read_back() {
        let secret = secret::new(&SystemRandom).unwrap();
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
