//! The cheapest way to read a text as words, names, digits and repetitions: an estimate of how hard it is to guess.
//!
//! The same idea as in zxcvbn, whose dictionaries have no Russian. Bounded: for each of the 128 characters of a
//! password at most [`LONGEST`] pieces are looked up.

use super::dictionary::{ListedWord, WordList};

/// The longest piece, in characters.
const LONGEST: usize = 24;
/// The shortest word: a shorter one is not cheaper than its letters.
const SHORTEST_WORD: usize = 3;

/// The costs of pieces, in tenths of a bit.
const LETTER: u32 = 45;
const DIGIT: u32 = 33;
const OTHER: u32 = 40;
const OWN_WORD: u32 = 30;
const REPEATED: u32 = 20;
const LOOK_ALIKE: u32 = 20;
const YEAR: u32 = 70;
const DATE: u32 = 140;
const SEQUENCE: u32 = 60;

/// The cost of a text, and what it was read as.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Reading {
    cost: u32,
    /// Whether a piece is a word of the password's owner.
    pub(super) has_own_word: bool,
    pub(super) has_name: bool,
    pub(super) has_word: bool,
}

/// One spelling of a password.
pub(super) struct Spelling {
    text: String,
    /// With look-alike characters replaced, one by one.
    plain: String,
    /// Where each character begins, and the end: in the text, and in its plain form.
    starts: Vec<(usize, usize)>,
}

/// In which list a text is looked up, and which characters stand for others in it.
pub(super) struct Lexicon<'l> {
    pub(super) list: WordList,
    pub(super) look_alikes: &'static [(char, char)],
    /// Spelt as the text is.
    pub(super) own_words: &'l [String],
}

impl Reading {
    /// The binary logarithm of the attempts that it takes to guess the text.
    pub(super) fn bits(self) -> u32 {
        self.cost / 10
    }

    fn and(self, piece: Self) -> Self {
        Self {
            cost: self.cost.saturating_add(piece.cost),
            has_own_word: self.has_own_word || piece.has_own_word,
            has_name: self.has_name || piece.has_name,
            has_word: self.has_word || piece.has_word,
        }
    }

    fn costing(cost: u32) -> Self {
        Self { cost, ..Self::default() }
    }

    fn of_word(word: ListedWord) -> Self {
        Self { cost: word.bits * 10, has_name: word.is_name, has_word: !word.is_name, has_own_word: false }
    }
}

impl Spelling {
    pub(super) fn new(text: String, lexicon: &Lexicon<'_>) -> Self {
        let plain_letter = |letter| {
            let found = lexicon.look_alikes.iter().find(|(look_alike, _)| *look_alike == letter);
            found.map_or(letter, |(_, plain)| *plain)
        };
        let plain: String = text.chars().map(plain_letter).collect();
        let begin = |text: &str| text.char_indices().map(|(start, _)| start).chain([text.len()]).collect();
        let (in_text, in_plain): (Vec<usize>, Vec<usize>) = (begin(&text), begin(&plain));
        Self { starts: in_text.into_iter().zip(in_plain).collect(), text, plain }
    }

    /// The cheapest reading of the whole text.
    pub(super) fn read(&self, lexicon: &Lexicon<'_>) -> Reading {
        let mut best = vec![Reading::default()];
        for end in 1..self.starts.len() {
            let readings = (end.saturating_sub(LONGEST)..end).filter_map(|start| {
                let piece = self.piece(start, end, lexicon)?;
                Some(best.get(start)?.and(piece))
            });
            best.push(readings.min_by_key(|reading| reading.cost).unwrap_or_default());
        }
        best.pop().unwrap_or_default()
    }

    fn piece(&self, start: usize, end: usize, lexicon: &Lexicon<'_>) -> Option<Reading> {
        let (text, plain) = self.slice(start, end)?;
        let length = end - start;
        if length == 1 {
            return Some(Reading::costing(single(text)));
        }
        let is_repeated = start.checked_sub(length).and_then(|before| self.slice(before, start));
        if is_repeated.is_some_and(|(before, _)| before == text) {
            return Some(Reading::costing(REPEATED));
        }
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            return digits(text).map(Reading::costing);
        }
        if length < SHORTEST_WORD { None } else { word(text, plain, lexicon) }
    }

    fn slice(&self, start: usize, end: usize) -> Option<(&str, &str)> {
        let (start, end) = (self.starts.get(start)?, self.starts.get(end)?);
        Some((self.text.get(start.0..end.0)?, self.plain.get(start.1..end.1)?))
    }
}

fn single(character: &str) -> u32 {
    match character.chars().next() {
        Some(digit) if digit.is_ascii_digit() => DIGIT,
        Some(letter) if letter.is_alphabetic() => LETTER,
        _ => OTHER,
    }
}

fn word(text: &str, plain: &str, lexicon: &Lexicon<'_>) -> Option<Reading> {
    if lexicon.own_words.iter().any(|own| own == text) {
        return Some(Reading { cost: OWN_WORD, has_own_word: true, ..Reading::default() });
    }
    if let Some(word) = lexicon.list.find(text) {
        return Some(Reading::of_word(word));
    }
    // Look-alikes are read only in what consists of letters for the most part.
    let is_mixed =
        plain != text && text.chars().filter(|c| c.is_alphabetic()).count() * 2 >= text.chars().count();
    let word = is_mixed.then(|| lexicon.list.find(plain)).flatten()?;
    Some(Reading::of_word(word).and(Reading::costing(LOOK_ALIKE)))
}

/// The cost of digits that are not random: a year, a date, a repeated digit or a sequence.
fn digits(text: &str) -> Option<u32> {
    let number = |range: std::ops::Range<usize>| text.get(range)?.parse::<u32>().ok();
    let is_day = |at: usize| number(at..at + 2).is_some_and(|day| (1..=31).contains(&day));
    let is_month = |at: usize| number(at..at + 2).is_some_and(|month| (1..=12).contains(&month));
    let is_year = |at: usize| number(at..at + 4).is_some_and(|year| (1900..2100).contains(&year));
    match text.len() {
        4 if is_year(0) => return Some(YEAR),
        6 if is_day(0) && is_month(2) => return Some(DATE),
        8 if is_day(0) && is_month(2) && is_year(4) => return Some(DATE),
        8 if is_year(0) && is_month(4) && is_day(6) => return Some(DATE),
        _ => {}
    }
    let step = |(one, next): (u8, u8)| (next + 10 - one) % 10;
    let mut steps = text.bytes().zip(text.bytes().skip(1)).map(step);
    let first = steps.next()?;
    let is_even = matches!(first, 0 | 1 | 9) && steps.all(|step| step == first);
    (is_even && (text.len() >= 3 || first == 0)).then_some(SEQUENCE)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::dictionary::RUSSIAN;
    use super::*;

    fn read(text: &str, own_words: &[&str]) -> Reading {
        let own_words: Vec<String> = own_words.iter().map(|word| (*word).to_owned()).collect();
        let lexicon = Lexicon { list: RUSSIAN, look_alikes: &[('0', 'о')], own_words: &own_words };
        Spelling::new(text.to_owned(), &lexicon).read(&lexicon)
    }

    #[test]
    fn words_and_names_are_recognised() {
        let name = read("наташа1990", &[]);
        assert!(name.has_name && !name.has_word && name.bits() == 15);
        assert!(read("пар0ль", &[]).has_word);
        assert!(read("незнайка", &["незнайка"]).has_own_word);
        assert_eq!(read("наташанаташа", &[]).bits(), 10);
    }

    #[test]
    fn what_is_random_costs_as_much_as_its_characters() {
        assert_eq!(read("щгъжфэ", &[]).bits(), 27);
        assert_eq!(read("7391", &[]).bits(), 13);
        assert_eq!(read("", &[]).bits(), 0);
    }

    #[test]
    fn digits_that_people_choose_are_cheap() {
        for cheap in ["1985", "31121999", "19991231", "311299", "1234", "987", "7777", "000"] {
            assert!(digits(cheap).is_some(), "{cheap}");
        }
        for random in ["12", "3285", "739205", "73920586", "2150"] {
            assert_eq!(digits(random), None, "{random}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_and_never_costs_more_than_its_characters(text in "\\PC{0,128}|[а-я0-9]{0,128}") {
            let characters: u32 = text.chars().map(|c| single(&c.to_string())).sum();
            prop_assert!(read(&text, &["neo"]).cost <= characters);
        }
    }
}
