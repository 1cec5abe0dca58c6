//! What is known of a URI that nginx makes itself, by the directive that makes it.

/// What is known of a URI that nginx makes itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Uri {
    Whole(String),
    /// It begins with this text.
    Begins(String),
    /// It is not a URI, but the name of a location, such as `@fallback`.
    Named(String),
}

impl Uri {
    /// The URI of an `error_page` or at the end of a `try_files`: a `?` begins a query, and an `@` the name of a location.
    pub(crate) fn of_page(text: &str) -> Self {
        if text.starts_with('@') { Self::Named(text.to_owned()) } else { Self::of_rewrite(text) }
    }

    /// The URI of a `rewrite`: a `?` begins a query.
    pub(crate) fn of_rewrite(text: &str) -> Self {
        Self::of_index(text.split('?').next().unwrap_or_default())
    }

    /// The URI of an `index`, which only has variables; they may have any value.
    pub(crate) fn of_index(text: &str) -> Self {
        match text.split_once('$') {
            Some((begin, _)) => Self::Begins(begin.to_owned()),
            None => Self::Whole(text.to_owned()),
        }
    }

    /// The URI of a directive that takes it as it is written, such as `mirror`.
    pub(crate) fn plain(text: &str) -> Self {
        Self::Whole(text.to_owned())
    }

    pub(crate) fn any() -> Self {
        Self::Begins(String::new())
    }
}

/// Whether one path may begin with both.
pub(crate) fn is_comparable(one: &str, other: &str) -> bool {
    one.starts_with(other) || other.starts_with(one)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_mark_begins_a_query_only_where_nginx_looks_for_one() {
        let uris = [
            Uri::of_page("@a?b"),
            Uri::of_page("/a?b"),
            Uri::of_rewrite("@a?b"),
            Uri::of_index("/a?b$c"),
            Uri::plain("@a$b?c"),
        ];
        let whole = |text: &str| Uri::Whole(text.to_owned());
        let expected = [
            Uri::Named("@a?b".to_owned()),
            whole("/a"),
            whole("@a"),
            Uri::Begins("/a?b".to_owned()),
            whole("@a$b?c"),
        ];
        assert_eq!(uris, expected);
    }
}
