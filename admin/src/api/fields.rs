//! Single fields of a form: how they change, and what is wrong with them.

use std::ops::ControlFlow;

use deserr::{
    DeserializeError, Deserr, ErrorKind, IntoValue, MergeWithError, Value, ValueKind, ValuePointerRef,
};

use super::{Code, Problem};

/// The most errors in one response, more than any form has fields and list entries. A body of unknown names
/// must not become a response of a hundred times its size.
const MOST: usize = 256;

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

/// A member of a patch that cannot be removed: absent, or a value that is not null.
pub(crate) struct IfPresent<T>(Option<T>);

/// The errors of several fields, reported together.
#[derive(Debug, Default)]
pub(crate) struct Findings(Option<Problem>);

impl<T: AsRef<str>> Change<T> {
    /// Whether the column is set, and its value.
    pub(crate) fn to_sql(&self) -> (bool, Option<&str>) {
        match self {
            Self::Keep => (false, None),
            Self::Clear => (true, None),
            Self::Set(value) => (true, Some(value.as_ref())),
        }
    }
}

impl<T> Change<T> {
    /// The value of a member that was `before`.
    pub(crate) fn apply<U: From<T>>(self, before: Option<U>) -> Option<U> {
        match self {
            Self::Keep => before,
            Self::Clear => None,
            Self::Set(value) => Some(value.into()),
        }
    }

    /// Applies `read` to the value, or to the default one when the member is null; `None` when it is absent.
    pub(crate) fn map<U>(self, read: impl FnOnce(T) -> U) -> Option<U>
    where
        T: Default,
    {
        match self {
            Self::Keep => None,
            Self::Clear => Some(read(T::default())),
            Self::Set(value) => Some(read(value)),
        }
    }
}

impl<T> IfPresent<T> {
    /// The value, if the member is present.
    pub(crate) fn value(self) -> Option<T> {
        self.0
    }
}

impl<T> Default for IfPresent<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T: Deserr<Findings>> Deserr<Findings> for Change<T> {
    fn deserialize_from_value<V: IntoValue>(
        value: Value<V>,
        location: ValuePointerRef<'_>,
    ) -> Result<Self, Findings> {
        Ok(Option::<T>::deserialize_from_value(value, location)?.map_or(Self::Clear, Self::Set))
    }
}

impl<T: Deserr<Findings>> Deserr<Findings> for IfPresent<T> {
    fn deserialize_from_value<V: IntoValue>(
        value: Value<V>,
        location: ValuePointerRef<'_>,
    ) -> Result<Self, Findings> {
        T::deserialize_from_value(value, location).map(|value| Self(Some(value)))
    }
}

impl Findings {
    /// Records an error of a field.
    pub(crate) fn add(&mut self, field: &str, code: &'static str, sentence: impl Into<String>) {
        self.add_to(Code::ValidationFailed, field, code, sentence);
    }

    /// Records an error of a field that has a problem code of its own. The response has that code if all errors
    /// have it, else `validation_failed`.
    pub(crate) fn add_to(
        &mut self,
        problem: Code,
        field: &str,
        code: &'static str,
        sentence: impl Into<String>,
    ) {
        let problem = Problem::new(problem).field(shorten(field), code, sentence);
        self.absorb(Self(Some(problem)));
    }

    /// Adds the errors of `other`.
    pub(crate) fn absorb(&mut self, other: Self) {
        self.0 = match (self.0.take(), other.0) {
            (Some(before), Some(more)) => Some(before.with_fields_of(more, MOST)),
            (before, more) => before.or(more),
        };
    }

    /// An error of one value.
    fn at(location: ValuePointerRef<'_>, code: &'static str, sentence: impl Into<String>) -> Self {
        let mut found = Self::default();
        found.add(&path(location), code, sentence);
        found
    }

    /// An error of the value at `location`.
    pub(crate) fn of_value(location: ValuePointerRef<'_>, invalid: Invalid) -> Self {
        Self::at(location, invalid.code, invalid.sentence)
    }

    /// Whether no error was recorded.
    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// `value`, if no error was recorded. It is `None` only when errors prevented it from being read.
    ///
    /// # Errors
    ///
    /// 422 `validation_failed`, or the code that all errors have.
    pub(crate) fn finish<T>(self, value: Option<T>) -> Result<T, Problem> {
        match (self.0, value) {
            (None, Some(value)) => Ok(value),
            (Some(problem), _) => Err(problem),
            (None, None) => Err(Problem::new(Code::ValidationFailed)),
        }
    }
}

/// The error of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Invalid {
    /// A stable code.
    pub(crate) code: &'static str,
    /// A sentence for a person.
    pub(crate) sentence: String,
}

impl Invalid {
    /// A value that does not have its form.
    pub(crate) fn form(sentence: impl Into<String>) -> Self {
        Self { code: "field_invalid", sentence: sentence.into() }
    }
}

impl MergeWithError<Self> for Findings {
    fn merge(before: Option<Self>, other: Self, _: ValuePointerRef<'_>) -> ControlFlow<Self, Self> {
        let mut found = before.unwrap_or_default();
        found.absorb(other);
        ControlFlow::Continue(found)
    }
}

impl DeserializeError for Findings {
    fn error<V: IntoValue>(
        before: Option<Self>,
        error: ErrorKind<'_, V>,
        location: ValuePointerRef<'_>,
    ) -> ControlFlow<Self, Self> {
        let other = match error {
            ErrorKind::MissingField { field } => {
                Self::at(location.push_key(field), "field_missing", "This field is required.")
            }
            ErrorKind::UnknownKey { key, .. } => {
                Self::at(location.push_key(key), "field_unknown", "Unknown field.")
            }
            ErrorKind::IncorrectValueKind { accepted, .. } => {
                Self::at(location, "field_invalid", must_be(accepted))
            }
            ErrorKind::UnknownValue { .. }
            | ErrorKind::BadSequenceLen { .. }
            | ErrorKind::Unexpected { .. } => {
                Self::at(location, "field_invalid", "The value has the wrong type or format.")
            }
        };
        Self::merge(before, other, location)
    }
}

fn must_be(accepted: &[ValueKind]) -> &'static str {
    match accepted {
        [ValueKind::String] => "Must be a string.",
        [ValueKind::Boolean] => "Must be true or false.",
        [ValueKind::Sequence] => "Must be a list.",
        [ValueKind::Map] => "Must be an object.",
        _ => "The value has the wrong type.",
    }
}

/// The path of a value, such as `permissions[3]`.
fn path(location: ValuePointerRef<'_>) -> String {
    match location {
        ValuePointerRef::Origin => String::new(),
        ValuePointerRef::Key { key, prev } => match path(*prev) {
            parent if parent.is_empty() => key.to_owned(),
            parent => format!("{parent}.{key}"),
        },
        ValuePointerRef::Index { index, prev } => format!("{}[{index}]", path(*prev)),
    }
}

/// Text from the client is repeated only up to this length.
fn shorten(name: &str) -> String {
    name.chars().take(64).collect()
}
