//! From a request's headers to the raw token in them.

use http::{HeaderMap, HeaderValue};
use shared::bearer::{self, BearerError};
use shared::cookie;
use shared::policy::{CookieUse, Policy};

use crate::headers::{AUTHORIZATION, COOKIE, ORIGINAL_METHOD, ORIGINAL_PAGE, OWN_PAGE};
use crate::refusal::Refusal;

/// A token as it was sent, not yet verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PresentedToken<'h> {
    /// Its bytes, unchecked: they are compared with those of cached tokens, or parsed strictly.
    pub raw: &'h [u8],
    /// The header in which it was sent.
    pub source: TokenSource,
}

/// The header in which a token was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenSource {
    /// `Authorization: Bearer`: the client chose to send it.
    Bearer,
    /// A cookie: the browser sends it without a decision of the client.
    Cookie,
}

/// Finds the token that the decision depends on; `None` when there is none.
///
/// A `Bearer` token takes precedence over a cookie. Other schemes are ignored: they are for other programs. A
/// cookie counts only where the policy allows it, and only for requests that change nothing, because a browser
/// also sends it with requests that another site caused; with `cookie=own-pages` also for others, if nginx says that a page
/// of the own origin sent them.
///
/// # Errors
///
/// [`Refusal::TokenRepeated`] and [`Refusal::TokenMalformed`].
pub fn find<'h>(
    headers: &'h HeaderMap,
    policy: &Policy,
    cookie_name: &str,
) -> Result<Option<PresentedToken<'h>>, Refusal> {
    let values = headers.get_all(AUTHORIZATION).iter().map(HeaderValue::as_bytes);
    if let Some(raw) = bearer::find(values).map_err(refusal)? {
        return Ok(Some(PresentedToken { raw, source: TokenSource::Bearer }));
    }
    let may_use_cookie = match policy.cookie {
        CookieUse::Never => false,
        CookieUse::Reading => changes_nothing(headers),
        CookieUse::OwnPages => changes_nothing(headers) || is_of_own_page(headers),
    };
    if !may_use_cookie {
        return Ok(None);
    }
    let raw = one_cookie(headers, cookie_name.as_bytes())?;
    Ok(raw.map(|raw| PresentedToken { raw, source: TokenSource::Cookie }))
}

const fn refusal(error: BearerError) -> Refusal {
    match error {
        BearerError::Repeated => Refusal::TokenRepeated,
        BearerError::Malformed => Refusal::TokenMalformed,
    }
}

/// Whether nginx says, once, that a page of the own origin sent the request.
fn is_of_own_page(headers: &HeaderMap) -> bool {
    let mut said = headers.get_all(ORIGINAL_PAGE).iter();
    said.next() == Some(&OWN_PAGE) && said.next().is_none()
}

/// The value of the cookie `name`; the same value twice counts once.
fn one_cookie<'h>(headers: &'h HeaderMap, name: &[u8]) -> Result<Option<&'h [u8]>, Refusal> {
    let mut values = cookie::values(headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes), name);
    let found = values.next();
    if values.any(|other| found != Some(other)) {
        return Err(Refusal::TokenRepeated);
    }
    // An empty cookie, which remains after a sign-out, is not a token, rather than an invalid token.
    Ok(found.filter(|value| !value.is_empty()))
}

fn changes_nothing(headers: &HeaderMap) -> bool {
    let mut methods = headers.get_all(ORIGINAL_METHOD).iter();
    let safe = methods.next().is_some_and(|method| method == "GET" || method == "HEAD");
    safe && methods.next().is_none()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn headers(pairs: &[(&'static str, &[u8])]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_bytes(value).unwrap());
        }
        headers
    }

    fn find_in(
        policy: &str,
        pairs: &[(&'static str, &[u8])],
    ) -> Result<Option<(String, TokenSource)>, Refusal> {
        let policy = Policy::parse(policy.as_bytes()).unwrap();
        let headers = headers(pairs);
        let found = find(&headers, &policy, "__Host-access")?;
        Ok(found.map(|it| (String::from_utf8_lossy(it.raw).into_owned(), it.source)))
    }

    fn bearer(value: &[u8]) -> Result<Option<(String, TokenSource)>, Refusal> {
        find_in("user", &[("authorization", value)])
    }

    fn cookies(values: &[&[u8]]) -> Result<Option<(String, TokenSource)>, Refusal> {
        let mut pairs: Vec<(&'static str, &[u8])> = vec![("x-original-method", b"GET")];
        pairs.extend(values.iter().map(|value| ("cookie", *value)));
        find_in("user;cookie=allow", &pairs)
    }

    #[test]
    fn the_scheme_counts_in_any_case() {
        for scheme in ["Bearer", "bearer", "BEARER", "bEaReR"] {
            let found = bearer(format!("{scheme}  a.b.c ").as_bytes());
            assert_eq!(found, Ok(Some(("a.b.c".to_owned(), TokenSource::Bearer))));
        }
    }

    #[test]
    fn other_schemes_are_ignored() {
        for value in [&b"Basic dXNlcjpwYXNz"[..], b"Digest a=b", b"", b"BearerX a.b.c", b"a.b.c"] {
            assert_eq!(bearer(value), Ok(None));
        }
    }

    #[test]
    fn a_bearer_without_a_token_is_malformed() {
        for value in [&b"Bearer"[..], b"Bearer ", b"bearer   "] {
            assert_eq!(bearer(value), Err(Refusal::TokenMalformed));
        }
    }

    #[test]
    fn two_authorizations_are_refused_even_when_equal() {
        let twice: [(&'static str, &[u8]); 2] =
            [("authorization", b"Bearer a"), ("authorization", b"Bearer a")];
        assert_eq!(find_in("user", &twice), Err(Refusal::TokenRepeated));
    }

    #[test]
    fn a_bearer_makes_cookies_count_for_nothing() {
        let both: [(&'static str, &[u8]); 3] = [
            ("authorization", b"Bearer a"),
            ("cookie", b"__Host-access=b; __Host-access=c"),
            ("x-original-method", b"GET"),
        ];
        assert_eq!(find_in("user;cookie=allow", &both), Ok(Some(("a".to_owned(), TokenSource::Bearer))));
    }

    #[test]
    fn a_cookie_is_found_among_others() {
        let found = Ok(Some(("a.b".to_owned(), TokenSource::Cookie)));
        assert_eq!(cookies(&[b"x=1; __Host-access=a.b; y=\xff"]), found);
        assert_eq!(cookies(&[b"x=1", b"__Host-access=a.b"]), found);
        assert_eq!(cookies(&[b"__Host-access=a.b;__Host-access=a.b"]), found);
        assert_eq!(cookies(&[b"__Host-accessory=1; a__Host-access=2; __Host-access"]), Ok(None));
        assert_eq!(cookies(&[b"__Host-access="]), Ok(None));
    }

    #[test]
    fn two_different_cookies_are_refused() {
        assert_eq!(cookies(&[b"__Host-access=a; __Host-access=b"]), Err(Refusal::TokenRepeated));
        assert_eq!(cookies(&[b"__Host-access=a", b"__Host-access="]), Err(Refusal::TokenRepeated));
    }

    #[test]
    fn a_cookie_counts_for_changes_only_if_a_page_of_the_own_origin_sends_them() {
        let with = |policy, method, page: &[&'static [u8]]| {
            let mut pairs: Vec<(&'static str, &[u8])> = vec![("cookie", b"__Host-access=a")];
            pairs.push(("x-original-method", method));
            pairs.extend(page.iter().map(|page| ("x-original-page", *page)));
            find_in(policy, &pairs).unwrap().is_some()
        };
        let (own, post): (&[u8], &[u8]) = (b"own", b"POST");
        assert!(with("user;cookie=own-pages", post, &[own]) && with("user;cookie=own-pages", b"GET", &[]));
        for page in [&[][..], &[&b""[..]], &[&b"other"[..]], &[own, own]] {
            assert!(!with("user;cookie=own-pages", post, page), "{page:?}");
        }
        assert!(!with("user;cookie=allow", post, &[own]) && !with("user", post, &[own]));
    }

    #[test]
    fn a_cookie_counts_only_where_allowed_and_for_safe_methods() {
        let with = |policy, methods: &[&'static [u8]]| {
            let mut pairs: Vec<(&'static str, &[u8])> = vec![("cookie", b"__Host-access=a")];
            pairs.extend(methods.iter().map(|method| ("x-original-method", *method)));
            find_in(policy, &pairs).unwrap().is_some()
        };
        assert!(with("user;cookie=allow", &[b"GET"]) && with("user;cookie=allow", &[b"HEAD"]));
        assert!(!with("user", &[b"GET"]));
        let bad: [&[&'static [u8]]; 5] = [&[], &[b"POST"], &[b"get"], &[b"DELETE"], &[b"GET", b"GET"]];
        for methods in bad {
            assert!(!with("user;cookie=allow", methods), "{methods:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_give_a_token_or_none_and_never_an_empty_one(
            authorization in proptest::option::of(proptest::collection::vec(32_u8..=255, 0..60)),
            cookie in proptest::collection::vec(32_u8..=255, 0..60),
        ) {
            let mut map = headers(&[("x-original-method", b"GET")]);
            let mut add = |name: &'static str, bytes: &[u8]| {
                if let Ok(value) = HeaderValue::from_bytes(bytes) {
                    map.append(name, value);
                }
            };
            if let Some(bytes) = &authorization {
                add("authorization", bytes);
            }
            add("cookie", &[b"__Host-access=", &cookie[..]].concat());
            let policy = Policy::parse(b"user;cookie=allow").unwrap();
            if let Ok(Some(presented)) = find(&map, &policy, "__Host-access") {
                prop_assert!(!presented.raw.is_empty());
            }
        }
    }
}
