//! Calendar months in UTC. Pure functions.

use jiff::civil::Date;
use jiff::{Span, Timestamp, Unit};

/// One month in UTC: its first moment included, the first moment of the next month excluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Month(Date);

impl Month {
    /// The month of a day.
    pub fn of(day: Date) -> Self {
        Self(day.first_of_month())
    }

    /// The month of a time in seconds since 1970; the last month of the calendar for a later time.
    pub(crate) fn of_unix_seconds(seconds: u64) -> Self {
        let moment = i64::try_from(seconds).ok().and_then(|second| Timestamp::from_second(second).ok());
        Self::of(moment.unwrap_or(Timestamp::MAX).to_zoned(jiff::tz::TimeZone::UTC).date())
    }

    /// Its first day.
    pub(crate) fn first_day(self) -> Date {
        self.0
    }

    /// The month `months` later; at most the last month of the calendar.
    pub(crate) fn plus(self, months: usize) -> Self {
        let months = i64::try_from(months).ok().and_then(|months| Span::new().try_months(months).ok());
        Self(months.map_or(Date::MAX, |span| self.0.saturating_add(span)).first_of_month())
    }

    /// The next month; the last month of the calendar is followed by itself.
    pub(crate) fn next(self) -> Self {
        self.plus(1)
    }

    /// How many months `later` is after this one; negative if it is before.
    pub(crate) fn months_until(self, later: Self) -> i64 {
        // Both are first days of months: the span is whole months, and within the calendar.
        self.0.until((Unit::Month, later.0)).map_or(0, |span| i64::from(span.get_months()))
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn december_is_followed_by_january() {
        assert_eq!(Month::of(date(2026, 12, 31)).next(), Month::of(date(2027, 1, 1)));
        assert_eq!(Month::of(date(2026, 12, 31)).plus(3), Month::of(date(2027, 3, 1)));
    }

    #[test]
    fn the_31st_skips_no_short_month() {
        assert_eq!(Month::of(date(2027, 1, 31)).next(), Month::of(date(2027, 2, 1)));
        assert_eq!(Month::of(date(2028, 2, 29)).next(), Month::of(date(2028, 3, 1)));
    }

    #[test]
    fn the_calendar_ends_without_panic() {
        let last = Month::of(Date::MAX);
        assert_eq!(last.next(), last);
        assert_eq!(Month::of(date(2027, 1, 1)).plus(usize::MAX), last);
        assert_eq!(Month::of_unix_seconds(u64::MAX), last);
        assert_eq!(Month::of_unix_seconds(0), Month::of(date(1970, 1, 1)));
    }

    proptest! {
        #[test]
        fn months_leave_no_gap(days in 0_i64..36_500) {
            let day = date(2000, 1, 1).checked_add(Span::new().days(days)).unwrap();
            let month = Month::of(day);
            prop_assert!(month.next() > month);
            let tomorrow = Month::of(day.tomorrow().unwrap());
            prop_assert!(tomorrow == month || tomorrow == month.next());
        }

        #[test]
        fn adding_months_and_counting_them_are_inverse(days in 0_i64..36_500, months in 0_usize..1200) {
            let month = Month::of(date(2000, 1, 1).checked_add(Span::new().days(days)).unwrap());
            let later = month.plus(months);
            prop_assert_eq!(month.months_until(later), i64::try_from(months).unwrap());
            prop_assert_eq!(later.months_until(month), -i64::try_from(months).unwrap());
        }
    }
}
