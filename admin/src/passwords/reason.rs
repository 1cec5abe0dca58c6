//! Why a new password is easy to guess: a code for programs, and a sentence for people.

use zxcvbn::Entropy;
use zxcvbn::feedback::{Feedback, Warning};
use zxcvbn::matching::Match;
use zxcvbn::matching::patterns::MatchPattern;

use super::password::Weakness;

/// What a weak password is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WeaknessReason {
    /// The names or the address of its owner.
    OwnWords,
    /// A password that many people use.
    Common,
    /// The name of a person or a place.
    Name,
    /// Words of a dictionary.
    Word,
    /// Neighbouring keys.
    Keyboard,
    /// A repetition, a sequence or a date.
    Pattern,
    /// Something else that is found in few attempts.
    Short,
}

impl WeaknessReason {
    /// Why zxcvbn finds a password easy to guess, whose owner has the names `own_words`.
    pub(super) fn of(entropy: &Entropy, own_words: &[String]) -> Self {
        let longest = entropy.sequence().iter().max_by_key(|part| part.token.chars().count());
        let is_own = |part: &Match| match &part.pattern {
            MatchPattern::Dictionary(found) => own_words.contains(&found.matched_word),
            _ => false,
        };
        if longest.is_some_and(is_own) {
            return Self::OwnWords;
        }
        match entropy.feedback().and_then(Feedback::warning) {
            Some(warning) => Self::of_warning(warning),
            None => match longest.map(|part| &part.pattern) {
                // Close to a word of a dictionary, most of which are passwords.
                Some(MatchPattern::Dictionary(_)) => Self::Common,
                _ => Self::Short,
            },
        }
    }

    fn of_warning(warning: Warning) -> Self {
        match warning {
            Warning::StraightRowsOfKeysAreEasyToGuess | Warning::ShortKeyboardPatternsAreEasyToGuess => {
                Self::Keyboard
            }
            Warning::RepeatsLikeAaaAreEasyToGuess
            | Warning::RepeatsLikeAbcAbcAreOnlySlightlyHarderToGuess
            | Warning::SequencesLikeAbcAreEasyToGuess
            | Warning::RecentYearsAreEasyToGuess
            | Warning::DatesAreOftenEasyToGuess => Self::Pattern,
            Warning::ThisIsATop10Password
            | Warning::ThisIsATop100Password
            | Warning::ThisIsACommonPassword
            | Warning::ThisIsSimilarToACommonlyUsedPassword => Self::Common,
            Warning::AWordByItselfIsEasyToGuess => Self::Word,
            Warning::NamesAndSurnamesByThemselvesAreEasyToGuess
            | Warning::CommonNamesAndSurnamesAreEasyToGuess => Self::Name,
        }
    }

    /// A stable code.
    pub(super) fn code(self) -> &'static str {
        match self {
            Self::OwnWords => "password_own_words",
            Self::Common => "password_common",
            Self::Name => "password_name",
            Self::Word => "password_word",
            Self::Keyboard => "password_keyboard",
            Self::Pattern => "password_pattern",
            Self::Short => "password_guessable",
        }
    }

    fn sentence(self) -> &'static str {
        match self {
            Self::OwnWords => "This password is based on your own name, login name or e-mail address.",
            Self::Common => "This is a commonly used password, or similar to one.",
            Self::Name => "This password is based on a name.",
            Self::Word => "This password consists of one or two common words.",
            Self::Keyboard => "This password is a sequence of neighbouring keys on the keyboard.",
            Self::Pattern => "This password is a repetition, a sequence or a date.",
            Self::Short => "This password is easy to guess.",
        }
    }

    /// The weakness, and what to do about it.
    pub(super) fn explain(self) -> Vec<Weakness> {
        let advice = "Use four or more unrelated words, or a password that a password manager generates.";
        vec![
            Weakness { code: self.code(), sentence: self.sentence().to_owned() },
            Weakness { code: "password_advice", sentence: advice.to_owned() },
        ]
    }
}
