//! The conditions of a search: only those that were asked for, so that PostgreSQL plans each search by itself.
//!
//! With `$1 is null or column = $1` one plan would have to do for all of them, which is the one that reads everything.

use tokio_postgres::types::ToSql;

use super::Values;

/// Conditions, all of which must hold, and their values.
#[derive(Default)]
pub(crate) struct Conditions<'v> {
    texts: Vec<String>,
    values: Vec<&'v (dyn ToSql + Sync)>,
}

impl<'v> Conditions<'v> {
    /// Adds `condition`, where `$?` stands for the value; nothing without a value.
    pub(crate) fn add<T: ToSql + Sync>(&mut self, condition: &str, value: Option<&'v T>) {
        let Some(value) = value else { return };
        let place = self.place(value);
        self.texts.push(condition.replace("$?", &place));
    }

    /// Adds a condition as it is.
    pub(crate) fn require(&mut self, condition: String) {
        self.texts.push(condition);
    }

    /// The place of another value.
    pub(crate) fn place(&mut self, value: &'v (dyn ToSql + Sync)) -> String {
        self.values.push(value);
        format!("${}", self.values.len())
    }

    /// All of them as the text after `where`.
    pub(crate) fn text(&self) -> String {
        if self.texts.is_empty() { "true".to_owned() } else { self.texts.join(" and ") }
    }

    /// The values, in the order of their places.
    pub(crate) fn values(&self) -> Values<'_> {
        &self.values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_asked_for_is_a_condition() {
        let (name, number) = ("neo".to_owned(), 7_i64);
        let mut conditions = Conditions::default();
        assert_eq!((conditions.text().as_str(), conditions.values().len()), ("true", 0));
        conditions.add("a = $?", None::<&i64>);
        conditions.add("(b = $? or c = $?)", Some(&name));
        let limit = conditions.place(&number);
        assert_eq!((conditions.text().as_str(), limit.as_str()), ("(b = $1 or c = $1)", "$2"));
        assert_eq!(conditions.values().len(), 2);
    }
}
