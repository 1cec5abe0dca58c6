//! No file of the repository uses a phrase of `words.txt`, so that every sentence is clear to engineers whose
//! first language is not English.

use std::ops::Range;

use regex::{Regex, RegexBuilder};

use crate::workspace::{ROOT, files, shown};

/// Files whose text is not ours, is a record of the past, or is this list.
const LEFT_OUT: &[&str] = &[
    "LICENSE",
    "admin/src/passwords/words/NOTICE.md",
    "Cargo.lock",
    "package-lock.json",
    "openapi-3.1.json",
    "bench/runs/",
    "migrations/V",
    "words.txt",
    "conventions/words.rs",
];

/// A phrase and what to write instead.
struct Word {
    phrase: Regex,
    instead: String,
}

#[test]
fn no_file_uses_a_word_of_the_list() {
    let words = words();
    let mut found = Vec::new();
    for path in files(&ROOT) {
        let name = shown(&path);
        if LEFT_OUT.iter().any(|left_out| name.contains(left_out)) {
            continue;
        }
        // A file that is not text has no sentences.
        if let Ok(text) = std::fs::read_to_string(&path) {
            found.extend(
                uses(&words, &text)
                    .map(|(line, used, instead)| format!("{name}:{line}: \"{used}\": {instead}")),
            );
        }
    }
    assert!(found.is_empty(), "{} sentences to write in plain words:\n{}", found.len(), found.join("\n"));
}

#[test]
fn a_phrase_is_found_in_any_case_and_over_the_end_of_a_line() {
    let words = words();
    let text = "//! Nobody asks.\n// It is\n// of Late so. nobody_asks\n";
    let found: Vec<_> = uses(&words, text).map(|(line, used, _)| (line, used)).collect();
    assert_eq!(found, [(1, "Nobody".to_owned()), (3, "of Late".to_owned())]);
    let broken = uses(&words, "# It is of\n#   late\n").map(|(line, ..)| line).collect::<Vec<_>>();
    assert_eq!(broken, [1]);
}

fn words() -> Vec<Word> {
    let lines =
        include_str!("../../words.txt").lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| word(line).unwrap_or_else(|| panic!("not `phrase -> instead`: {line}"))).collect()
}

fn word(line: &str) -> Option<Word> {
    let (phrase, instead) = line.split_once(" -> ")?;
    let parts: Vec<_> = phrase.split(' ').map(regex::escape).collect();
    let pattern = format!(r"\b{}\b", parts.join(r"\s+(?:(?://[/!]?|#|\*|--)\s+)?"));
    let phrase = RegexBuilder::new(&pattern).case_insensitive(true).build().unwrap();
    Some(Word { phrase, instead: instead.to_owned() })
}

/// Each use: its line, how it is written there, and what to write instead.
fn uses<'a>(words: &'a [Word], text: &'a str) -> impl Iterator<Item = (usize, String, &'a str)> {
    words.iter().flat_map(move |word| {
        let found = word.phrase.find_iter(text).filter(|found| !is_value(text, found.range()));
        found.map(move |found| {
            let line = text[..found.start()].matches('\n').count() + 1;
            (line, found.as_str().to_owned(), word.instead.as_str())
        })
    })
}

/// Whether it is a value and not a word of a sentence: the user `nobody` of Unix, an address.
fn is_value(text: &str, found: Range<usize>) -> bool {
    let (before, after) = (text[..found.start].chars().next_back(), text[found.end..].chars().next());
    after == Some('@') || (before == after && matches!(before, Some('"' | '\'' | '`')))
}
