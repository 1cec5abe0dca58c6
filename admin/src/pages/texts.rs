//! All texts of the pages, each language in a file of its own. A text that a language lacks does not compile.

mod en;
mod list;
mod ru;

use std::collections::BTreeSet;

use crate::api::{Code, Problem};
use crate::config::Language;

pub(super) use list::Texts;

impl Texts {
    /// Those of a language.
    pub(super) fn of(language: Language) -> &'static Self {
        match language {
            Language::English => &en::ENGLISH,
            Language::Russian => &ru::RUSSIAN,
        }
    }

    /// A problem as a whole, for a viewer.
    pub(super) fn sentence(&self, problem: &Problem) -> String {
        let sentence = (self.codes)(problem.code());
        match problem.seconds() {
            Some(seconds @ 0..=90) => format!("{sentence} {} {seconds} {}.", self.try_again_in, self.seconds),
            Some(seconds) => {
                format!("{sentence} {} {} {}.", self.try_again_in, seconds.div_ceil(60), self.minutes)
            }
            None => sentence.to_owned(),
        }
    }

    /// What a problem says about one field; empty if nothing.
    pub(super) fn of_field(&self, problem: &Problem, name: &str) -> String {
        let codes = problem.fields().filter(|(field, _)| *field == name).map(|(_, code)| code);
        // Several codes may have one sentence.
        let sentences: BTreeSet<_> = codes.map(|code| self.field(code)).collect();
        sentences.into_iter().collect::<Vec<_>>().join(" ")
    }

    /// What a problem means as a whole.
    pub(super) fn code(&self, code: Code) -> &'static str {
        (self.codes)(code)
    }

    fn field(&self, code: &str) -> &'static str {
        (self.fields)(code).unwrap_or_else(|| (self.codes)(Code::ValidationFailed))
    }

    /// What a page has done.
    pub(super) fn done(&self, word: &str) -> Option<&'static str> {
        (self.done)(word)
    }

    /// An event of the login history. One of a later version is shown by its word.
    pub(super) fn event<'e>(&self, word: &'e str) -> &'e str {
        (self.events)(word).unwrap_or(word)
    }

    /// A notice. The same.
    pub(super) fn notice<'n>(&self, word: &'n str) -> &'n str {
        (self.notices)(word).unwrap_or(word)
    }
}

/// A text with a value in the place of `{}`.
pub(super) fn fill(text: &str, value: &str) -> String {
    text.replacen("{}", value, 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LANGUAGES: [Language; 2] = [Language::English, Language::Russian];

    fn is_cyrillic(letter: char) -> bool {
        matches!(letter, '\u{400}'..='\u{4ff}')
    }

    #[test]
    fn every_text_is_in_its_own_language() {
        for (name, text) in en::ENGLISH.all() {
            assert!(!text.is_empty() && !text.chars().any(is_cyrillic), "{name}: {text}");
        }
        for (name, text) in ru::RUSSIAN.all() {
            assert!(text.chars().any(is_cyrillic), "{name}: {text}");
        }
    }

    #[test]
    fn languages_have_the_same_places_for_values() {
        for ((name, english), (_, russian)) in en::ENGLISH.all().into_iter().zip(ru::RUSSIAN.all()) {
            for place in ["{}", "{least}"] {
                assert_eq!(english.matches(place).count(), russian.matches(place).count(), "{name}");
            }
        }
    }

    #[test]
    fn every_problem_says_what_it_means_in_each_language() {
        for code in Code::ALL {
            for language in LANGUAGES {
                let text = (Texts::of(language).codes)(*code);
                assert!(text.ends_with('.') && text.len() > 20, "{code:?}: {text}");
                assert_eq!(text.chars().any(is_cyrillic), language == Language::Russian, "{code:?}: {text}");
            }
        }
    }

    #[test]
    fn every_event_and_every_notice_has_a_text() {
        use crate::mail::NoticeKind;
        for language in LANGUAGES {
            let texts = Texts::of(language);
            for event in crate::sessions::history::event_names() {
                assert_ne!(texts.event(event), event, "{event}");
            }
            for kind in NoticeKind::ALL {
                assert_ne!(texts.notice(kind.word()), kind.word());
            }
        }
    }
}
