//! Single fields of a body: what becomes of them, and what is wrong with them.

use serde::{Deserialize, Deserializer};

use super::{Code, Problem};

/// What becomes of one member of a thing that is patched (RFC 7396).
#[derive(Default)]
#[cfg_attr(test, derive(Debug, PartialEq, Eq))]
pub(crate) enum Change<T = String> {
    /// It is not mentioned.
    #[default]
    Keep,
    /// It is null.
    Clear,
    /// It has a value.
    Set(T),
}

/// What is wrong with several fields, said at once.
#[derive(Debug, Default)]
pub(crate) struct Findings(Option<Problem>);

impl Change {
    /// Whether the column is set, and to what.
    pub(crate) fn to_sql(&self) -> (bool, Option<&str>) {
        match self {
            Self::Keep => (false, None),
            Self::Clear => (true, None),
            Self::Set(value) => (true, Some(value)),
        }
    }
}

impl Change {
    /// What becomes of a member that is set if it is given at all.
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

    /// What a member becomes that was `before`.
    pub(crate) fn apply(self, before: Option<T>) -> Option<T> {
        match self {
            Self::Keep => before,
            Self::Clear => None,
            Self::Set(value) => Some(value),
        }
    }
}

impl<T> Change<Vec<T>> {
    /// What `read` makes of a list, an empty one when it is removed; `None` when it is not mentioned.
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
    /// Notes what is wrong with a field.
    pub(crate) fn add(&mut self, field: &str, code: &'static str, sentence: impl Into<String>) {
        let problem = self.0.take().unwrap_or_else(|| Problem::new(Code::ValidationFailed));
        self.0 = Some(problem.field(field, code, sentence));
    }

    /// Brings a value into its stored form, or notes why it has none.
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

    /// The value, if nothing was wrong.
    pub(crate) fn finish<T>(self, value: T) -> Result<T, Problem> {
        self.0.map_or(Ok(value), Err)
    }
}
