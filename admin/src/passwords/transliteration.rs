//! Russian in Latin letters: the many ways of writing one word are folded into one.
//!
//! `natalya`, `natalia` and `nataliya` are the same. Capital letters stand for the sounds that have no Latin letter.

/// What Latin letters may stand for, the longest first.
const LATIN: [(&str, &str); 24] = [
    ("shch", "S"),
    ("sch", "S"),
    ("sh", "S"),
    ("zh", "Z"),
    ("kh", "h"),
    ("ch", "C"),
    ("tz", "c"),
    ("ts", "c"),
    ("yu", "u"),
    ("ju", "u"),
    ("iu", "u"),
    ("ya", "ia"),
    ("ja", "ia"),
    ("ye", "e"),
    ("je", "e"),
    ("yo", "e"),
    ("jo", "e"),
    ("x", "ks"),
    ("y", "i"),
    ("j", "Z"),
    ("w", "v"),
    ("q", "k"),
    ("'", ""),
    ("`", ""),
];

/// What Russian letters are folded into.
const RUSSIAN: [(char, &str); 32] = [
    ('а', "a"),
    ('б', "b"),
    ('в', "v"),
    ('г', "g"),
    ('д', "d"),
    ('е', "e"),
    ('ж', "Z"),
    ('з', "z"),
    ('и', "i"),
    ('й', "i"),
    ('к', "k"),
    ('л', "l"),
    ('м', "m"),
    ('н', "n"),
    ('о', "o"),
    ('п', "p"),
    ('р', "r"),
    ('с', "s"),
    ('т', "t"),
    ('у', "u"),
    ('ф', "f"),
    ('х', "h"),
    ('ц', "c"),
    ('ч', "C"),
    ('ш', "S"),
    ('щ', "S"),
    ('ъ', ""),
    ('ы', "i"),
    ('ь', ""),
    ('э', "e"),
    ('ю', "u"),
    ('я', "ia"),
];

/// Folds Latin letters in lower case; everything else stays.
pub(super) fn of_latin(text: &str) -> String {
    let (mut folded, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(letter) = rest.chars().next() {
        let found = LATIN.iter().find_map(|(from, to)| Some((rest.strip_prefix(from)?, to)));
        match found {
            Some((after, to)) => {
                folded.push_str(to);
                rest = after;
            }
            None => {
                folded.push(letter);
                rest = rest.get(letter.len_utf8()..).unwrap_or_default();
            }
        }
    }
    tidy(&folded)
}

/// The same fold of Russian letters in lower case; everything else is left out.
pub(super) fn of_russian(text: &str) -> String {
    let fold =
        |letter: char| RUSSIAN.iter().find(|(russian, _)| *russian == letter).map(|(_, folded)| *folded);
    let folded: String = text.chars().filter_map(fold).collect();
    tidy(&folded)
}

/// Sounds that are written in several ways, and doubled letters.
fn tidy(text: &str) -> String {
    let mut tidied = String::with_capacity(text.len());
    for letter in text.replace("sC", "S").replace("ie", "e").chars() {
        if letter.is_ascii_digit() || !tidied.ends_with(letter) {
            tidied.push(letter);
        }
    }
    tidied
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_spelling_is_the_same() {
        for (russian, spellings) in [
            ("наталья", &["natalya", "natalia", "nataliya"][..]),
            ("сергей", &["sergey", "sergei"]),
            ("евгений", &["evgeny", "evgeniy", "yevgeny", "evgenii"]),
            ("юлия", &["yulia", "julia", "iuliya"]),
            ("алексей", &["alexey", "aleksei"]),
            ("щука", &["shchuka", "schuka", "shuka"]),
            ("счастье", &["schastie", "schastye"]),
            ("любовь", &["lyubov", "ljubov", "lubov", "lyubov'"]),
            ("алена", &["alena", "alyona"]),
        ] {
            for spelling in spellings {
                assert_eq!(of_latin(spelling), of_russian(russian), "{spelling}");
            }
        }
    }

    #[test]
    fn digits_and_other_characters_stay() {
        assert_eq!(of_latin("parol-1122!"), "parol-1122!");
    }

    proptest! {
        #[test]
        fn any_text_is_folded_without_panic(text: String) {
            prop_assert!(of_latin(&text).len() <= text.len() * 2);
        }
    }
}
