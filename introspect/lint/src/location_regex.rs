//! The regular expressions of locations: whether one matches a path.
//!
//! nginx matches with PCRE. `fancy-regex` knows look-around and back-references as PCRE does. An expression that
//! it cannot read, or that takes too many steps, is reported (`regex-not-understood`), never ignored.

use fancy_regex::{Regex, RegexBuilder};

/// The most backtracking steps of one match; usual expressions need none.
const MAX_STEPS: usize = 100_000;

/// The regular expression of a location.
#[derive(Debug)]
pub(crate) struct LocationRegex(Regex);

/// The expression cannot be read, or takes too long to match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RegexNotUnderstood(pub(crate) String);

impl LocationRegex {
    pub(crate) fn parse(text: &str, any_case: bool) -> Result<Self, RegexNotUnderstood> {
        let built = RegexBuilder::new(text).case_insensitive(any_case).backtrack_limit(MAX_STEPS).build();
        built.map(Self).map_err(RegexNotUnderstood::from)
    }

    /// Whether it matches any part of the path.
    pub(crate) fn is_match(&self, path: &str) -> Result<bool, RegexNotUnderstood> {
        self.0.is_match(path).map_err(RegexNotUnderstood::from)
    }
}

impl From<fancy_regex::Error> for RegexNotUnderstood {
    /// On one line, because a finding is a sentence.
    fn from(error: fancy_regex::Error) -> Self {
        let text = error.to_string();
        Self(text.split_whitespace().collect::<Vec<_>>().join(" "))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn is_match(text: &str, path: &str, any_case: bool) -> Result<bool, RegexNotUnderstood> {
        LocationRegex::parse(text, any_case)?.is_match(path)
    }

    #[test]
    fn expressions_match_what_nginx_matches() {
        for (text, path, expected) in [
            (r"^/api/v1/(auth|me)(/|$)", "/api/v1/me", true),
            (r"^/api/v1/(auth|me)(/|$)", "/api/v1/me/x", true),
            (r"^/api/v1/(auth|me)(/|$)", "/api/v1/menu", false),
            (r"\.(jpg|png)$", "/a/b.png", true),
            (r"\.(jpg|png)$", "/a/bxpng", false),
            (r"^\/(?<id>[0-9]+)/[^/]*$", "/12/ab", true),
            (r"^/(?P<id>[0-9]+)/[^/]*$", "/12/ab/", false),
            (r"^/v\d{1,2}/", "/v12/", true),
            (r"^/v\d{1,2}/", "/v123/", false),
            (r"^/(?:a*)*b", "/aaab", true),
            (r"^/a.*?c", "/abc", true),
            (r"[]a]", "]", true),
            (r"^(?!/admin)", "/films", true),
            (r"^(?!/admin)", "/admin", false),
            (r"(?<=a)b", "ab", true),
            (r"^/(?<x>.)\k<x>$", "/aa", true),
        ] {
            assert_eq!(is_match(text, path, false), Ok(expected), "{text} {path}");
        }
        assert_eq!(is_match("^/ADMIN", "/admin", true), Ok(true));
        assert_eq!(is_match("^/ADMIN", "/admin", false), Ok(false));
    }

    #[test]
    fn an_expression_that_cannot_be_read_is_an_error() {
        for text in ["(", "*", "[a", r"\Q[\E", "(?<a"] {
            assert!(is_match(text, "/", false).is_err(), "{text}");
        }
    }

    #[test]
    fn an_endless_match_is_an_error() {
        let path = format!("d{}c", "ab".repeat(40));
        assert!(is_match(r"(a|b|ab)*(?=c)d", &path, false).is_err());
    }

    proptest! {
        #[test]
        fn any_expression_is_run_without_panic(text in "[a/(){}|*+?^$\\[\\]\\\\.,0-9<>:P=!-]{0,30}", path in "[a/0.]{0,12}") {
            let _any = is_match(&text, &path, true);
        }
    }
}
