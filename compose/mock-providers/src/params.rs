//! Parameters in `application/x-www-form-urlencoded`: a query or a form.

/// The most parameters of a request.
const LIMIT: usize = 64;

/// Parameters in the order of the request, each at most once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Params(Vec<(String, String)>);

/// Why parameters are malformed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Malformed {
    /// RFC 6749, section 3.1: no parameter more than once.
    #[error("the parameter {0:?} is repeated")]
    Repeated(String),
    /// A `%` without two hexadecimal digits, or bytes that are not UTF-8.
    #[error("{0:?} is not percent-encoded UTF-8")]
    Encoding(String),
    /// More than the limit.
    #[error("there are more than {LIMIT} parameters")]
    TooMany,
}

impl Params {
    /// Parses them.
    pub(crate) fn parse(raw: &[u8]) -> Result<Self, Malformed> {
        let mut params: Vec<(String, String)> = Vec::new();
        for pair in raw.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
            let mut halves = pair.splitn(2, |byte| *byte == b'=');
            let name = decode(halves.next().unwrap_or_default())?;
            let value = decode(halves.next().unwrap_or_default())?;
            if params.iter().any(|(known, _)| *known == name) {
                return Err(Malformed::Repeated(name));
            }
            if params.len() == LIMIT {
                return Err(Malformed::TooMany);
            }
            params.push((name, value));
        }
        Ok(Self(params))
    }

    /// The value of a parameter. An empty one counts as absent (RFC 6749, section 3.1).
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let (_, value) = self.0.iter().find(|(known, _)| known == name)?;
        Some(value.as_str()).filter(|value| !value.is_empty())
    }

    /// The first of these names that is present, even without a value.
    pub(crate) fn any_of(&self, names: &[&'static str]) -> Option<&'static str> {
        names.iter().copied().find(|name| self.0.iter().any(|(known, _)| known == name))
    }
}

/// Decodes one name or value: `+` is a space, `%XX` a byte.
pub(crate) fn decode(raw: &[u8]) -> Result<String, Malformed> {
    let fault = || Malformed::Encoding(String::from_utf8_lossy(raw).chars().take(80).collect());
    let mut bytes = Vec::with_capacity(raw.len());
    let mut rest = raw.iter().copied();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let high = rest.next().and_then(hex).ok_or_else(fault)?;
                let low = rest.next().and_then(hex).ok_or_else(fault)?;
                high << 4 | low
            }
            other => other,
        });
    }
    String::from_utf8(bytes).map_err(|_| fault())
}

fn hex(digit: u8) -> Option<u8> {
    let value = char::from(digit).to_digit(16)?;
    u8::try_from(value).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use url::form_urlencoded::Serializer;

    use super::*;

    #[test]
    fn a_repeated_parameter_is_refused_however_it_is_written() {
        assert_eq!(Params::parse(b"a=1&b=2&%61=3"), Err(Malformed::Repeated("a".to_owned())));
    }

    #[test]
    fn an_empty_parameter_is_absent_but_may_still_be_forbidden() {
        let params = Params::parse(b"state=&&code").unwrap();
        assert_eq!(params.get("state"), None);
        assert_eq!(params.any_of(&["token", "code"]), Some("code"));
    }

    #[test]
    fn half_an_escape_and_half_a_character_are_refused() {
        for raw in [&b"a=%"[..], b"a=%4", b"a=%zz", b"a=%ff", b"%+1=a", b"\xff=1"] {
            assert!(matches!(Params::parse(raw), Err(Malformed::Encoding(_))), "{raw:?}");
        }
    }

    #[test]
    fn there_is_a_limit() {
        let raw: Vec<_> = (0..=LIMIT).map(|number| format!("p{number}=1")).collect();
        assert_eq!(Params::parse(raw.join("&").as_bytes()), Err(Malformed::TooMany));
    }

    proptest! {
        #[test]
        fn any_bytes_are_parsed_or_refused(raw in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _either = Params::parse(&raw);
        }

        #[test]
        fn encoded_parameters_are_decoded(
            pairs in proptest::collection::btree_map(".{0,20}", ".{0,20}", 0..20)
        ) {
            let raw = Serializer::new(String::new()).extend_pairs(&pairs).finish();
            let params = Params::parse(raw.as_bytes()).unwrap();
            for (name, value) in &pairs {
                let wanted = Some(value.as_str()).filter(|value| !value.is_empty());
                prop_assert_eq!(params.get(name), wanted);
            }
        }
    }
}
