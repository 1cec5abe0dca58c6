//! Months as partitions: half-open, in UTC, each with its name and its bounds. Pure functions.

use jiff::Span;
use jiff::civil::Date;

/// How many months beyond the current one have a partition.
pub(crate) const AHEAD: usize = 3;

/// One month in UTC: its first moment included, the first moment of the next month excluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Month(Date);

impl Month {
    /// The month of a day.
    pub(crate) fn of(day: Date) -> Self {
        Self(day.first_of_month())
    }

    /// The next month; the last month of the calendar is followed by itself.
    pub(crate) fn next(self) -> Self {
        Self(self.0.saturating_add(Span::new().months(1)).first_of_month())
    }

    /// This month and the next [`AHEAD`] ones.
    pub(crate) fn with_those_ahead(self) -> impl Iterator<Item = Self> {
        std::iter::successors(Some(self), |month| Some(month.next())).take(AHEAD + 1)
    }

    /// The name of its partition, such as `login_history_2026_12`.
    pub(crate) fn partition(self) -> String {
        format!("login_history_{:04}_{:02}", self.0.year(), self.0.month())
    }

    /// Its bounds (included, excluded) as SQL literals with the same meaning in every time zone.
    pub(crate) fn bounds(self) -> (String, String) {
        let midnight = |date: Date| format!("{date} 00:00:00+00");
        (midnight(self.0), midnight(self.next().0))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn date(text: &str) -> Date {
        text.parse().unwrap()
    }

    fn names(day: &str) -> Vec<String> {
        Month::of(date(day)).with_those_ahead().map(Month::partition).collect()
    }

    #[test]
    fn the_last_day_of_a_year_reaches_into_the_next() {
        let expected = [
            "login_history_2026_12",
            "login_history_2027_01",
            "login_history_2027_02",
            "login_history_2027_03",
        ];
        assert_eq!(names("2026-12-31"), expected);
    }

    #[test]
    fn the_first_day_of_a_year_begins_with_its_own_month() {
        let expected = [
            "login_history_2027_01",
            "login_history_2027_02",
            "login_history_2027_03",
            "login_history_2027_04",
        ];
        assert_eq!(names("2027-01-01"), expected);
    }

    #[test]
    fn the_31st_skips_no_short_month() {
        assert_eq!(names("2027-01-31")[1], "login_history_2027_02");
        assert_eq!(names("2028-02-29")[1], "login_history_2028_03");
    }

    #[test]
    fn december_ends_where_january_begins() {
        let december = Month::of(date("2026-12-31"));
        assert_eq!(december.bounds(), ("2026-12-01 00:00:00+00".into(), "2027-01-01 00:00:00+00".into()));
        assert_eq!(december.next().bounds().0, december.bounds().1);
    }

    proptest! {
        #[test]
        fn months_leave_no_gap(days in 0_i64..36_500) {
            let day = date("2000-01-01").checked_add(Span::new().days(days)).unwrap();
            let month = Month::of(day);
            prop_assert_eq!(month.bounds().1, month.next().bounds().0);
            prop_assert!(month.next() > month);
            let tomorrow = Month::of(day.tomorrow().unwrap());
            prop_assert!(tomorrow == month || tomorrow == month.next());
        }
    }
}
