//! Whether a new password is made of Russian words: as typed, in the other keyboard layout, or in Latin letters.

use super::dictionary::{RUSSIAN, TRANSLITERATED};
use super::keyboard_layout::{in_english, in_russian, is_row_of_keys};
use super::reading::{Lexicon, Reading, Spelling};
use super::reason::WeaknessReason;
use super::transliteration::{of_latin, of_russian};

/// Fewer bits are too easy to guess: some million attempts, more than throttled ones can reach.
const LEAST_BITS: u32 = 24;

/// The most own words that are looked for.
const MOST_OWN_WORDS: usize = 64;

/// The shortest own word that is looked for, in letters.
const LEAST_OWN_WORD: usize = 3;

/// What may stand for Russian letters: digits, signs, and Latin letters of the same shape.
const LOOK_ALIKES: [(char, char); 19] = [
    ('0', 'о'),
    ('3', 'з'),
    ('4', 'ч'),
    ('6', 'б'),
    ('1', 'и'),
    ('@', 'а'),
    ('$', 'с'),
    ('a', 'а'),
    ('e', 'е'),
    ('o', 'о'),
    ('p', 'р'),
    ('c', 'с'),
    ('x', 'х'),
    ('y', 'у'),
    ('k', 'к'),
    ('m', 'м'),
    ('t', 'т'),
    ('h', 'н'),
    ('b', 'в'),
];

/// The same for Latin letters.
const LATIN_LOOK_ALIKES: [(char, char); 9] = [
    ('0', 'o'),
    ('3', 'e'),
    ('4', 'a'),
    ('6', 'b'),
    ('@', 'a'),
    ('1', 'i'),
    ('$', 's'),
    ('5', 's'),
    ('7', 't'),
];

/// Why `password` is easy to guess for one who knows Russian; `None` if it is not. `own_words` are the names of its
/// owner.
pub(super) fn find_words(password: &str, own_words: &[String]) -> Option<WeaknessReason> {
    if is_row_of_keys(password) {
        return Some(WeaknessReason::Keyboard);
    }
    let lower = without_yo(password);
    let own = split(own_words);
    let in_cyrillic =
        |text: String| read(text, &Lexicon { list: RUSSIAN, look_alikes: &LOOK_ALIKES, own_words: &own });
    let folded = own.iter().flat_map(|word| [of_latin(word), of_russian(word)]);
    let folded: Vec<String> = folded.filter(|word| word.len() >= LEAST_OWN_WORD).collect();
    let in_latin = |text: &str| {
        let lexicon = Lexicon { list: TRANSLITERATED, look_alikes: &LATIN_LOOK_ALIKES, own_words: &folded };
        read(of_latin(text), &lexicon)
    };
    let readings = [
        in_cyrillic(lower.clone()),
        in_cyrillic(without_yo(&in_russian(password))),
        in_latin(&lower),
        in_latin(&in_english(password)),
    ];
    let easiest = readings.into_iter().min_by_key(|reading| reading.bits())?;
    (easiest.bits() < LEAST_BITS).then(|| reason(easiest))
}

/// The text of the same keys in the English layout, if there are Russian letters in it: keyboard walks and passwords
/// of other lists are found in it.
pub(super) fn on_english_keys(password: &str) -> Option<String> {
    let is_russian = |letter: char| matches!(letter, 'а'..='я' | 'А'..='Я' | 'ё' | 'Ё');
    password.contains(is_russian).then(|| in_english(password))
}

fn read(text: String, lexicon: &Lexicon<'_>) -> Reading {
    Spelling::new(text, lexicon).read(lexicon)
}

fn reason(reading: Reading) -> WeaknessReason {
    if reading.has_own_word {
        WeaknessReason::OwnWords
    } else if reading.has_name {
        WeaknessReason::Name
    } else if reading.has_word {
        WeaknessReason::Word
    } else {
        WeaknessReason::Pattern
    }
}

fn without_yo(text: &str) -> String {
    text.to_lowercase().replace('ё', "е")
}

/// The words of the owner's names: `anna`, `petrova` and `1985` of `Anna.Petrova1985`.
fn split(own_words: &[String]) -> Vec<String> {
    let is_gap = |letter: char| !letter.is_alphanumeric();
    let words = own_words.iter().flat_map(|words| words.split(is_gap));
    let words = words.flat_map(|word| [word, word.trim_matches(|letter: char| letter.is_ascii_digit())]);
    let words = words.filter(|word| word.chars().count() >= LEAST_OWN_WORD).map(without_yo);
    words.take(MOST_OWN_WORDS).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(password: &str, own_words: &[&str]) -> Option<WeaknessReason> {
        let own_words: Vec<String> = own_words.iter().map(|word| (*word).to_owned()).collect();
        find_words(password, &own_words)
    }

    #[test]
    fn russian_words_are_found_in_every_spelling() {
        for (password, reason) in [
            ("пароль12", WeaknessReason::Word),
            ("gfhjkm12", WeaknessReason::Word),
            ("parol123", WeaknessReason::Word),
            ("ПАРОЛЬ!!", WeaknessReason::Word),
            ("пар0ль77", WeaknessReason::Word),
            ("пapoль77", WeaknessReason::Word),
            ("зфкщд123", WeaknessReason::Word),
            ("ghbdtn123", WeaknessReason::Word),
            ("любимая2024", WeaknessReason::Word),
            ("ялюблютебя", WeaknessReason::Word),
            ("наташа1990", WeaknessReason::Name),
            ("наташанаташа", WeaknessReason::Name),
            ("1990наташа", WeaknessReason::Name),
            ("yfnfif1990", WeaknessReason::Name),
            ("marina1985", WeaknessReason::Name),
            ("Alyona31121999", WeaknessReason::Name),
        ] {
            assert_eq!(found(password, &[]), Some(reason), "{password}");
        }
    }

    #[test]
    fn other_passwords_are_not() {
        for good in ["мой любимый фильм 1979", "correct horse battery staple", "vM7#qLx2!", "щгъжфэцй"]
        {
            assert_eq!(found(good, &[]), None, "{good}");
        }
    }

    #[test]
    fn the_owners_words_are_found_in_every_spelling() {
        let own = ["Анна Незнайкина", "neo.anderson77@example.org"];
        for password in
            ["незнайкина7", "ytpyfqrbyf7", "neznaikina7", "Anderson.2024", "фтвукыщт24", "neo@example.org"]
        {
            assert_eq!(found(password, &own), Some(WeaknessReason::OwnWords), "{password}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "\\PC{0,128}|[а-яА-ЯёЁa-z0-9]{0,128}", own in "\\PC{0,40}") {
            let _any = find_words(&text, &[own]);
        }
    }
}
