//! The cookies of a request.

use http::{HeaderMap, header};

/// The value of the cookie `name`. `None` when the client sends none of this name, or several.
pub(crate) fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let lines = headers.get_all(header::COOKIE).iter();
    let pairs = lines.filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(';'));
    let mut values = pairs.filter_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('='));
    match (values.next(), values.next()) {
        (Some(only), None) => Some(only),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn read(lines: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header::COOKIE, HeaderValue::try_from(*line).unwrap());
        }
        cookie(&headers, "__Host-a").map(str::to_owned)
    }

    #[test]
    fn a_cookie_is_found_among_others_and_only_once() {
        assert_eq!(read(&["a=b; __Host-a=c;d=e"]).as_deref(), Some("c"));
        assert_eq!(read(&["a=b", "__Host-a="]).as_deref(), Some(""));
        for bad in [
            &["__Host-a=b; __Host-a=b"][..],
            &["__Host-a=b", "__Host-a=c"],
            &["x__Host-a=b"],
            &["__Host-ab=c"],
        ] {
            assert_eq!(read(bad), None, "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn any_cookie_is_read_without_panic(text in "[ -~]{0,120}") {
            let _value = read(&[&text, &format!("__Host-a={text}")]);
        }
    }
}
