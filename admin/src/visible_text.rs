//! Texts that other people see: names, titles, descriptions.
//!
//! Such a text must not be empty to the eye, must not change how the text around it is shown, and must not differ from
//! another one only in what cannot be seen. So it has a visible character and no control character, no character that
//! changes the direction of writing (UAX 9), no line or paragraph separator, and none that Unicode shows as nothing
//! (`Default_Ignorable_Code_Point`), except where scripts and emoji need one: a joiner between two visible characters,
//! and a presentation selector after one.

use std::ops::RangeInclusive;

/// Whether a text may have several lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lines {
    /// One line.
    One,
    /// Any number, divided by U+000A.
    Many,
}

/// How a character is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shown {
    Visible,
    /// As space.
    Blank,
    /// U+200C and U+200D: as nothing, but the characters beside it are joined or divided.
    Joiner,
    /// U+FE0E and U+FE0F: the character before it as text or as an emoji.
    Selector,
    /// Not in a text that other people see.
    Refused,
}

/// Characters that are shown as nothing (`Default_Ignorable_Code_Point`), that change the direction of writing or
/// divide lines, and controls; joiners and selectors are excepted before.
const REFUSED: [RangeInclusive<char>; 19] = [
    '\0'..='\u{1f}',
    '\u{7f}'..='\u{9f}',
    '\u{ad}'..='\u{ad}',
    '\u{34f}'..='\u{34f}',
    '\u{61c}'..='\u{61c}',
    '\u{115f}'..='\u{1160}',
    '\u{17b4}'..='\u{17b5}',
    '\u{180b}'..='\u{180f}',
    '\u{200b}'..='\u{200f}',
    '\u{2028}'..='\u{202e}',
    '\u{2060}'..='\u{206f}',
    '\u{3164}'..='\u{3164}',
    '\u{fe00}'..='\u{fe0f}',
    '\u{feff}'..='\u{feff}',
    '\u{ffa0}'..='\u{ffa0}',
    '\u{fff0}'..='\u{fffb}',
    '\u{1bca0}'..='\u{1bca3}',
    '\u{1d173}'..='\u{1d17a}',
    '\u{e0000}'..='\u{e0fff}',
];

/// Whether `text` has 1 to `most` characters and may be shown to other people.
pub(crate) fn is_visible_text(text: &str, most: usize, lines: Lines) -> bool {
    (1..=most).contains(&text.chars().count()) && can_be_shown(text, lines)
}

/// `text` without what may not be shown, cut to `most` characters and trimmed, if anything visible is left: for names
/// that another service gives.
pub(crate) fn visible_part(text: &str, most: usize) -> Option<String> {
    let is_kept = |letter: &char| matches!(shown(*letter, Lines::One), Shown::Visible | Shown::Blank);
    let kept: String = text.chars().filter(is_kept).take(most).collect();
    Some(kept.trim().to_owned()).filter(|kept| can_be_shown(kept, Lines::One))
}

fn can_be_shown(text: &str, lines: Lines) -> bool {
    let (mut before, mut is_visible) = (Shown::Blank, false);
    for letter in text.chars() {
        let next = shown(letter, lines);
        let fits = match next {
            Shown::Visible => true,
            Shown::Blank => before != Shown::Joiner,
            Shown::Selector => before == Shown::Visible,
            Shown::Joiner => matches!(before, Shown::Visible | Shown::Selector),
            Shown::Refused => false,
        };
        if !fits {
            return false;
        }
        is_visible |= next == Shown::Visible;
        before = next;
    }
    is_visible && before != Shown::Joiner
}

fn shown(letter: char, lines: Lines) -> Shown {
    match letter {
        '\n' if lines == Lines::Many => Shown::Blank,
        '\u{200c}' | '\u{200d}' => Shown::Joiner,
        '\u{fe0e}' | '\u{fe0f}' => Shown::Selector,
        _ if REFUSED.iter().any(|range| range.contains(&letter)) => Shown::Refused,
        // An empty Braille cell.
        '\u{2800}' => Shown::Blank,
        _ if letter.is_whitespace() => Shown::Blank,
        _ => Shown::Visible,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn is_name(text: &str) -> bool {
        is_visible_text(text, 64, Lines::One)
    }

    #[test]
    fn names_in_all_scripts_are_shown() {
        for good in [
            "Анна",
            " Anna Maria ",
            "Jose\u{301}",
            "می\u{200c}خواهم",
            "क\u{94d}\u{200d}ष",
            "👨\u{200d}👩\u{200d}👧",
            "❤\u{fe0f}\u{200d}🔥",
            "1\u{fe0f}\u{20e3}",
            "名前",
            "-",
        ] {
            assert!(is_name(good), "{good}");
        }
    }

    #[test]
    fn what_cannot_be_seen_or_changes_the_text_around_it_is_refused() {
        for bad in [
            "",
            "   ",
            "\u{a0}",
            "\u{2800}",
            "\u{200d}",
            "\u{3164}",
            "\u{115f}",
            "a\u{202e}b",
            "a\u{2066}b",
            "a\u{200f}",
            "a\u{61c}",
            "a\u{2028}b",
            "a\u{2029}b",
            "a\nb",
            "a\u{85}b",
            "a\u{ad}b",
            "a\u{200b}b",
            "a\u{feff}",
            "a\u{e0067}",
            "a\u{fe00}",
            "a\u{200d}",
            "\u{200d}a",
            "a \u{200d}b",
            "a\u{200d}\u{200d}b",
            "\u{fe0f}a",
        ] {
            assert!(!is_name(bad), "{bad:?}");
        }
        assert!(!is_name(&"a".repeat(65)) && is_name(&"ж".repeat(64)));
    }

    #[test]
    fn only_some_texts_have_several_lines() {
        assert!(is_visible_text("a\nb", 3, Lines::Many));
        assert!(!is_visible_text("\n\n", 3, Lines::Many));
        assert!(!is_visible_text("a\rb", 3, Lines::Many));
        assert!(!is_visible_text("a\u{2028}b", 3, Lines::Many));
    }

    #[test]
    fn the_visible_part_of_a_name_is_kept() {
        assert_eq!(visible_part(" \u{202e}Anna\u{200b} ", 64).as_deref(), Some("Anna"));
        assert_eq!(visible_part("Anna Maria", 5).as_deref(), Some("Anna"));
        assert_eq!(visible_part("\u{2800}\u{3164}", 64), None);
    }

    proptest! {
        #[test]
        fn a_visible_part_is_visible(text in "\\PC*|[a \u{200d}\u{fe0f}\u{202e}\u{2800}]*") {
            if let Some(part) = visible_part(&text, 16) {
                prop_assert!(is_visible_text(&part, 16, Lines::One), "{part:?}");
            }
        }

        #[test]
        fn any_text_is_judged_without_panic(text: String) {
            if is_name(&text) {
                prop_assert!(!text.chars().any(char::is_control) && !text.trim().is_empty());
            }
        }
    }
}
