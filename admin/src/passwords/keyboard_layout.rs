//! The keys of the Russian and the English keyboard layout: a password may be typed with the wrong one on purpose.

/// The keys of the two layouts, in the same order.
const ENGLISH: &str = "`qwertyuiop[]asdfghjkl;'zxcvbnm,.";
const ENGLISH_SHIFTED: &str = "~QWERTYUIOP{}ASDFGHJKL:\"ZXCVBNM<>";
const RUSSIAN: &str = "ёйцукенгшщзхъфывапролджэячсмитьбю";

/// The shortest row of neighbouring keys, in characters.
const LEAST_ROW: usize = 5;
/// The most digits and signs around it.
const MOST_AROUND: usize = 6;

/// The text that the same keys write in the Russian layout, in lower case.
pub(super) fn in_russian(text: &str) -> String {
    text.chars().map(russian_key).collect()
}

/// The text that the same keys write in the English layout, in lower case.
pub(crate) fn in_english(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).map(|letter| key(RUSSIAN, ENGLISH, letter)).collect()
}

/// Whether a password is a row of neighbouring keys in either layout, perhaps with a few digits or signs around it.
pub(super) fn is_row_of_keys(password: &str) -> bool {
    let keys = in_english(password);
    let row = keys.trim_matches(|letter: char| !letter.is_alphabetic());
    let length = row.chars().count();
    let place = |letter: char| ENGLISH.chars().position(|other| other == letter);
    let mut pairs = row.chars().zip(row.chars().skip(1));
    let are_neighbours =
        |(one, next)| place(one).zip(place(next)).is_some_and(|(one, next)| one.abs_diff(next) == 1);
    length >= LEAST_ROW && keys.chars().count() <= length + MOST_AROUND && pairs.all(are_neighbours)
}

fn russian_key(letter: char) -> char {
    let plain = key(ENGLISH, RUSSIAN, letter);
    if plain == letter { key(ENGLISH_SHIFTED, RUSSIAN, letter) } else { plain }
}

/// The character of `to` at the place of `letter` in `from`, or `letter` itself.
fn key(from: &str, to: &str, letter: char) -> char {
    from.chars().position(|other| other == letter).and_then(|place| to.chars().nth(place)).unwrap_or(letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_layouts_have_the_same_keys() {
        assert_eq!(ENGLISH.chars().count(), RUSSIAN.chars().count());
        assert_eq!(ENGLISH_SHIFTED.chars().count(), RUSSIAN.chars().count());
    }

    #[test]
    fn rows_of_keys_are_recognised() {
        for row in ["йцукенгш", "qwertyuiop", "zxcvbnm123", "12poiuyt", "ФЫВАПРОЛДЖ", "!asdfgh!"]
        {
            assert!(is_row_of_keys(row), "{row}");
        }
        for other in ["пароль12", "qwer1234", "йцук", "qwerty73920586", "qazwsxedc", ""] {
            assert!(!is_row_of_keys(other), "{other}");
        }
    }

    #[test]
    fn a_text_in_the_wrong_layout_is_read() {
        assert_eq!(in_russian("gfhjkm12"), "пароль12");
        assert_eq!(in_russian("K.,jdm"), "любовь");
        assert_eq!(in_english("Йцукен"), "qwerty");
        assert_eq!(in_english("qwerty"), "qwerty");
    }
}
