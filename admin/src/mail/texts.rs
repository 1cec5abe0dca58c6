//! The texts of all mails, one file a language.

mod en;
mod ru;
mod site;

use super::letter::Letter;
use super::message::Message;
use crate::config::Language;

pub(super) use site::MailSite;
pub(crate) use site::network;

/// The text of a mail that stands for `times` events.
pub(super) fn letter(message: &Message, times: u32, language: Language, site: MailSite<'_>) -> Letter {
    match language {
        Language::English => en::letter(message, times, site),
        Language::Russian => ru::letter(message, times, site),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::message::tests::all;

    const SITE: MailSite<'_> = MailSite { host: "cinema.example", url: "https://cinema.example/" };

    fn is_cyrillic(letter: char) -> bool {
        matches!(letter, 'а'..='я' | 'А'..='Я' | 'ё' | 'Ё')
    }

    #[test]
    fn every_mail_has_a_text_in_every_language() {
        for message in all() {
            for language in [Language::English, Language::Russian] {
                let letter = letter(&message, 1, language, SITE);
                let words = format!("{} {}", letter.subject, letter.plain()).replace("Яндекс", "");
                let is_russian = language == Language::Russian;
                assert_eq!(letter.subject.contains(is_cyrillic), is_russian, "{words}");
                assert_eq!(words.contains(is_cyrillic), is_russian, "{words}");
                assert!(letter.parts.len() >= 3 && letter.subject.chars().count() <= 70, "{words}");
                assert!(words.contains("cinema.example") && !words.contains('{'), "{words}");
            }
        }
    }

    #[test]
    fn subjects_of_notices_differ() {
        for language in [Language::English, Language::Russian] {
            let mut subjects: Vec<_> = all()
                .iter()
                .filter(|message| matches!(message, Message::Notice(_)))
                .map(|message| letter(message, 1, language, SITE).subject)
                .collect();
            let count = subjects.len();
            subjects.sort_unstable();
            subjects.dedup();
            assert_eq!(subjects.len(), count);
        }
    }

    #[test]
    fn several_events_are_counted() {
        for language in [Language::English, Language::Russian] {
            let text = |times| letter(&all()[0], times, language, SITE).plain();
            assert!(text(17).contains("17") && !text(1).contains("17"));
        }
    }
}
