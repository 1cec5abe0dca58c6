//! The fields of a JSON body, all of which are judged in one round.

use deserr::Deserr;
use serde_json::{Map, Value};

use super::fields::Findings;
use super::text::NO_NUL;
use super::{Code, Problem};

/// The members of a body that is one JSON object.
#[derive(Clone, Default)]
pub(crate) struct Form {
    members: Map<String, Value>,
    has_nul: bool,
}

impl Form {
    /// The form with these members. `has_nul` says whether U+0000 is in any text or name.
    pub(super) fn new(members: Map<String, Value>, has_nul: bool) -> Self {
        Self { members, has_nul }
    }

    /// The form with these texts as members.
    pub(crate) fn of_texts<'t>(texts: impl IntoIterator<Item = (&'t str, &'t str)>) -> Self {
        let mut form = Self::default();
        for (name, text) in texts {
            form.has_nul |= text.contains('\0');
            form.members.insert(name.to_owned(), Value::from(text));
        }
        form
    }

    /// The form with this member, if it has none of the name.
    #[must_use]
    pub(super) fn with_text_if_absent(mut self, name: &str, text: Option<&str>) -> Self {
        if let Some(text) = text.filter(|_| !self.members.contains_key(name)) {
            self.members.insert(name.to_owned(), Value::from(text));
        }
        self
    }

    /// The form with this member.
    #[must_use]
    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.members.insert(name.to_owned(), value.into());
        self
    }

    /// The text of a member, if it is one.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.members.get(name)?.as_str().filter(|text| !text.contains('\0'))
    }

    /// The texts of a member that is a list of at most `most` entries, without the other entries.
    pub(crate) fn texts(&self, name: &str, most: usize) -> impl Iterator<Item = &str> {
        let list = self.members.get(name).and_then(Value::as_array).filter(|list| list.len() <= most);
        list.into_iter().flatten().filter_map(Value::as_str)
    }

    /// Whether a member is present and not null.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.members.get(name).is_some_and(|value| !value.is_null())
    }

    /// Reads all members as a `T`, and returns every error. The value is `None` only if there are some.
    pub(crate) fn read<T: Deserr<Findings>>(self) -> (Option<T>, Findings) {
        match deserr::deserialize(Value::Object(self.members)) {
            Ok(value) if !self.has_nul => (Some(value), Findings::default()),
            // Every text of a form refuses U+0000 by itself, under the name of its field; this is for one that does
            // not.
            Ok(_) => {
                let mut found = Findings::default();
                found.add("", "field_invalid", NO_NUL);
                (None, found)
            }
            Err(found) => (None, found),
        }
    }

    /// Reads all members as a `T`, for an endpoint without rules that concern several members.
    ///
    /// # Errors
    ///
    /// 422 `validation_failed` with every invalid field.
    pub(crate) fn finish<T: Deserr<Findings>>(self) -> Result<T, Problem> {
        let (value, found) = self.read();
        found.finish(value)
    }
}

/// The members of `value`, which must be an object. Serde would accept an array with the fields in their order.
pub(super) fn of(value: Value, has_nul: bool) -> Result<Form, Problem> {
    match value {
        Value::Object(members) => Ok(Form::new(members, has_nul)),
        _ => Err(Problem::new(Code::ValidationFailed).detail("The body must be a JSON object.")),
    }
}
