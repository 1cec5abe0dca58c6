//! Single fields of a body: how they change, and what is wrong with them.

use serde::{Deserialize, Deserializer};

use super::{Code, Problem};

/// How one member of a resource changes in a patch (RFC 7396).
#[derive(Default)]
#[cfg_attr(test, derive(Debug, PartialEq, Eq))]
pub(crate) enum Change<T = String> {
    /// The member is absent.
    #[default]
    Keep,
    /// The member is null.
    Clear,
    /// The member has a value.
    Set(T),
}

/// The errors of several fields, reported together.
#[derive(Debug, Default)]
pub(crate) struct Findings(Option<Problem>);

impl Change {
    /// Whether the column is set, and its value.
    pub(crate) fn to_sql(&self) -> (bool, Option<&str>) {
        match self {
            Self::Keep => (false, None),
            Self::Clear => (true, None),
            Self::Set(value) => (true, Some(value)),
        }
    }
}

impl Change {
    /// The change for an optional value: set it if it is present.
    pub(crate) fn given(value: Option<String>) -> Self {
        value.map_or(Self::Keep, Self::Set)
    }
}

impl<T> Change<T> {
    /// The value, if there is one.
    pub(crate) fn value(self) -> Option<T> {
        match self {
            Self::Set(value) => Some(value),
            Self::Keep | Self::Clear => None,
        }
    }

    /// The value of a member that was `before`.
    pub(crate) fn apply(self, before: Option<T>) -> Option<T> {
        match self {
            Self::Keep => before,
            Self::Clear => None,
            Self::Set(value) => Some(value),
        }
    }
}

impl<T> Change<Vec<T>> {
    /// Applies `read` to a list, or to an empty one when the member is null; `None` when it is absent.
    pub(crate) fn map<U>(self, read: impl FnOnce(Vec<T>) -> U) -> Option<U> {
        match self {
            Self::Keep => None,
            Self::Clear => Some(read(Vec::new())),
            Self::Set(list) => Some(read(list)),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Change<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::<T>::deserialize(deserializer)?.map_or(Self::Clear, Self::Set))
    }
}

impl Findings {
    /// Records an error of a field.
    pub(crate) fn add(&mut self, field: &str, code: &'static str, sentence: impl Into<String>) {
        let problem = self.0.take().unwrap_or_else(|| Problem::new(Code::ValidationFailed));
        self.0 = Some(problem.field(field, code, sentence));
    }

    /// Normalises a value, or records why it is invalid.
    pub(crate) fn check(
        &mut self,
        field: &str,
        change: Change,
        check: impl FnOnce(&str) -> Result<String, &'static str>,
    ) -> Change {
        let Change::Set(value) = change else { return change };
        match check(&value) {
            Ok(value) => Change::Set(value),
            Err(sentence) => {
                self.add(field, "field_invalid", sentence);
                Change::Keep
            }
        }
    }

    /// The value, if no error was recorded.
    pub(crate) fn finish<T>(self, value: T) -> Result<T, Problem> {
        self.0.map_or(Ok(value), Err)
    }
}
