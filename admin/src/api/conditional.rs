//! Versions of resources and conditional requests (RFC 9110, sections 8.8.3 and 13.1.1).

use http::{HeaderMap, HeaderValue, header};

use super::{Code, Problem, Response};

/// `response` with its version as a strong `ETag`.
pub(crate) fn with_etag(response: Response, version: i64) -> Response {
    match HeaderValue::try_from(format!("\"{version}\"")) {
        Ok(tag) => response.with_header(header::ETAG, tag),
        Err(_not_a_number) => response,
    }
}

/// Refuses a request whose `If-Match` does not include `current`.
///
/// # Errors
///
/// 412 `precondition_failed`.
pub(crate) fn check_version(asked: Option<&[i64]>, current: i64) -> Result<(), Problem> {
    match asked {
        Some(versions) if !versions.contains(&current) => Err(Problem::new(Code::PreconditionFailed)),
        _ => Ok(()),
    }
}

/// The versions in `If-Match`; `None` for any (RFC 9110, section 13.1.1). A weak version, or one that this
/// service cannot have sent, matches nothing.
pub(crate) fn if_match(headers: &HeaderMap) -> Option<Vec<i64>> {
    let mut versions = None;
    for line in headers.get_all(header::IF_MATCH) {
        let tags = line.to_str().unwrap_or_default().split(',').map(str::trim);
        for tag in tags {
            if tag == "*" {
                return None;
            }
            versions.get_or_insert_with(Vec::new).extend(version(tag));
        }
    }
    versions
}

fn version(tag: &str) -> Option<i64> {
    tag.strip_prefix('"')?.strip_suffix('"')?.parse().ok()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn versions(lines: &[&str]) -> Option<Vec<i64>> {
        let lines = lines.iter().map(|line| (header::IF_MATCH, HeaderValue::from_str(line).unwrap()));
        if_match(&lines.collect())
    }

    #[test]
    fn versions_are_read_from_every_line() {
        assert_eq!(versions(&[]), None);
        assert_eq!(versions(&["*"]), None);
        assert_eq!(versions(&["\"3\""]), Some(vec![3]));
        assert_eq!(versions(&["\"3\", \"4\""]), Some(vec![3, 4]));
    }

    #[test]
    fn other_tags_match_nothing() {
        for tag in ["W/\"3\"", "3", "\"x\"", "", "\"\"", "\"99999999999999999999\""] {
            assert_eq!(versions(&[tag]), Some(Vec::new()), "{tag}");
        }
    }

    proptest! {
        #[test]
        fn any_line_is_read_without_panic(line in "[ -~]*") {
            let _any = versions(&[&line]);
        }
    }
}
