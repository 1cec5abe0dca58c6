//! A file that is part of the program: compressed once, and not sent again to a client that has it.

use std::io::Write as _;
use std::sync::{Arc, OnceLock};

use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::response::Response;

/// How long a client may keep the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Caching {
    /// Permanently: its name contains a hash of its content.
    Forever,
    /// Permanently, but it must ask each time whether it is still the same.
    Revalidated,
}

/// A file. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Asset(Arc<AssetContent>);

struct AssetContent {
    content_type: &'static str,
    bytes: Bytes,
    caching: Caching,
    hash: String,
    /// Compressed at the first request, because most processes never send it.
    compressed: OnceLock<Bytes>,
}

impl Asset {
    /// A file with this content.
    pub(crate) fn new(content_type: &'static str, bytes: Bytes, caching: Caching) -> Self {
        let hash =
            digest(&SHA256, &bytes).as_ref().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        Self(Arc::new(AssetContent { content_type, bytes, caching, hash, compressed: OnceLock::new() }))
    }

    /// A hash of the content: 16 hexadecimal digits.
    pub(crate) fn hash(&self) -> &str {
        &self.0.hash
    }

    /// The file, compressed if the client accepts that and it helps; 304 for a client that has it.
    pub(crate) fn respond(&self, headers: &HeaderMap) -> Response {
        let (content, is_gzip) = (&*self.0, accepts_gzip(headers) && self.shrinks());
        // Two forms of one file are not the same bytes (RFC 9110, section 8.8.3.3).
        let tag = format!("\"{}{}\"", content.hash, if is_gzip { "-gzip" } else { "" });
        let response = if has(headers, &tag) {
            Response::empty(StatusCode::NOT_MODIFIED)
        } else {
            let body = if is_gzip { self.compressed().clone() } else { content.bytes.clone() };
            let response = Response::new(StatusCode::OK, content.content_type, body);
            let encoding = (header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            if is_gzip { response.with_header(encoding.0, encoding.1) } else { response }
        };
        let caching = match content.caching {
            Caching::Forever => "public, max-age=31536000, immutable",
            Caching::Revalidated => "no-cache",
        };
        let response = response
            .with_header(header::CACHE_CONTROL, HeaderValue::from_static(caching))
            .with_header(header::VARY, HeaderValue::from_static("Accept-Encoding"));
        match HeaderValue::try_from(tag) {
            Ok(tag) => response.with_header(header::ETAG, tag),
            Err(_never) => response,
        }
    }

    fn compressed(&self) -> &Bytes {
        self.0.compressed.get_or_init(|| compress(&self.0.bytes).unwrap_or_else(|_| self.0.bytes.clone()))
    }

    fn shrinks(&self) -> bool {
        self.compressed().len() < self.0.bytes.len()
    }
}

fn compress(bytes: &[u8]) -> std::io::Result<Bytes> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?.into())
}

/// Whether the client accepts gzip (RFC 9110, section 12.5.3).
fn accepts_gzip(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|line| line.to_str().ok());
    let (mut named, mut any) = (None, false);
    for coding in lines.flat_map(|line| line.split(',')) {
        let mut parts = coding.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let is_refused = parts.any(|part| {
            let weight = part.strip_prefix("q=").or_else(|| part.strip_prefix("Q="));
            weight.is_some_and(|weight| weight.trim_end_matches(['0', '.']).is_empty())
        });
        match name {
            "*" => any = !is_refused,
            _ if name.eq_ignore_ascii_case("gzip") => named = Some(!is_refused),
            _ => {}
        }
    }
    named.unwrap_or(any)
}

/// Whether the client has the file with this tag (RFC 9110, section 13.1.2).
fn has(headers: &HeaderMap, tag: &str) -> bool {
    let lines = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|line| line.to_str().ok());
    let mut tags = lines.flat_map(|line| line.split(',')).map(str::trim);
    tags.any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
}

#[cfg(test)]
mod tests {
    use http::HeaderName;
    use proptest::prelude::*;

    use super::*;

    fn headers(name: HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_str(value).unwrap())])
    }

    #[test]
    fn gzip_is_sent_only_to_who_accepts_it() {
        let accepts = |value: &str| accepts_gzip(&headers(header::ACCEPT_ENCODING, value));
        for good in ["gzip", "br, gzip;q=0.5", "GZIP", "*", "identity;q=0, *;q=0.1", "gzip; q=1.0, *;q=0"] {
            assert!(accepts(good), "{good}");
        }
        for bad in ["", "br", "gzip;q=0", "gzip; q=0.000", "*;q=0", "gzip;q=0, *", "x-gzip", "identity"] {
            assert!(!accepts(bad), "{bad}");
        }
        assert!(!accepts_gzip(&HeaderMap::new()));
    }

    #[test]
    fn a_file_that_the_client_has_is_not_sent_again() {
        let asset = Asset::new("text/plain", Bytes::from("a".repeat(100)), Caching::Revalidated);
        let tag = asset.respond(&HeaderMap::new()).headers()[header::ETAG].to_str().unwrap().to_owned();
        for known in [&*tag, "*", &format!("\"x\", W/{tag}")] {
            let response = asset.respond(&headers(header::IF_NONE_MATCH, known));
            assert_eq!((response.status(), response.body().len()), (StatusCode::NOT_MODIFIED, 0), "{known}");
        }
        for other in ["\"x\"", &tag.replace('"', ""), ""] {
            let response = asset.respond(&headers(header::IF_NONE_MATCH, other));
            assert_eq!(response.status(), StatusCode::OK, "{other}");
        }
    }

    #[test]
    fn a_file_that_does_not_become_smaller_is_sent_as_it_is() {
        let asset = Asset::new("text/plain", Bytes::from("a"), Caching::Forever);
        let response = asset.respond(&headers(header::ACCEPT_ENCODING, "gzip"));
        assert_eq!((response.body(), response.headers().get(header::CONTENT_ENCODING)), (&b"a"[..], None));
    }

    proptest! {
        #[test]
        fn any_header_is_read_without_panic(value in "[ -~]{0,60}") {
            let _any = accepts_gzip(&headers(header::ACCEPT_ENCODING, &value));
            let _any = has(&headers(header::IF_NONE_MATCH, &value), "\"a\"");
        }
    }
}
