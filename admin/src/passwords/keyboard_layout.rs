//! The keys of the Russian and the English keyboard layout: a password may be typed with the wrong one on purpose.

/// The keys of the two layouts, in the same order.
const ENGLISH: &str = "`qwertyuiop[]asdfghjkl;'zxcvbnm,.";
const ENGLISH_SHIFTED: &str = "~QWERTYUIOP{}ASDFGHJKL:\"ZXCVBNM<>";
const RUSSIAN: &str = "ёйцукенгшщзхъфывапролджэячсмитьбю";

/// The text that the same keys write in the Russian layout, in lower case.
pub(super) fn in_russian(text: &str) -> String {
    text.chars().map(russian_key).collect()
}

/// The text that the same keys write in the English layout, in lower case.
pub(super) fn in_english(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).map(|letter| key(RUSSIAN, ENGLISH, letter)).collect()
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
    fn a_text_in_the_wrong_layout_is_read() {
        assert_eq!(in_russian("gfhjkm12"), "пароль12");
        assert_eq!(in_russian("K.,jdm"), "любовь");
        assert_eq!(in_english("Йцукен"), "qwerty");
        assert_eq!(in_english("qwerty"), "qwerty");
    }
}
