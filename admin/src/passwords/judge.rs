//! Whether a new password is hard enough to guess, in bounded time.
//!
//! zxcvbn tries each substring of a password with each way of reading its look-alike characters (`@` as `a`, `1` as
//! `i` or `l`), of which there can be thousands. So a password is judged in parts, each short enough for the number
//! of its readings. It is at least as hard to guess as its hardest part, so one part that is hard enough suffices.

use std::ops::ControlFlow;

use zxcvbn::{Entropy, Score, zxcvbn};

use super::password::{Password, Weakness};
use super::reason::WeaknessReason;
use super::russian::{find_words, on_english_keys};

/// Guessing must take at least some million attempts, more than throttled attempts can reach.
const LEAST_SCORE: Score = Score::Two;

/// Words that users of this service are likely to choose.
const HOUSE_WORDS: [&str; 4] = ["usher", "cinema", "film", "movie"];

/// The longest part, in characters. Searching for repetitions takes the cube of it.
const MAX_PART: usize = 32;

/// The most substrings of a part, each counted once for every reading.
const MAX_PART_WORK: usize = 40_000;

/// The same for all parts together. What is left of a password is not judged.
const MAX_WORK: usize = 2 * MAX_PART_WORK;

/// Own words from this length on are removed from the password before it is judged in parts, because a part might
/// contain only some of it. zxcvbn finds shorter ones.
const LONG_WORD: usize = 8;

/// The characters that zxcvbn reads as another one, and as how many others.
const LOOK_ALIKES: [(&str, &[char]); 12] = [
    ("a", &['4', '@']),
    ("b", &['8']),
    ("c", &['(', '{', '[', '<']),
    ("e", &['3']),
    ("g", &['6', '9']),
    ("i", &['1', '!', '|']),
    ("l", &['1', '|', '7']),
    ("o", &['0']),
    ("s", &['$', '5']),
    ("t", &['+', '7']),
    ("x", &['%']),
    ("z", &['2']),
];

/// The weaknesses of a new password with a valid form, for a user whose names are `own_words`. Empty when it is
/// acceptable.
///
/// Takes milliseconds of computation: never call it on a thread of the async runtime.
pub(super) fn judge(password: &Password, own_words: &[String]) -> Vec<Weakness> {
    // Gaps between common words make no common sentence uncommon.
    let is_gap = |letter: char| letter.is_whitespace() || "-_.,".contains(letter);
    let solid = password.expose().replace(is_gap, "");
    let words = find_words(password.expose(), own_words).or_else(|| find_words(&solid, own_words));
    let reason = words.or_else(|| {
        // Capital letters make no common password uncommon.
        let lower = password.expose().to_lowercase();
        let texts = [on_english_keys(&lower), Some(lower), Some(solid.to_lowercase())];
        texts.iter().flatten().find_map(|text| estimate(text, own_words))
    });
    reason.map(WeaknessReason::explain).unwrap_or_default()
}

/// Why zxcvbn finds a text easy to guess; `None` if it does not.
fn estimate(text: &str, own_words: &[String]) -> Option<WeaknessReason> {
    let text = without_long_words(text, own_words);
    let text = without_repetition(&text);
    let words: Vec<&str> = own_words.iter().map(String::as_str).chain(HOUSE_WORDS).collect();
    let judged = parts(text).try_fold(None::<Entropy>, |hardest, part| {
        let entropy = zxcvbn(&part, &words);
        if entropy.score() >= LEAST_SCORE {
            return ControlFlow::Break(());
        }
        let is_harder = hardest.as_ref().is_none_or(|other| entropy.guesses() > other.guesses());
        ControlFlow::Continue(if is_harder { Some(entropy) } else { hardest })
    });
    match judged {
        ControlFlow::Break(()) => None,
        // Nothing is left but the words of the owner.
        ControlFlow::Continue(None) => Some(WeaknessReason::OwnWords),
        ControlFlow::Continue(Some(hardest)) => Some(WeaknessReason::of(&hardest, own_words)),
    }
}

/// The password without the long words of its owner; in lower case if it contains one.
fn without_long_words(password: &str, own_words: &[String]) -> String {
    let lower = password.to_lowercase();
    let is_long = |word: &&String| word.chars().count() >= LONG_WORD;
    let rest = own_words.iter().filter(is_long).fold(lower.clone(), |text, word| text.replace(word, ""));
    if rest == lower { password.to_owned() } else { rest }
}

/// The text that a password repeats, or the whole password if it does not repeat any. The last repetition may be cut.
fn without_repetition(text: &str) -> &str {
    let letters: Vec<char> = text.chars().collect();
    // The borders of each beginning of the text (Knuth, Morris and Pratt): the longest one that is also its end.
    let mut borders = vec![0_usize];
    for end in 1..letters.len() {
        let mut border = borders.last().copied().unwrap_or_default();
        while border > 0 && letters.get(border) != letters.get(end) {
            border = borders.get(border - 1).copied().unwrap_or_default();
        }
        borders.push(border + usize::from(letters.get(border) == letters.get(end)));
    }
    let period = letters.len() - borders.last().copied().unwrap_or_default();
    let is_repeated = period * 2 <= letters.len();
    let end = text.char_indices().nth(period).map_or(text.len(), |(at, _)| at);
    if is_repeated { text.get(..end).unwrap_or(text) } else { text }
}

/// The parts of a password, from its beginning, as long as their work is within the limits.
fn parts(text: &str) -> impl Iterator<Item = String> {
    let (mut rest, mut left) = (text, MAX_WORK);
    std::iter::from_fn(move || {
        let (part, work) = first_part(rest);
        left = left.checked_sub(work)?;
        rest = rest.get(part.len()..)?;
        (!part.is_empty()).then(|| part.to_owned())
    })
}

/// The longest part from the beginning of `text`, and its work.
fn first_part(text: &str) -> (&str, usize) {
    let ends = text.char_indices().map(|(start, character)| start + character.len_utf8());
    let lengths = (1..=MAX_PART).zip(ends);
    let works = lengths.map_while(|(length, end)| {
        let part = text.get(..end)?;
        let work = length * (length + 1) / 2 * readings(part);
        (work <= MAX_PART_WORK).then_some((part, work))
    });
    works.last().unwrap_or_default()
}

/// At most how many texts zxcvbn tries for a part, itself included.
///
/// Each letter is read from each of its look-alikes in the part; one that also looks like another letter counts twice.
fn readings(part: &str) -> usize {
    let letters_of = |look_alike| LOOK_ALIKES.iter().filter(|(_, all)| all.contains(&look_alike)).count();
    let present =
        |all: &[char]| all.iter().filter(|one| part.contains(**one)).map(|one| letters_of(*one)).sum();
    1 + LOOK_ALIKES.iter().map(|(_, all)| present(all)).filter(|count: &usize| *count > 0).product::<usize>()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn codes(text: &str, own_words: &[&str]) -> Vec<&'static str> {
        let own_words: Vec<_> = own_words.iter().map(|word| (*word).to_owned()).collect();
        judge(&Password::new(text), &own_words).iter().map(|weakness| weakness.code).collect()
    }

    fn work(text: &str) -> usize {
        parts(without_repetition(text)).map(|part| first_part(&part).1).sum()
    }

    #[test]
    fn valid_passwords_are_accepted() {
        for good in
            ["correct horse battery staple", "vM7#qLx2!", "мой любимый фильм 1979", "🎬🍿🎟️🎥📽️🎞️🎭🎪"]
        {
            assert_eq!(codes(good, &[]), Vec::<&str>::new(), "{good}");
        }
        assert_eq!(codes(&"no two nights alike ".repeat(6), &[]), Vec::<&str>::new());
        assert_eq!(codes("4@8({[<369!|7$5+%210", &[]), Vec::<&str>::new());
    }

    #[test]
    fn common_passwords_are_refused_with_reasons() {
        for bad in ["password", "12345678", "qwertyuiop", "iloveyou", "Password1", "aaaaaaaa", "letmein123"] {
            assert!(codes(bad, &[]).contains(&"password_advice"), "{bad}");
        }
    }

    #[test]
    fn gaps_make_no_common_sentence_uncommon() {
        for bad in ["я тебя люблю", "я-люблю-тебя", "i-love-you", "п а р о л ь 1 2", "pass word_1"]
        {
            assert!(!codes(bad, &[]).is_empty(), "{bad}");
        }
    }

    #[test]
    fn a_repeated_text_is_as_weak_as_the_text() {
        for base in ["a", "ab", "password", "1234567890", "01.02.1990", "4@8("] {
            let long: String = base.chars().cycle().take(128).collect();
            assert!(codes(&long, &[]).contains(&"password_advice"), "{long}");
        }
    }

    #[test]
    fn the_owners_own_words_are_refused() {
        let own = ["thomas.anderson77", "neo@example.org"];
        assert!(codes("thomas.anderson77", &own).contains(&"password_advice"));
        assert!(codes("neo@example.org", &own).contains(&"password_advice"));
        assert_eq!(codes("thomas.anderson77", &[]), Vec::<&str>::new());
        // Longer than a part, of which no part is the whole.
        let long = "the.one.with.the.longest.address.of.all@matrix.example.org";
        assert!(codes(long, &[long]).contains(&"password_advice"));
        assert!(codes(&long.to_uppercase(), &[long]).contains(&"password_advice"));
        assert_eq!(codes(long, &[]), Vec::<&str>::new());
    }

    #[test]
    fn a_hard_part_anywhere_suffices() {
        let late = format!("{}{}vM7#qLx2!kP", "a".repeat(32), "b".repeat(32));
        assert_eq!(codes(&late, &[]), Vec::<&str>::new());
    }

    #[test]
    fn every_reading_that_zxcvbn_tries_is_counted() {
        // In the worst case: `1` and `|` are read as i or l, `7` as l or t.
        // With one for no replacement at all.
        assert_eq!(readings("abc"), 2);
        assert_eq!(readings("4"), 2);
        assert_eq!(readings("4@"), 3);
        assert_eq!(readings("1"), 5);
        assert_eq!(readings("4@8({[<369!|7$5+%210"), 1 + 2 * 4 * 2 * 5 * 6 * 2 * 3);
    }

    #[test]
    fn crafted_passwords_are_judged_within_the_limit() {
        let look_alikes = "4@8({[<369!|7$5+%210";
        for period in 1..=look_alikes.len() {
            let piece: String = look_alikes.chars().take(period).collect();
            for text in [piece.clone(), format!("password{piece}"), format!("{piece}qwerty 01.02.1990")] {
                let long: String = text.chars().cycle().take(127).chain(['x']).collect();
                assert!(work(&long) <= MAX_WORK, "{long}");
            }
        }
    }

    proptest! {
        #[test]
        fn any_text_is_judged_within_the_limit(text in "\\PC{0,128}|[1!|7@4({\\[<$5+ ]{0,128}|[0-9./]{0,128}") {
            prop_assert!(work(&text) <= MAX_WORK);
            prop_assert!(parts(&text).all(|part| part.chars().count() <= MAX_PART));
            let _any = judge(&Password::new(&text), &["neo".to_owned(), text.clone()]);
        }

        #[test]
        fn what_repeats_is_found_again(base in "[ab]{1,6}", times in 2..6_usize, cut in 0..6_usize) {
            let text: String = base.chars().cycle().take(base.len() * times + cut.min(base.len())).collect();
            let found = without_repetition(&text);
            prop_assert!(found.len() <= base.len());
            prop_assert_eq!(found.chars().cycle().take(text.len()).collect::<String>(), text.clone());
        }
    }
}
