//! Lists of words that passwords are often made of, searched as they are stored: nothing is built at the start.
//!
//! `words/NOTICE.md` has their sources and licences.

/// Words in ascending order of their bytes, one a line: the word, its kind, and how much guessing it takes.
#[derive(Clone, Copy)]
pub(super) struct WordList(&'static str);

/// A word of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ListedWord {
    /// Whether it is the name of a person or a place.
    pub(super) is_name: bool,
    /// The binary logarithm of the attempts that find it, tried in the order of frequency.
    pub(super) bits: u32,
}

/// Russian words in lower case, with `е` for `ё`.
pub(super) const RUSSIAN: WordList = WordList(include_str!("words/russian.txt"));

/// The same words in Latin letters, as `transliteration::of_latin` folds them.
pub(super) const TRANSLITERATED: WordList = WordList(include_str!("words/latin.txt"));

impl WordList {
    /// The entry of `word`, if it is in the list.
    pub(super) fn find(self, word: &str) -> Option<ListedWord> {
        // The lines that may be the one: `rest` begins at the start of a line and ends after one.
        let mut rest = self.0;
        while !rest.is_empty() {
            let middle = rest.as_bytes().get(..rest.len() / 2)?;
            let start = middle.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
            let (before, from_line) = rest.split_at_checked(start)?;
            let (line, after) = from_line.split_once('\n')?;
            let (listed, entry) = line.split_once(' ')?;
            match word.cmp(listed) {
                std::cmp::Ordering::Equal => return parse(entry),
                std::cmp::Ordering::Less => rest = before,
                std::cmp::Ordering::Greater => rest = after,
            }
        }
        None
    }

    /// All words.
    #[cfg(test)]
    pub(super) fn words(self) -> impl Iterator<Item = (&'static str, ListedWord)> {
        self.0.lines().map(|line| {
            let (word, entry) = line.split_once(' ').unwrap();
            (word, parse(entry).unwrap())
        })
    }
}

fn parse(entry: &str) -> Option<ListedWord> {
    let (kind, bits) = entry.split_once(' ')?;
    Some(ListedWord { is_name: kind == "n", bits: bits.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::super::transliteration::of_russian;
    use super::*;

    #[test]
    fn both_lists_are_sorted_and_every_word_is_found() {
        for list in [RUSSIAN, TRANSLITERATED] {
            assert!(list.words().is_sorted_by(|(word, _), (next, _)| word < next));
            assert!(list.words().all(|(word, entry)| list.find(word) == Some(entry)));
        }
        assert!(RUSSIAN.words().count() > 10_000);
    }

    #[test]
    fn the_latin_list_has_the_words_of_the_russian_one() {
        let mut folded = BTreeMap::<String, ListedWord>::new();
        for (word, entry) in RUSSIAN.words() {
            let latin = of_russian(word);
            let known = folded.entry(latin).or_insert(entry);
            if entry.bits < known.bits {
                *known = entry;
            }
        }
        folded.retain(|word, _| word.len() >= 3);
        let listed: BTreeMap<_, _> =
            TRANSLITERATED.words().map(|(word, entry)| (word.to_owned(), entry)).collect();
        assert_eq!(listed, folded);
    }

    #[test]
    fn entries_say_what_they_are() {
        assert_eq!(RUSSIAN.find("наташа"), Some(ListedWord { is_name: true, bits: 8 }));
        assert!(RUSSIAN.find("пароль").is_some_and(|word| !word.is_name));
        for absent in ["", "а", "наташ ", "наташа n", "яяя", "zzz", "\n"] {
            assert_eq!(RUSSIAN.find(absent), None, "{absent:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_looked_up_without_panic(text in "\\PC{0,24}|[а-я \n]{0,24}") {
            let _any = (RUSSIAN.find(&text), TRANSLITERATED.find(&text));
        }
    }
}
