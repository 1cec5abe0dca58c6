//! The regular expressions of locations: whether one matches a path.
//!
//! nginx matches with PCRE. `fancy-regex` knows look-around and back-references as PCRE does, but reads some expressions in
//! another way: `&&`, `--` and `~~` in a class, for example, or `\h`. The model trusts a match only of those that both read alike
//! ([`LocationRegex::is_certain`]), and only for a path of printable ASCII: PCRE compares bytes, and lets `$` match before a newline
//! at the end. An expression that it cannot read, or that takes too many steps, is reported
//! (`regex-not-understood`), never ignored.

use fancy_regex::{Regex, RegexBuilder};

/// The most backtracking steps of one match; usual expressions need none.
const MAX_STEPS: usize = 100_000;

/// The regular expression of a location.
#[derive(Debug)]
pub(crate) struct LocationRegex {
    regex: Regex,
    is_certain: bool,
    /// What every path that matches begins with.
    lead: String,
}

/// The expression cannot be read, or takes too long to match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RegexNotUnderstood(pub(crate) String);

impl LocationRegex {
    pub(crate) fn parse(text: &str, any_case: bool) -> Result<Self, RegexNotUnderstood> {
        let built = RegexBuilder::new(text).case_insensitive(any_case).backtrack_limit(MAX_STEPS).build();
        let regex = built.map_err(RegexNotUnderstood::from)?;
        let lead = if any_case { "" } else { lead(text) };
        Ok(Self { regex, is_certain: is_read_alike(text), lead: lead.to_owned() })
    }

    /// Whether PCRE surely matches the path if it is matched here.
    pub(crate) fn is_certain(&self, path: &str) -> bool {
        self.is_certain && path.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ')
    }

    /// What every path that matches begins with: the letters after `^`.
    pub(crate) fn lead(&self) -> &str {
        &self.lead
    }

    /// Whether it matches any part of the path.
    pub(crate) fn is_match(&self, path: &str) -> Result<bool, RegexNotUnderstood> {
        if !path.starts_with(&self.lead) {
            return Ok(false);
        }
        self.regex.is_match(path).map_err(RegexNotUnderstood::from)
    }
}

/// The plain characters at the beginning of an anchored expression; none if it has alternatives to them.
fn lead(text: &str) -> &str {
    let Some(rest) = text.strip_prefix('^').filter(|_| !has_alternatives(text)) else { return "" };
    let end = rest.find(|next: char| !next.is_ascii_alphanumeric() && !"/_-".contains(next));
    let (plain, after) = rest.split_at(end.unwrap_or(rest.len()));
    // A quantifier belongs to the last character.
    let is_quantified = after.starts_with(['*', '?', '{', '+']);
    plain.get(..plain.len() - usize::from(is_quantified && !plain.is_empty())).unwrap_or_default()
}

/// Whether a `|` may stand outside of all groups.
fn has_alternatives(text: &str) -> bool {
    let (mut depth, mut is_escaped, mut in_class) = (0_usize, false, false);
    for next in text.chars() {
        match next {
            _ if is_escaped => {}
            // Which brackets a class has is not decided.
            '(' | ')' | '|' if in_class => return true,
            '[' => in_class = true,
            ']' => in_class = false,
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            '|' if depth == 0 => return true,
            _ => {}
        }
        is_escaped = next == '\\' && !is_escaped;
    }
    false
}

/// Whether the expression has only what PCRE and `fancy-regex` read alike: purposefully little.
fn is_read_alike(text: &str) -> bool {
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let taken = match next {
            '\\' => escape(rest),
            '[' => class(rest),
            '(' => group(rest),
            '{' => repetition(rest),
            next if next.is_ascii_alphanumeric() || "/_-.,:;=@%!~&'\" ^$|)*+?}<>".contains(next) => Some(1),
            _ => None,
        };
        match taken.and_then(|taken| rest.get(taken..)) {
            Some(after) => rest = after,
            None => return false,
        }
    }
    true
}

/// The length of a `\` with its character.
fn escape(text: &str) -> Option<usize> {
    let next = text.chars().nth(1)?;
    ("dwsDWSb".contains(next) || "./-_+*?()[]{}|^$\\@%&=~:;,!".contains(next)).then_some(2)
}

/// The length of a class of plain characters and ranges.
fn class(text: &str) -> Option<usize> {
    let inside = text.get(1..)?;
    let inside = inside.strip_prefix('^').unwrap_or(inside);
    let end = inside.find(']').filter(|end| *end > 0)?;
    let members = inside.get(..end)?;
    let is_plain = |next: char| next.is_ascii_alphanumeric() || "/_-.,:=@%+*".contains(next);
    let is_double = ["--", "&&", "~~", "||"].iter().any(|double| members.contains(double));
    (members.chars().all(is_plain) && !is_double).then(|| text.len() - inside.len() + end + 1)
}

/// The length of the beginning of a group.
fn group(text: &str) -> Option<usize> {
    let Some(special) = text.strip_prefix("(?") else { return Some(1) };
    if let Some(sign) = [":", "!", "=", "<!", "<="].iter().find(|sign| special.starts_with(**sign)) {
        return Some("(?".len() + sign.len());
    }
    let name = special.strip_prefix("P<").or(special.strip_prefix('<'))?;
    let end = name.find(|next: char| !next.is_ascii_alphanumeric() && next != '_')?;
    (name.get(end..)?.starts_with('>') && end > 0).then(|| text.len() - name.len() + end + 1)
}

/// The length of `{2}`, `{2,}` or `{2,3}`.
fn repetition(text: &str) -> Option<usize> {
    let end = text.find('}')?;
    let (least, most) = text.get(1..end)?.split_once(',').unwrap_or((text.get(1..end)?, ""));
    let is_number = |text: &str| text.len() < 4 && text.bytes().all(|digit| digit.is_ascii_digit());
    (!least.is_empty() && is_number(least) && is_number(most)).then_some(end + 1)
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
    fn only_what_pcre_reads_alike_is_certain() {
        for text in [
            r"^/api/v1/(auth|me)(/|$)",
            r"\.(jpg|png)$",
            r"^/v\d{1,2}/[a-z0-9_.-]+$",
            "^(?!/api/)",
            "^/(?<id>[0-9]+)",
        ] {
            assert!(is_read_alike(text), "{text}");
        }
        for text in [
            "^/[&&_]a$",
            "[!--_]",
            "[a_~~_]",
            r"\h",
            r"\Qa\E",
            "(?i)a",
            "[[:alpha:]]",
            "a{,2}",
            r"[\w]",
            "(?#a)",
            r"\<",
            "é",
        ] {
            assert!(!is_read_alike(text), "{text}");
        }
    }

    #[test]
    fn a_match_in_other_text_than_ascii_is_not_certain() {
        let regex = LocationRegex::parse("^/i/..$", false).unwrap();
        for (path, expected) in [("/i/ab", true), ("/i/é", false), ("/i/ab\n", false), ("/i/a\u{7f}", false)]
        {
            assert_eq!(regex.is_certain(path), expected, "{path:?}");
        }
    }

    #[test]
    fn a_lead_is_what_each_match_begins_with() {
        for (text, expected) in [
            ("^/api/v1/x", "/api/v1/x"),
            ("^/api/v1?", "/api/v"),
            ("^/a(b|c)", "/a"),
            ("^/a|b", ""),
            ("^/a[|(]|b", ""),
            ("^/a(b)", "/a"),
            (r"^/a\.b", "/a"),
            ("/a", ""),
            ("^*", ""),
        ] {
            assert_eq!(lead(text), expected, "{text}");
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
            let _any = is_read_alike(&text);
        }

        #[test]
        fn the_lead_changes_no_match(text in "\\^?/[a/(){}*+?$\\[\\].0-9|]{0,12}", path in "/[a/0.]{0,8}") {
            if let Ok(regex) = LocationRegex::parse(&text, false) {
                prop_assert_eq!(regex.is_match(&path).ok(), regex.regex.is_match(&path).ok());
            }
        }
    }
}
