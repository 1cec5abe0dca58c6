//! A gauge of prepared months, which decreases by itself with time.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::encoding::{EncodeMetric, MetricEncoder};
use prometheus_client::metrics::MetricType;
use shared::clock::Clock;

use crate::calendar::Month;

/// Consecutive months in UTC, counting from this month, that are prepared.
///
/// It stores the first missing month and reads the clock on demand: the maintenance task may fail for months, and
/// the gauge must show that.
#[derive(Clone)]
pub struct MonthsAhead {
    clock: Arc<dyn Clock>,
    /// The first month that is not prepared; `None` before any was.
    missing: Arc<Mutex<Option<Month>>>,
}

impl MonthsAhead {
    /// None are prepared.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, missing: Arc::default() }
    }

    /// Records that in `month` it and the following ones are prepared, `months` in total.
    pub fn set(&self, month: Month, months: usize) {
        *self.missing.lock().unwrap_or_else(PoisonError::into_inner) = Some(month.plus(months));
    }

    /// How many are prepared today.
    pub fn get(&self) -> i64 {
        let missing = *self.missing.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Month::of_unix_seconds(self.clock.unix_seconds());
        missing.map_or(0, |missing| now.months_until(missing).max(0))
    }
}

impl fmt::Debug for MonthsAhead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MonthsAhead").field(&self.get()).finish()
    }
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
    use std::sync::atomic::{AtomicU64, Ordering};

    use jiff::civil::{Date, date};
    use jiff::tz::TimeZone;

    use super::*;

    fn noon(day: Date) -> u64 {
        day.at(12, 0, 0, 0).to_zoned(TimeZone::UTC).unwrap().timestamp().as_second().try_into().unwrap()
    }

    #[test]
    fn nothing_is_ready_before_anything_was_kept() {
        assert_eq!(MonthsAhead::new(Arc::new(|| 0)).get(), 0);
        assert_eq!(MonthsAhead::new(Arc::new(|| noon(date(2026, 11, 30)))).get(), 0);
    }

    #[test]
    fn the_number_falls_with_every_month_in_which_nothing_is_kept() {
        let now = Arc::new(AtomicU64::new(0));
        let clock = {
            let now = Arc::clone(&now);
            move || now.load(Ordering::Relaxed)
        };
        let months = MonthsAhead::new(Arc::new(clock));
        months.set(Month::of(date(2026, 11, 30)), 4);
        for (day, ready) in [
            (date(2026, 11, 30), 4),
            (date(2026, 12, 1), 3),
            (date(2026, 12, 31), 3),
            (date(2027, 1, 1), 2),
            (date(2027, 2, 28), 1),
            (date(2027, 3, 1), 0),
            (date(2030, 1, 1), 0),
        ] {
            now.store(noon(day), Ordering::Relaxed);
            assert_eq!(months.get(), ready, "{day}");
        }
    }
}
