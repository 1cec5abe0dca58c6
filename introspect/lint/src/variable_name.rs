//! The names of variables in the words of a configuration.
//!
//! nginx compares them without case; [`in_lower_case`] makes them equal where a file is read.

/// A word of the configuration with the names of its variables in lower case.
pub(crate) fn in_lower_case(word: String) -> String {
    if !word.contains('$') {
        return word;
    }
    if let Some(braced) = other_scheme(&word) {
        return in_lower_case(braced);
    }
    let mut is_name = false;
    let letter = |next: char| {
        is_name = next == '$' || (is_name && (next == '{' || (next.is_ascii() && is_of_a_name(next as u8))));
        if is_name { next.to_ascii_lowercase() } else { next }
    };
    word.chars().map(letter).collect()
}

/// A `$Scheme` at the beginning in another case, in braces: nginx takes only a `rewrite` to `$scheme`, as it is written here, for a
/// redirect.
fn other_scheme(word: &str) -> Option<String> {
    let (name, rest) = split_name(word.strip_prefix('$')?)?;
    let is_other = name.get(.."scheme".len()).is_some_and(|begin| {
        begin.eq_ignore_ascii_case("scheme") && begin != "scheme" && !word.starts_with("${")
    });
    is_other.then(|| format!("${{{name}}}{rest}"))
}

/// A name without its `$`.
pub(crate) fn bare(name: &str) -> &str {
    name.strip_prefix('$').unwrap_or(name)
}

/// The variable, if the text is exactly one.
pub(crate) fn only(text: &str) -> Option<&str> {
    let name = text.strip_prefix('$')?;
    let name = name.strip_prefix('{').and_then(|name| name.strip_suffix('}')).unwrap_or(name);
    (!name.is_empty() && name.bytes().all(is_of_a_name)).then_some(name)
}

/// The variables in a text: `$a` and `${a}`.
pub(crate) fn names(text: &str) -> Vec<&str> {
    let parts = text.split('$').skip(1).map(|part| part.strip_prefix('{').unwrap_or(part));
    let names = parts.map(|part| {
        part.find(|next: char| !next.is_ascii() || !is_of_a_name(next as u8))
            .map_or(part, |end| part.split_at(end).0)
    });
    names.filter(|name| !name.is_empty()).collect()
}

/// The name after a `$`, and the rest: `None` if there is no name.
pub(crate) fn split_name(text: &str) -> Option<(&str, &str)> {
    if let Some(inner) = text.strip_prefix('{') {
        return inner.split_once('}');
    }
    let end = text.find(|next: char| !next.is_ascii_alphanumeric() && next != '_').unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

fn is_of_a_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn variables_are_found_in_a_text() {
        assert_eq!(names("a$b-${c}d$$e$"), ["b", "c", "e"]);
        assert_eq!(only("$a_1"), Some("a_1"));
        assert_eq!(only("${a}"), Some("a"));
        assert_eq!(only("$a$b"), None);
        assert_eq!(only("a"), None);
    }

    #[test]
    fn names_are_compared_without_case_and_other_text_with_it() {
        for (text, expected) in [
            ("$Auth_Policy", "$auth_policy"),
            ("A${Bc}D$E-F$1G", "A${bc}D$e-F$1g"),
            ("^/A$|B", "^/A$|B"),
            ("A$$B", "A$$b"),
            ("Кино$Кино", "Кино$Кино"),
            ("$scheme://a", "$scheme://a"),
            ("$Scheme/a", "${scheme}/a"),
            ("$SCHEME_x/$Scheme", "${scheme_x}/$scheme"),
        ] {
            assert_eq!(in_lower_case(text.to_owned()), expected);
        }
    }

    proptest! {
        #[test]
        fn lower_case_changes_names_alone(text in "[aB$_{}1 -]{0,20}") {
            let lower = in_lower_case(text.clone());
            prop_assert_eq!(lower.to_ascii_lowercase(), text.to_ascii_lowercase());
            let expected: Vec<_> = names(&text).iter().map(|name| name.to_ascii_lowercase()).collect();
            prop_assert_eq!(names(&lower), expected);
        }
    }
}
