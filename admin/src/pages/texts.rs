//! All texts of the pages: a folder of JSON files a language, which are part of the program. A test reads all of them, so that no
//! text is missing and none is unknown.

mod codes;
mod console_list;
mod list;

use std::ops::Deref;
use std::sync::LazyLock;

use serde::Deserialize;
use shared::json;

use crate::api::Problem;
use crate::config::Language;

use codes::CodeTexts;
pub(super) use console_list::ConsoleTexts;
use list::PageTexts;

/// All texts of a language. Dereferences to those of the viewers' pages.
pub(super) struct Texts {
    pages: PageTexts,
    /// The texts of the console.
    pub(super) console: ConsoleTexts,
    /// The sentences for the words of the API.
    pub(super) codes: CodeTexts,
}

/// The files of a language.
struct Sources {
    pages: &'static str,
    console: &'static str,
    codes: &'static str,
}

const ENGLISH: Sources = Sources {
    pages: include_str!("texts/en/pages.json"),
    console: include_str!("texts/en/console.json"),
    codes: include_str!("texts/en/codes.json"),
};
const RUSSIAN: Sources = Sources {
    pages: include_str!("texts/ru/pages.json"),
    console: include_str!("texts/ru/console.json"),
    codes: include_str!("texts/ru/codes.json"),
};

static IN_ENGLISH: LazyLock<Texts> = LazyLock::new(|| ENGLISH.read());
static IN_RUSSIAN: LazyLock<Texts> = LazyLock::new(|| RUSSIAN.read());

impl Sources {
    fn read(&self) -> Texts {
        Texts { pages: parse(self.pages), console: parse(self.console), codes: parse(self.codes) }
    }
}

/// Reads a file once, and keeps it, as the program keeps its other texts.
fn parse<T: Deserialize<'static>>(text: &'static str) -> T {
    let read = json::value(text.as_bytes());
    let kept = read.map(|value| json::from_value(Box::leak(Box::new(value))));
    kept.flatten().expect("the files are part of the program, and a test reads all of them")
}

/// The sentences for the words of the API, as a file for other front ends.
pub(super) const fn codes_file(language: Language) -> &'static str {
    match language {
        Language::English => ENGLISH.codes,
        Language::Russian => RUSSIAN.codes,
    }
}

impl Deref for Texts {
    type Target = PageTexts;

    fn deref(&self) -> &PageTexts {
        &self.pages
    }
}

impl Texts {
    /// Those of a language.
    pub(super) fn of(language: Language) -> &'static Self {
        match language {
            Language::English => &IN_ENGLISH,
            Language::Russian => &IN_RUSSIAN,
        }
    }

    /// A problem as a whole, for a viewer.
    pub(super) fn sentence(&self, problem: &Problem) -> String {
        let sentence = self.codes.problem(problem.code());
        match problem.seconds() {
            Some(seconds @ 0..=90) => format!("{sentence} {} {seconds} {}.", self.try_again_in, self.seconds),
            Some(seconds) => {
                format!("{sentence} {} {} {}.", self.try_again_in, seconds.div_ceil(60), self.minutes)
            }
            None => sentence.to_owned(),
        }
    }

    /// What a page has done, by the word of its redirect.
    pub(super) fn done(&self, word: &str) -> Option<&'static str> {
        self.console.done.get(word).or_else(|| self.done.get(word)).copied()
    }
}

/// A text with a value in the place of `{}`.
pub(super) fn fill(text: &str, value: &str) -> String {
    text.replacen("{}", value, 1)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::access::Right;
    use crate::api::Code;
    use crate::audit::AuditAction;
    use crate::mail::NoticeKind;

    fn is_cyrillic(letter: char) -> bool {
        matches!(letter, '\u{400}'..='\u{4ff}')
    }

    /// Every text of a language, by the place where it is.
    fn all(language: Language) -> Vec<(String, &'static str)> {
        let texts = Texts::of(language);
        let CodeTexts { problems, fields, events, notices, .. } = &texts.codes;
        let maps = [("problems", problems), ("fields", fields), ("events", events), ("notices", notices)];
        let of_map = maps.into_iter().flat_map(|(map, sentences)| {
            sentences.iter().map(move |(word, text)| (format!("{map}.{word}"), *text))
        });
        texts.pages.all().into_iter().chain(texts.console.all()).chain(of_map).collect()
    }

    #[test]
    fn every_text_is_in_its_own_language() {
        for language in Language::ALL {
            assert_eq!(Texts::of(language).codes.language, language.tag());
            for (name, text) in all(language) {
                assert!(!text.trim().is_empty(), "{name}");
                assert_eq!(text.chars().any(is_cyrillic), language == Language::Russian, "{name}: {text}");
            }
        }
    }

    #[test]
    fn languages_have_the_same_texts_with_the_same_places_for_values() {
        let (english, russian) = (all(Language::English), all(Language::Russian));
        assert_eq!(english.len(), russian.len());
        for ((name, english), (other, russian)) in english.into_iter().zip(russian) {
            assert_eq!(name, other);
            for place in ["{}", "{least}"] {
                assert_eq!(english.matches(place).count(), russian.matches(place).count(), "{name}");
            }
        }
    }

    #[test]
    fn every_word_of_the_api_has_a_text_and_no_other_one() {
        for language in Language::ALL {
            let codes = &Texts::of(language).codes;
            let words = |words: &[&'static str]| words.iter().copied().collect::<BTreeSet<_>>();
            let has = |sentences: &std::collections::BTreeMap<&'static str, &'static str>| {
                sentences.keys().copied().collect::<BTreeSet<_>>()
            };
            let problems: Vec<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
            assert_eq!(has(&codes.problems), words(&problems));
            assert_eq!(has(&codes.notices), NoticeKind::ALL.iter().map(|kind| kind.word()).collect());
            let events: Vec<_> = crate::sessions::history::event_names().collect();
            assert_eq!(has(&codes.events), words(&events));
            let rights: Vec<_> = Right::ALL.iter().map(|right| right.as_str()).collect();
            assert_eq!(has(&Texts::of(language).console.rights), words(&rights));
            let actions: Vec<_> = AuditAction::ALL.iter().map(|action| action.name()).collect();
            assert_eq!(has(&Texts::of(language).console.actions), words(&actions));
            for text in codes.problems.values() {
                assert!(text.ends_with('.') && text.len() > 20, "{text}");
            }
        }
    }
}
