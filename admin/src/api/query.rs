//! The query string, parsed as strictly as a body: no unknown names, no repeated names.

use std::ops::RangeInclusive;

use super::fields::{Findings, Invalid};
use super::text::{FromText, NO_NUL, Text};
use super::{Problem, Request};

/// The default number of entries on a page.
pub(crate) const PAGE: usize = 20;

/// The highest number of entries on a page.
pub(crate) const MAX_PAGE: usize = 100;

/// The parameters of a query string, each at most once, and everything that is wrong with them.
pub(crate) struct Query {
    pairs: Vec<(String, String)>,
    found: Findings,
}

impl Query {
    /// Reads the query string of `request`, which may contain only parameters with these names. Errors are
    /// returned by [`Self::finish`].
    pub(crate) fn read(request: &Request, names: &[&str]) -> Self {
        let mut query = Self::read_known(request, names);
        for (name, _) in request.query_pairs().filter(|(name, _)| !names.contains(&name.as_str())) {
            query.found.add(&name, "field_unknown", "Unknown parameter.");
        }
        query
    }

    /// Reads the parameters with these names, and ignores others: for links that people open, to which campaigns and
    /// mail programs add parameters of their own.
    pub(crate) fn read_known(request: &Request, names: &[&str]) -> Self {
        let mut query = Self { pairs: Vec::new(), found: Findings::default() };
        for (name, value) in request.query_pairs().filter(|(name, _)| names.contains(&name.as_str())) {
            if query.has(&name) {
                query.found.add(&name, "field_repeated", "A parameter may appear only once.");
            } else {
                query.pairs.push((name, value));
            }
        }
        query
    }

    /// Whether a parameter is present.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.pairs.iter().any(|(known, _)| known == name)
    }

    /// Records an error of a parameter that is not in its value alone.
    pub(crate) fn add(&mut self, name: &str, code: &'static str, sentence: &str) {
        self.found.add(name, code, sentence);
    }

    /// A parameter read by `read`. An error is recorded when it returns `None`.
    pub(crate) fn parse<T>(
        &mut self,
        name: &str,
        sentence: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let (_, value) = self.pairs.iter().find(|(known, _)| known == name)?;
        let value = if value.contains('\0') { Err(NO_NUL) } else { read(value).ok_or(sentence) };
        value.inspect_err(|sentence| self.found.add(name, "field_invalid", *sentence)).ok()
    }

    /// A parameter of a type that is written as text.
    pub(crate) fn value<T: FromText>(&mut self, name: &str) -> Option<T> {
        let (_, value) = self.pairs.iter().find(|(known, _)| known == name)?;
        let value = if value.contains('\0') { Err(Invalid::form(NO_NUL)) } else { T::from_text(value) };
        value.map_err(|invalid| self.found.add(name, invalid.code, invalid.sentence)).ok()
    }

    /// A parameter read by `read`, which returns the errors of the parameter.
    pub(crate) fn read_with<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&str) -> Result<T, Findings>,
    ) -> Option<T> {
        let text = self.value::<Text>(name)?;
        read(text.as_ref()).map_err(|found| self.found.absorb(found)).ok()
    }

    /// The number of entries on the page: `limit`, from 1 to [`MAX_PAGE`].
    pub(crate) fn limit(&mut self) -> usize {
        const BOUNDS: RangeInclusive<usize> = 1..=MAX_PAGE;
        self.parse("limit", "Must be an integer from 1 to 100.", |text| canonical(text, &BOUNDS))
            .unwrap_or(PAGE)
    }

    /// The start of the page: `cursor`, read by `read`.
    pub(crate) fn cursor<T>(&mut self, read: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        self.parse("cursor", "Pass `next_cursor` of the previous page unchanged.", read)
    }

    /// Whether `name` is `1`; `None` if it is absent.
    pub(crate) fn flag(&mut self, name: &str) -> Option<bool> {
        let read = |value: &str| match value {
            "1" => Some(true),
            "0" => Some(false),
            _ => None,
        };
        self.parse(name, "Must be 0 or 1.", read)
    }

    /// Refuses the query if anything is wrong with it.
    ///
    /// # Errors
    ///
    /// 422 `validation_failed` with every invalid parameter.
    pub(crate) fn finish(self) -> Result<(), Problem> {
        self.found.finish(Some(()))
    }
}

/// A number within bounds in its only spelling: no sign, no leading zeroes.
pub(crate) fn canonical<T>(text: &str, bounds: &RangeInclusive<T>) -> Option<T>
where
    T: std::str::FromStr + PartialOrd + ToString,
{
    text.parse().ok().filter(|number: &T| bounds.contains(number) && number.to_string() == text)
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
