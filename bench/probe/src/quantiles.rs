//! Order statistics of durations.

use std::fmt;
use std::time::Duration;

/// The statistics of a sample that a benchmark prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Quantiles {
    count: usize,
    p50: Duration,
    p95: Duration,
    p99: Duration,
    max: Duration,
}

impl Quantiles {
    /// The CSV header of [`fmt::Display`].
    pub(crate) const HEADER: &'static str = "count,p50_ms,p95_ms,p99_ms,max_ms";

    /// The quantiles of `sample` by nearest rank; `None` if it is empty.
    pub(crate) fn of(mut sample: Vec<Duration>) -> Option<Self> {
        sample.sort_unstable();
        let rank = |percent: usize| {
            let rank = (sample.len() * percent).div_ceil(100).max(1);
            sample.get(rank - 1).copied()
        };
        Some(Self { count: sample.len(), p50: rank(50)?, p95: rank(95)?, p99: rank(99)?, max: rank(100)? })
    }

    /// The median, in seconds.
    pub(crate) fn median_seconds(&self) -> f64 {
        self.p50.as_secs_f64()
    }
}

impl fmt::Display for Quantiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |span: Duration| span.as_secs_f64() * 1_000.0;
        write!(
            f,
            "{},{:.3},{:.3},{:.3},{:.3}",
            self.count,
            ms(self.p50),
            ms(self.p95),
            ms(self.p99),
            ms(self.max)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_by_nearest_rank() {
        let sample = (1..=200).rev().map(Duration::from_millis).collect();
        assert_eq!(Quantiles::of(sample).unwrap().to_string(), "200,100.000,190.000,198.000,200.000");
        assert_eq!(
            Quantiles::of(vec![Duration::from_millis(3)]).unwrap().to_string(),
            "1,3.000,3.000,3.000,3.000"
        );
        assert_eq!(Quantiles::of(Vec::new()), None);
    }
}
