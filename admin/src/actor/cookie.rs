//! The cookies of a request.

use http::{HeaderMap, HeaderValue, header};
use shared::cookie;

/// The value of the cookie `name`. `None` when the client sends none of this name, or several, or one that is no text.
/// Whatever other cookies are made of, they hide none.
pub(crate) fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let lines = headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes);
    let mut values = cookie::values(lines, name.as_bytes());
    match (values.next(), values.next()) {
        (Some(only), None) => str::from_utf8(only).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(lines: &[&[u8]]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header::COOKIE, HeaderValue::from_bytes(line).unwrap());
        }
        cookie(&headers, "__Host-a").map(str::to_owned)
    }

    #[test]
    fn a_cookie_is_found_among_others_and_only_once() {
        assert_eq!(read(&[b"a=b; __Host-a=c;d=e"]).as_deref(), Some("c"));
        assert_eq!(read(&[b"a=b", b"__Host-a="]).as_deref(), Some(""));
        for bad in [
            &[&b"__Host-a=b; __Host-a=b"[..]][..],
            &[b"__Host-a=b", b"__Host-a=c"],
            &[b"__Host-a=b; __Host-a=\xff"],
            &[b"__Host-a=\xff"],
            &[b"x__Host-a=b"],
            &[b"__Host-ab=c"],
        ] {
            assert_eq!(read(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn a_cookie_of_another_script_hides_none() {
        assert_eq!(read(&["city=Москва; __Host-a=c; x=\u{e9}".as_bytes()]).as_deref(), Some("c"));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic_and_hide_no_cookie(
            text in proptest::collection::vec((0x20_u8..=0xff).prop_filter("a header has none", |byte| *byte != 0x7f), 0..120)
        ) {
            let _value = read(&[&text, &[b"__Host-a=", &text[..]].concat()]);
            let is_ours = text.windows(9).any(|part| part == b"__Host-a=");
            let found = read(&[&[&text[..], b"; __Host-a=c"].concat()]);
            prop_assert!(is_ours || found.as_deref() == Some("c"));
        }
    }
}
