//! A gauge of prepared months, which decreases by itself with time.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use prometheus_client::encoding::{EncodeMetric, MetricEncoder};
use prometheus_client::metrics::MetricType;
use shared::clock::{Clock as _, SystemClock};

/// Consecutive months (UTC) that are prepared, counting from the current one.
///
/// It stores the first missing month and reads the clock on demand: the maintenance task may fail for months,
/// and the gauge must show that.
#[derive(Debug, Clone, Default)]
pub struct MonthsAhead {
    /// The first month that is not prepared, counted from the year zero.
    missing: Arc<AtomicI64>,
}

impl MonthsAhead {
    /// Records that on `day` its month and the following ones are prepared, `months` in total.
    pub fn set(&self, day: Date, months: usize) {
        let months = i64::try_from(months).unwrap_or(i64::MAX);
        self.missing.store(number(day).saturating_add(months), Ordering::Relaxed);
    }

    /// How many are prepared today.
    pub fn get(&self) -> i64 {
        let now = i64::try_from(SystemClock.unix_seconds()).ok();
        let now = now.and_then(|second| Timestamp::from_second(second).ok()).unwrap_or(Timestamp::MAX);
        self.on(now.to_zoned(TimeZone::UTC).date())
    }

    fn on(&self, day: Date) -> i64 {
        self.missing.load(Ordering::Relaxed).saturating_sub(number(day)).max(0)
    }
}

/// The month of a day, counted from the year zero.
fn number(day: Date) -> i64 {
    i64::from(day.year()) * 12 + i64::from(day.month()) - 1
}

impl EncodeMetric for MonthsAhead {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> Result<(), fmt::Error> {
        encoder.encode_gauge(&self.get())
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Gauge
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn nothing_is_ready_before_anything_was_kept() {
        assert_eq!(MonthsAhead::default().get(), 0);
    }

    #[test]
    fn the_number_falls_with_every_month_in_which_nothing_is_kept() {
        let months = MonthsAhead::default();
        months.set(date(2026, 11, 30), 4);
        for (day, ready) in [
            (date(2026, 11, 30), 4),
            (date(2026, 12, 1), 3),
            (date(2026, 12, 31), 3),
            (date(2027, 1, 1), 2),
            (date(2027, 2, 28), 1),
            (date(2027, 3, 1), 0),
            (date(2030, 1, 1), 0),
        ] {
            assert_eq!(months.on(day), ready, "{day}");
        }
    }

    #[test]
    fn what_was_kept_for_an_earlier_day_does_not_count_today() {
        let months = MonthsAhead::default();
        months.set(date(2020, 1, 1), 4);
        assert_eq!(months.get(), 0);
    }
}
