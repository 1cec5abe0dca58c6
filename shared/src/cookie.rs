//! `Cookie` (RFC 6265, section 5.4): which bytes of a request are the value of a cookie.
//!
//! Bytes, because a script of any subdomain can set a cookie with any of them. Such a cookie must not hide others, and must
//! not hide them from one of the two programs alone.

/// The values of all cookies called `name` in the values of all `Cookie` headers of a request, in their order.
///
/// What several of them mean is for the caller to say.
pub fn values<'v>(
    headers: impl IntoIterator<Item = &'v [u8]>,
    name: &[u8],
) -> impl Iterator<Item = &'v [u8]> {
    let pairs = headers.into_iter().flat_map(|header| header.split(|byte| *byte == b';'));
    pairs.filter_map(move |pair| pair.trim_ascii().strip_prefix(name)?.strip_prefix(b"="))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NAME: &[u8] = b"__Host-a";

    fn read(headers: &[&[u8]]) -> Vec<Vec<u8>> {
        values(headers.iter().copied(), NAME).map(<[u8]>::to_vec).collect()
    }

    #[test]
    fn a_cookie_is_found_among_others_in_any_header() {
        assert_eq!(read(&[b"x=1; __Host-a=b;y=2"]), [b"b"]);
        assert_eq!(read(&[b"x=1", b"\t__Host-a=b=c \t"]), [b"b=c"]);
        assert_eq!(read(&[b"__Host-a=b;__Host-a=c", b"__Host-a="]), [&b"b"[..], b"c", b""]);
        for none in [&b""[..], b"__Host-a", b"x__Host-a=b", b"__Host-ab=c", b"__host-a=b", b"x=__Host-a=b"] {
            assert_eq!(read(&[none]), Vec::<Vec<u8>>::new(), "{}", none.escape_ascii());
        }
    }

    /// Bytes of another cookie: any but the separator, and not our name.
    fn other() -> impl Strategy<Value = Vec<u8>> {
        let byte = any::<u8>().prop_filter("the separator", |byte| *byte != b';');
        let is_other = |pair: &Vec<u8>| !pair.trim_ascii().starts_with(NAME);
        proptest::collection::vec(byte, 0..40).prop_filter("our name", is_other)
    }

    proptest! {
        #[test]
        fn cookies_of_any_bytes_hide_none_and_add_none(
            before in proptest::collection::vec(other(), 0..4),
            value in "[A-Za-z0-9._-]{0,40}",
            after in proptest::collection::vec(other(), 0..4),
        ) {
            let own = [NAME, b"=", value.as_bytes()].concat();
            let pairs = before.iter().chain([&own]).chain(&after).map(Vec::as_slice).collect::<Vec<_>>();
            let expected = [value.as_bytes()];
            prop_assert_eq!(read(&[&pairs.join(&b"; "[..])]), expected);
            prop_assert_eq!(read(&[&pairs.join(&b";"[..])]), expected);
            prop_assert_eq!(read(&pairs), expected);
        }

        #[test]
        fn any_bytes_are_read_without_panic(headers: Vec<Vec<u8>>) {
            let headers: Vec<_> = headers.iter().map(Vec::as_slice).collect();
            let _values = read(&headers);
        }
    }
}
