//! The query string, parsed as strictly as a body: no unknown names, no repeated names.

use std::ops::RangeInclusive;

use super::{Code, Problem, Request};

/// The default number of entries on a page.
pub(crate) const PAGE: usize = 20;

/// The highest number of entries on a page.
pub(crate) const MAX_PAGE: usize = 100;

/// The parameters of a query string, each at most once.
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// Parses the query string of `request`, which may contain only parameters with these names.
    ///
    /// # Errors
    ///
    /// 422 `validation_failed` for another name, or a repeated one.
    pub(crate) fn read(request: &Request, names: &[&str]) -> Result<Self, Problem> {
        let is_unknown = |(name, _): &(String, String)| !names.contains(&name.as_str());
        if let Some((name, _)) = request.query_pairs().find(is_unknown) {
            let name: String = name.chars().take(64).collect();
            return Err(wrong(&name, "field_unknown", "Unknown parameter."));
        }
        Self::read_known(request, names)
    }

    /// Parses the parameters with these names, and ignores others: for links that people open, to which campaigns and
    /// mail programs add parameters of their own.
    ///
    /// # Errors
    ///
    /// 422 `validation_failed` for a repeated name.
    pub(crate) fn read_known(request: &Request, names: &[&str]) -> Result<Self, Problem> {
        let mut known: Vec<(String, String)> = Vec::new();
        for (name, value) in request.query_pairs().filter(|(name, _)| names.contains(&name.as_str())) {
            if known.iter().any(|(before, _)| *before == name) {
                return Err(wrong(&name, "field_repeated", "A parameter may appear only once."));
            }
            if value.contains('\0') {
                return Err(invalid(&name, "Must not contain U+0000."));
            }
            known.push((name, value));
        }
        Ok(Self(known))
    }

    /// The text of a parameter.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// A parameter parsed by `read`.
    ///
    /// # Errors
    ///
    /// 422 `validation_failed` with `sentence` when `read` returns `None`.
    pub(crate) fn parse<T>(
        &self,
        name: &str,
        sentence: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, Problem> {
        let Some(value) = self.get(name) else { return Ok(None) };
        read(value).map(Some).ok_or_else(|| invalid(name, sentence))
    }

    /// The number of entries on the page: `limit`, from 1 to [`MAX_PAGE`].
    ///
    /// # Errors
    ///
    /// 422 `validation_failed`.
    pub(crate) fn limit(&self) -> Result<usize, Problem> {
        const BOUNDS: RangeInclusive<usize> = 1..=MAX_PAGE;
        let read = |value: &str| value.parse().ok().filter(|number| BOUNDS.contains(number));
        Ok(self.parse("limit", "Must be an integer from 1 to 100.", read)?.unwrap_or(PAGE))
    }

    /// The start of the page: `cursor`, parsed by `read`.
    ///
    /// # Errors
    ///
    /// 422 `validation_failed`.
    pub(crate) fn cursor<T>(&self, read: impl FnOnce(&str) -> Option<T>) -> Result<Option<T>, Problem> {
        self.parse("cursor", "Pass `next_cursor` of the previous page unchanged.", read)
    }

    /// Whether `name` is `1` or `true`.
    ///
    /// # Errors
    ///
    /// 422 `validation_failed` for a value other than these, `0` and `false`.
    pub(crate) fn flag(&self, name: &str) -> Result<bool, Problem> {
        let read = |value: &str| match value {
            "1" | "true" => Some(true),
            "0" | "false" => Some(false),
            _ => None,
        };
        Ok(self.parse(name, "Must be 0 or 1.", read)?.unwrap_or(false))
    }
}

/// Cuts `items`, which were queried with [`one_more`], to one page. Also returns the start of the next page,
/// if there is one.
pub(crate) fn page<T>(
    mut items: Vec<T>,
    limit: usize,
    cursor: impl FnOnce(&T) -> String,
) -> (Vec<T>, Option<String>) {
    let has_more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| has_more).map(cursor);
    (items, next)
}

/// One more than a page, for the query: the additional row shows whether there is a next page.
pub(crate) fn one_more(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1)
}

fn invalid(name: &str, sentence: &str) -> Problem {
    wrong(name, "field_invalid", sentence)
}

fn wrong(name: &str, code: &'static str, sentence: &str) -> Problem {
    Problem::new(Code::ValidationFailed).field(name, code, sentence)
}
