//! The sentences for the words of the API: problem codes, codes of fields, events of the login history, notices. Front ends of
//! others may take these files as they are.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::api::{Code, Problem};

/// Sentences by word.
type Sentences = BTreeMap<&'static str, &'static str>;

/// The sentences of a language.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::pages) struct CodeTexts {
    /// The tag of the language.
    #[cfg_attr(not(test), expect(dead_code, reason = "for those who take the file; a test compares it"))]
    pub(super) language: &'static str,
    /// What a problem means for a user, and what to do.
    pub(super) problems: Sentences,
    /// What is wrong with a field.
    pub(super) fields: Sentences,
    /// The events of the login history.
    pub(super) events: Sentences,
    /// The notices.
    pub(super) notices: Sentences,
}

impl CodeTexts {
    /// What a problem means as a whole.
    pub(in crate::pages) fn problem(&self, code: Code) -> &'static str {
        // A test checks that no sentence is missing.
        self.problems.get(code.as_str()).copied().unwrap_or_default()
    }

    /// What a problem says about one field; empty if nothing.
    pub(in crate::pages) fn of_field(&self, problem: &Problem, name: &str) -> String {
        // An entry of a list has the name of the list and its place.
        let is_it = |field: &str| {
            field.strip_prefix(name).is_some_and(|place| place.is_empty() || place.starts_with(['[', '.']))
        };
        let codes = problem.fields().filter(|(field, _)| is_it(field)).map(|(_, code)| code);
        // Several codes may have one sentence.
        let sentences: BTreeSet<_> = codes.map(|code| self.field(code)).collect();
        sentences.into_iter().collect::<Vec<_>>().join(" ")
    }

    fn field(&self, code: &str) -> &'static str {
        self.fields.get(code).copied().unwrap_or_else(|| self.problem(Code::ValidationFailed))
    }

    /// An event of the login history. One of a later version is shown by its word.
    pub(in crate::pages) fn event<'e>(&self, word: &'e str) -> &'e str {
        self.events.get(word).copied().unwrap_or(word)
    }

    /// A notice. The same.
    pub(in crate::pages) fn notice<'n>(&self, word: &'n str) -> &'n str {
        self.notices.get(word).copied().unwrap_or(word)
    }
}
