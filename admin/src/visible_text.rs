//! Texts that other people see: names, titles, descriptions.
//!
//! Such a text must not be empty to the eye, must not change how the text around it is shown, and must not differ from
//! another one only in what cannot be seen. So it has a visible character and no control character, no character that
//! changes the direction of writing (UAX 9), no line or paragraph separator, and none that Unicode shows as nothing
//! (`Default_Ignorable_Code_Point`), except where scripts and emoji need one: a joiner between two visible characters,
//! and a presentation selector after one.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use unicode_normalization::char::is_combining_mark;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// Whether a text may have several lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lines {
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

/// Characters that are shown as space: white space that is not refused, and an empty Braille cell.
const BLANK: [RangeInclusive<char>; 8] = [
    ' '..=' ',
    '\u{a0}'..='\u{a0}',
    '\u{1680}'..='\u{1680}',
    '\u{2000}'..='\u{200a}',
    '\u{202f}'..='\u{202f}',
    '\u{205f}'..='\u{205f}',
    '\u{2800}'..='\u{2800}',
    '\u{3000}'..='\u{3000}',
];

/// How long a name or a title may be, in characters.
const MOST_IN_LINE: usize = 64;

/// How long a description or a reason may be, in characters.
const MOST_IN_TEXT: usize = 500;

/// The schema of a name or a title in the API document.
pub(crate) struct VisibleLine;

/// The schema of a description or a reason.
pub(crate) struct VisibleText;

impl PartialSchema for VisibleLine {
    fn schema() -> RefOr<Schema> {
        schema(
            "With at least one visible character, and without control characters, characters that change the direction \
            of writing, and invisible characters.",
            MOST_IN_LINE,
            Lines::One,
        )
    }
}

impl PartialSchema for VisibleText {
    fn schema() -> RefOr<Schema> {
        schema("A text of the same characters, and of line breaks.", MOST_IN_TEXT, Lines::Many)
    }
}

impl ToSchema for VisibleLine {
    fn name() -> Cow<'static, str> {
        "VisibleLine".into()
    }
}

impl ToSchema for VisibleText {
    fn name() -> Cow<'static, str> {
        "VisibleText".into()
    }
}

fn schema(description: &str, most: usize, lines: Lines) -> RefOr<Schema> {
    let text = ObjectBuilder::new().schema_type(utoipa::openapi::Type::String).description(Some(description));
    text.min_length(Some(1)).max_length(Some(most)).pattern(Some(pattern(lines))).into()
}

/// A regular expression (ECMA 262, with the flag `u`) for the texts that [`can_be_shown`].
fn pattern(lines: Lines) -> String {
    let class = |ranges: &[RangeInclusive<char>]| ranges.iter().map(written).collect::<String>();
    let blank = format!("[{}{}]", if lines == Lines::Many { "\\n" } else { "" }, class(&BLANK));
    let visible = format!("[^{}{}]", class(&REFUSED), class(&BLANK));
    let (selector, joiner) = ("[\\ufe0e\\ufe0f]", "[\\u200c\\u200d]");
    format!(
        "^{blank}*{visible}(?:{selector}?{joiner}?{visible}|{selector}?{blank}+{visible})*{selector}?{blank}*$"
    )
}

fn written(range: &RangeInclusive<char>) -> String {
    let letter = |letter: &char| match u32::from(*letter) {
        code @ ..=0xff => format!("\\x{code:02x}"),
        code @ ..=0xffff => format!("\\u{code:04x}"),
        code => format!("\\u{{{code:x}}}"),
    };
    let (first, last) = (range.start(), range.end());
    if first == last { letter(first) } else { format!("{}-{}", letter(first), letter(last)) }
}

/// Whether `text` may be a name or a title that other people see.
pub(crate) fn is_visible_line(text: &str) -> bool {
    text.chars().count() <= MOST_IN_LINE && can_be_shown(text, Lines::One)
}

/// Whether `text` may be a description or a reason that other people see.
pub(crate) fn is_visible_text(text: &str) -> bool {
    text.chars().count() <= MOST_IN_TEXT && can_be_shown(text, Lines::Many)
}

/// `text` without what may not be in a name, cut to the length of one and trimmed, if anything visible is left: for
/// names that another service gives.
pub(crate) fn visible_part(text: &str) -> Option<String> {
    let is_kept = |letter: &char| matches!(shown(*letter, Lines::One), Shown::Visible | Shown::Blank);
    let kept: String = text.chars().filter(is_kept).take(MOST_IN_LINE).collect();
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
        is_visible |= next == Shown::Visible && !is_combining_mark(letter);
        before = next;
    }
    is_visible && before != Shown::Joiner
}

fn shown(letter: char, lines: Lines) -> Shown {
    match letter {
        '\n' if lines == Lines::Many => Shown::Blank,
        '\u{200c}' | '\u{200d}' => Shown::Joiner,
        '\u{fe0e}' | '\u{fe0f}' => Shown::Selector,
        _ if is_in(&REFUSED, letter) => Shown::Refused,
        _ if is_in(&BLANK, letter) => Shown::Blank,
        _ => Shown::Visible,
    }
}

/// Whether a character belongs into a name that is typed: it is shown, and is no mark that crosses out, underlines or
/// encloses the letter before it.
pub(crate) fn is_typed(letter: char) -> bool {
    let is_decoration =
        matches!(letter, '\u{332}'..='\u{338}' | '\u{488}'..='\u{489}' | '\u{20d0}'..='\u{20ff}');
    !is_decoration && matches!(shown(letter, Lines::One), Shown::Visible)
}

fn is_in(ranges: &[RangeInclusive<char>], letter: char) -> bool {
    ranges.iter().any(|range| range.contains(&letter))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn all_white_space_is_blank_or_refused() {
        for letter in '\0'..=char::MAX {
            let is_blank = letter == '\u{2800}' || letter.is_whitespace() && !is_in(&REFUSED, letter);
            assert_eq!(is_in(&BLANK, letter), is_blank, "{letter:?}");
        }
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
            assert!(is_visible_line(good), "{good}");
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
            assert!(!is_visible_line(bad), "{bad:?}");
        }
        assert!(!is_visible_line(&"a".repeat(65)) && is_visible_line(&"ж".repeat(64)));
    }

    #[test]
    fn only_some_texts_have_several_lines() {
        assert!(is_visible_text("a\nb"));
        assert!(!is_visible_text("\n\n"));
        assert!(!is_visible_text("a\rb"));
        assert!(!is_visible_text("a\u{2028}b"));
        assert!(!is_visible_text(&"a".repeat(501)) && is_visible_text(&"ж".repeat(500)));
    }

    #[test]
    fn the_visible_part_of_a_name_is_kept() {
        assert_eq!(visible_part(" \u{202e}Anna\u{200b} ").as_deref(), Some("Anna"));
        assert_eq!(visible_part(&format!("{} Maria", "a".repeat(63))), Some("a".repeat(63)));
        assert_eq!(visible_part("\u{2800}\u{3164}"), None);
    }

    proptest! {
        #[test]
        fn a_visible_part_is_visible(text in "\\PC*|[a \u{200d}\u{fe0f}\u{202e}\u{2800}]*") {
            if let Some(part) = visible_part(&text) {
                prop_assert!(is_visible_line(&part), "{part:?}");
            }
        }

        #[test]
        fn any_text_is_judged_without_panic(text: String) {
            if is_visible_line(&text) {
                prop_assert!(!text.chars().any(char::is_control) && !text.trim().is_empty());
            }
        }
    }
}
