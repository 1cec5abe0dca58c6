//! The header `Authorization`: a scheme and its credentials.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::header::{AUTHORIZATION, HeaderMap};

use crate::params;

/// The credentials, if the header appears once and has this scheme in any case (RFC 9110, section 11.1).
pub(crate) fn of_scheme<'a>(headers: &'a HeaderMap, scheme: &str) -> Option<&'a str> {
    let mut all = headers.get_all(AUTHORIZATION).iter();
    let (Some(header), None) = (all.next(), all.next()) else { return None };
    let (said, rest) = header.to_str().ok()?.split_once(' ')?;
    said.eq_ignore_ascii_case(scheme).then(|| rest.trim_matches(' ')).filter(|rest| !rest.is_empty())
}

/// The client identifier and secret of `Basic`, each of which is form-encoded (RFC 6749, section 2.3.1).
pub(crate) fn basic(credentials: &str) -> Option<(String, String)> {
    let bytes = STANDARD.decode(credentials).ok()?;
    let colon = bytes.iter().position(|byte| *byte == b':')?;
    let (id, secret) = bytes.split_at_checked(colon)?;
    Some((params::decode(id).ok()?, params::decode(secret.get(1..)?).ok()?))
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;
    use proptest::prelude::*;
    use url::form_urlencoded::byte_serialize;

    use super::*;

    fn headers(values: &[&'static str]) -> HeaderMap {
        values.iter().map(|value| (AUTHORIZATION, HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn a_scheme_has_no_case_and_no_second_header() {
        assert_eq!(of_scheme(&headers(&["bearer abc"]), "Bearer"), Some("abc"));
        assert_eq!(of_scheme(&headers(&["OAuth abc"]), "Bearer"), None);
        assert_eq!(of_scheme(&headers(&["Bearer abc", "Bearer abc"]), "Bearer"), None);
        assert_eq!(of_scheme(&headers(&["Bearer "]), "Bearer"), None);
    }

    #[test]
    fn both_halves_of_basic_are_form_encoded() {
        let credentials = STANDARD.encode("a%3Ab:c+d:e");
        assert_eq!(basic(&credentials), Some(("a:b".to_owned(), "c d:e".to_owned())));
        assert_eq!(basic(&STANDARD.encode("fred")), None);
        assert_eq!(basic(&STANDARD.encode("a:%zz")), None);
        assert_eq!(basic("*"), None);
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_or_refused(text in ".{0,80}") {
            let _either = basic(&text);
            let _either = basic(&STANDARD.encode(&text));
        }

        #[test]
        fn encoded_credentials_are_decoded(id in ".{0,30}", secret in ".{0,30}") {
            let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
            let credentials = STANDARD.encode(format!("{}:{}", encoded(&id), encoded(&secret)));
            prop_assert_eq!(basic(&credentials), Some((id, secret)));
        }
    }
}
