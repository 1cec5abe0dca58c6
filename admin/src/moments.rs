//! Dates and times, as people of a language write them: in mails and on pages.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::config::Language;

const ENGLISH_MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// Of a day of the month.
const RUSSIAN_MONTHS: [&str; 12] = [
    "января",
    "февраля",
    "марта",
    "апреля",
    "мая",
    "июня",
    "июля",
    "августа",
    "сентября",
    "октября",
    "ноября",
    "декабря",
];

/// The month alone.
const RUSSIAN_MONTHS_ALONE: [&str; 12] = [
    "январь",
    "февраль",
    "март",
    "апрель",
    "май",
    "июнь",
    "июль",
    "август",
    "сентябрь",
    "октябрь",
    "ноябрь",
    "декабрь",
];

/// A day, in UTC.
pub(crate) fn day(at: Timestamp, language: Language) -> String {
    let date = at.to_zoned(TimeZone::UTC).date();
    let months = match language {
        Language::English => ENGLISH_MONTHS,
        Language::Russian => RUSSIAN_MONTHS,
    };
    format!("{} {} {}", date.day(), month_of(&months, date.month()), date.year())
}

/// A minute, in UTC: the server does not know the zone of the viewer, and says so.
pub(crate) fn moment(at: Timestamp, language: Language) -> String {
    format!("{}, {} UTC", day(at, language), at.to_zoned(TimeZone::UTC).strftime("%H:%M"))
}

/// A month such as `2026-03`, as a word. Another text stays.
pub(crate) fn month(text: &str, language: Language) -> String {
    let months = match language {
        Language::English => ENGLISH_MONTHS,
        Language::Russian => RUSSIAN_MONTHS_ALONE,
    };
    match text.split_once('-').and_then(|(year, month)| Some((year, month.parse().ok()?))) {
        Some((year, number @ 1..=12)) => format!("{} {year}", month_of(&months, number)),
        Some(_) | None => text.to_owned(),
    }
}

fn month_of(months: &[&'static str; 12], number: i8) -> &'static str {
    usize::try_from(number - 1).ok().and_then(|place| months.get(place)).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_in_each_language() {
        let at: Timestamp = "2026-03-07T20:05:59Z".parse().unwrap();
        assert_eq!(day(at, Language::English), "7 March 2026");
        assert_eq!(moment(at, Language::Russian), "7 марта 2026, 20:05 UTC");
        assert_eq!(month("2026-03", Language::Russian), "март 2026");
        for text in ["", "2026", "2026-13", "2026-00", "a-b", "2026--1"] {
            assert_eq!(month(text, Language::English), text);
        }
    }
}
