//! The counts of decisions. Each worker has its own, so that no two threads ever write to the same cache line;
//! they are added up when the metrics are read.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::registry::Unit;

use crate::headers;
use crate::refusal::Refusal;
use crate::verdict::Verdict;

/// The counts of one worker.
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct Tally {
    known: AtomicU64,
    anonymous: AtomicU64,
    refused: [AtomicU64; Refusal::ALL.len()],
    hits: AtomicU64,
    misses: AtomicU64,
    /// The number of decisions, used to choose which ones are timed.
    turns: AtomicU64,
    /// Timed decisions by duration: one count for each bound, and one above the last bound.
    times: [AtomicU64; BOUNDS.len() + 1],
    /// The sum of the durations, in nanoseconds.
    spent: AtomicU64,
}

/// One in this many decisions is timed.
const TIMED: u64 = 16;

/// The upper bounds of the duration buckets, in nanoseconds. A cached token takes about one microsecond, a
/// signature thirty; a millisecond means that the machine is overloaded.
const BOUNDS: [u64; 12] =
    [500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000, 10_000_000];

/// All workers together.
#[derive(Debug)]
pub(super) struct DecisionCollector(pub(super) Vec<Arc<Tally>>);

impl Tally {
    /// Counts a verdict.
    pub fn decided(&self, verdict: &Verdict) {
        match verdict {
            Verdict::Allow { whose: Some(_) } => add(&self.known),
            Verdict::Allow { whose: None } => add(&self.anonymous),
            Verdict::Deny { refusal, .. } => {
                if let Some(count) = self.refused.get(*refusal as usize) {
                    add(count);
                }
            }
        }
    }

    /// Whether the decision that begins is timed. One in [`TIMED`] is: reading the clock twice would add a
    /// fifth to the time of a decision.
    pub fn is_to_be_timed(&self) -> bool {
        let turn = self.turns.load(Ordering::Relaxed);
        self.turns.store(turn.wrapping_add(1), Ordering::Relaxed);
        turn.is_multiple_of(TIMED)
    }

    /// Records the duration of a decision.
    pub fn took(&self, time: Duration) {
        let nanoseconds = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let bucket = BOUNDS.iter().position(|bound| nanoseconds <= *bound).unwrap_or(BOUNDS.len());
        if let Some(count) = self.times.get(bucket) {
            add(count);
        }
        increase(&self.spent, nanoseconds);
    }

    /// Counts a token that was in the cache.
    pub fn hit(&self) {
        add(&self.hits);
    }

    /// Counts a token that had to be verified.
    pub fn miss(&self) {
        add(&self.misses);
    }
}
impl DecisionCollector {
    fn sum(&self, count: impl Fn(&Tally) -> Option<&AtomicU64>) -> ConstCounter<u64> {
        ConstCounter::new(self.total(count))
    }

    fn total(&self, count: impl Fn(&Tally) -> Option<&AtomicU64>) -> u64 {
        self.0.iter().filter_map(|tally| count(tally)).map(|count| count.load(Ordering::Relaxed)).sum()
    }

    fn encode_times(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let help =
            "Time of a decision, from the head of the request to the outcome, measured for one in sixteen.";
        let unit = Unit::Seconds;
        let mut times =
            encoder.encode_descriptor("decision_duration", help, Some(&unit), MetricType::Histogram)?;
        let bounds = BOUNDS.iter().map(|bound| seconds_of(*bound)).chain([f64::INFINITY]);
        let counts = (0..=BOUNDS.len()).map(|bucket| self.total(|tally| tally.times.get(bucket)));
        let buckets: Vec<(f64, u64)> = bounds.zip(counts).collect();
        let count = buckets.iter().map(|(_, count)| count).sum();
        let spent = seconds_of(self.total(|tally| Some(&tally.spent)));
        times.encode_histogram::<NoLabelSet>(spent, count, &buckets, None)
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a sum of nanoseconds is exact for three months, and close enough after that"
)]
fn seconds_of(nanoseconds: u64) -> f64 {
    nanoseconds as f64 / 1e9
}

impl Collector for DecisionCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let help = "Decisions by code, as in X-Auth-Decision, and exact reason.";
        let mut decisions = encoder.encode_descriptor("decisions", help, None, MetricType::Counter)?;
        let known = [("code", headers::ALLOWED), ("reason", "known")];
        self.sum(|tally| Some(&tally.known)).encode(decisions.encode_family(&known)?)?;
        let anonymous = [("code", headers::ALLOWED), ("reason", "anonymous")];
        self.sum(|tally| Some(&tally.anonymous)).encode(decisions.encode_family(&anonymous)?)?;
        for &refusal in Refusal::ALL {
            let labels = [("code", refusal.code().as_str()), ("reason", refusal.reason())];
            let count = self.sum(|tally| tally.refused.get(refusal as usize));
            count.encode(decisions.encode_family(&labels)?)?;
        }
        let help = "Lookups in the token cache: hit, or miss (the token had to be verified).";
        let mut tokens = encoder.encode_descriptor("token_cache_lookups", help, None, MetricType::Counter)?;
        self.sum(|tally| Some(&tally.hits)).encode(tokens.encode_family(&[("result", "hit")])?)?;
        self.sum(|tally| Some(&tally.misses)).encode(tokens.encode_family(&[("result", "miss")])?)?;
        self.encode_times(&mut encoder)
    }
}

/// A worker is the only writer of its counts, so that a load and a store make an increment without the cost of
/// an atomic one.
fn add(count: &AtomicU64) {
    increase(count, 1);
}

fn increase(count: &AtomicU64, by: u64) {
    count.store(count.load(Ordering::Relaxed).wrapping_add(by), Ordering::Relaxed);
}
