//! Since when the sidecar knows every revocation: one atomic word, which the feed writes and every decision reads.
//!
//! The feed certifies moments ([`shared::revocation::RevocationReader`]): everything that was committed before such a moment has
//! been applied. The age of the last one is the most that the sidecar may be behind. Two clocks measure it, and the
//! greater age counts: the monotonic clock, which no program can set, and the wall clock, which also runs while a virtual
//! machine is paused. A wall clock that is set makes the sidecar look old until the next certificate.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use http::HeaderValue;
use shared::revocation::MAX_AGE;

/// A moment by both clocks; ordered by the monotonic one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    /// The monotonic clock.
    pub at: Instant,
    /// The wall clock, in seconds since the Unix epoch.
    pub wall: u64,
}

/// How far behind the sidecar may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Age {
    /// The log has never been read to its end.
    Unknown,
    /// The log has been read to its end, but a relay of an earlier release wrote it, without heartbeats: there is no
    /// bound.
    Uncertified,
    /// Everything that was committed longer ago than this has been applied.
    AtMost(Duration),
}

/// The last certificate.
#[derive(Debug)]
pub struct Freshness {
    /// The beginning of the process.
    start: Instant,
    /// [`COLD`], [`UNCERTIFIED`], or the milliseconds from `start` to the certified moment plus two, and in the lowest
    /// bits the seconds of its wall clock. One word, so that a reader never sees parts of two certificates.
    word: AtomicU64,
    /// Whether the feed is reading a log whose end it has not reached.
    reading: AtomicBool,
    lateness: Mutex<Lateness>,
}

/// What is known since when, at one moment.
#[derive(Debug, Clone, Copy)]
pub struct Certificate {
    start: Instant,
    word: u64,
}

/// The time spent beyond [`LATE`], for the counter.
#[derive(Debug)]
struct Lateness {
    /// The certified moment, and when it was certified.
    since: Instant,
    certified: Instant,
    /// Before `certified`.
    total: Duration,
}

/// The state of a sidecar, as operators see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SidecarState {
    /// It cannot decide: nothing was certified yet.
    Cold,
    /// Its last certificate is older than [`MAX_AGE`], and it is reading the log.
    Syncing,
    /// Its last certificate is at most [`MAX_AGE`] old.
    Fresh,
    /// Its last certificate is older than [`MAX_AGE`].
    Stale,
    /// The relay has an earlier release: see [`Age::Uncertified`].
    Uncertified,
    /// It is stopping.
    Draining,
}

/// An age beyond half of [`MAX_AGE`] is late: it is not normal, and not yet stale.
pub const LATE: Duration = Duration::from_millis(MAX_AGE.as_millis() as u64 / 2);

const COLD: u64 = 0;
const UNCERTIFIED: u64 = 1 << WALL_BITS;
const WALL_BITS: u32 = 24;
const WALL_MASK: u64 = (1 << WALL_BITS) - 1;
/// The wall clock is read in whole seconds.
const WALL_PRECISION: u64 = 1;

impl SidecarState {
    /// Every state.
    pub const ALL: [Self; 6] =
        [Self::Cold, Self::Syncing, Self::Fresh, Self::Stale, Self::Uncertified, Self::Draining];

    /// The name in health, metrics and log lines.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Cold => "cold",
            Self::Syncing => "syncing",
            Self::Fresh => "fresh",
            Self::Stale => "stale",
            Self::Uncertified => "uncertified",
            Self::Draining => "draining",
        }
    }
}

impl Age {
    /// Whether a policy that accepts an age of `most` accepts this one. Without a bound only a policy that demands no
    /// less than usual does.
    pub fn is_within(self, most: Duration) -> bool {
        match self {
            Self::Unknown => false,
            Self::Uncertified => most >= MAX_AGE,
            Self::AtMost(age) => age <= most,
        }
    }

    /// The value of `X-Auth-Freshness`.
    pub fn header(self) -> HeaderValue {
        match self {
            Self::AtMost(age) if age <= MAX_AGE => HeaderValue::from_static("fresh"),
            Self::AtMost(age) => HeaderValue::try_from(format!("stale;age={}", age.as_secs()))
                .unwrap_or(HeaderValue::from_static("stale")),
            Self::Uncertified => HeaderValue::from_static("uncertified"),
            Self::Unknown => HeaderValue::from_static("unknown"),
        }
    }
}

impl Default for Freshness {
    fn default() -> Self {
        let start = Instant::now();
        let lateness = Mutex::new(Lateness { since: start, certified: start, total: Duration::ZERO });
        Self { start, word: AtomicU64::new(COLD), reading: AtomicBool::new(false), lateness }
    }
}

impl Freshness {
    /// Everything that was committed before `since` has been applied. Only one task may certify.
    pub fn certify(&self, since: Moment) {
        let now = Instant::now();
        let mut lateness = self.lateness();
        lateness.total = lateness.until(now);
        (lateness.since, lateness.certified) = (since.at, now);
        drop(lateness);
        let ms = since.at.saturating_duration_since(self.start).as_millis() as u64 + 2;
        self.word.store(ms << WALL_BITS | since.wall & WALL_MASK, Ordering::Release);
    }

    /// Whether a log of an earlier release has been read to its end. Only before the first certificate.
    pub fn mark_uncertified(&self, is_read: bool) {
        self.word.store(if is_read { UNCERTIFIED } else { COLD }, Ordering::Release);
    }

    /// Forgets every certificate.
    pub fn forget(&self) {
        self.word.store(COLD, Ordering::Release);
    }

    /// Whether the feed is reading a log whose end it has not reached.
    pub fn mark_reading(&self, is_reading: bool) {
        self.reading.store(is_reading, Ordering::Relaxed);
    }

    /// Whether nothing was certified yet.
    pub fn is_cold(&self) -> bool {
        self.word.load(Ordering::Acquire) == COLD
    }

    /// The last certificate.
    ///
    /// A decision takes it first and its age last: what it reads in between is at least as new as the certificate, and
    /// the time that it takes counts.
    pub fn certificate(&self) -> Certificate {
        Certificate { start: self.start, word: self.word.load(Ordering::Acquire) }
    }

    /// The state of a sidecar that is not stopping, by the monotonic clock.
    pub fn state(&self) -> SidecarState {
        match self.certificate().monotonic_age() {
            Age::Unknown => SidecarState::Cold,
            Age::Uncertified => SidecarState::Uncertified,
            Age::AtMost(age) if age <= MAX_AGE => SidecarState::Fresh,
            Age::AtMost(_) if self.reading.load(Ordering::Relaxed) => SidecarState::Syncing,
            Age::AtMost(_) => SidecarState::Stale,
        }
    }

    /// How long the sidecar has been late so far, from its start: exact at every moment, however rarely it is read.
    pub fn late(&self) -> Duration {
        self.lateness().until(Instant::now())
    }

    fn lateness(&self) -> MutexGuard<'_, Lateness> {
        self.lateness.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Certificate {
    /// The age by both clocks; `wall` is the wall clock now.
    pub fn age(self, wall: u64) -> Age {
        let Age::AtMost(by_monotonic) = self.monotonic_age() else { return self.monotonic_age() };
        // The lowest bits of both, so the shorter way around.
        let ahead = wall.wrapping_sub(self.word) & WALL_MASK;
        let apart = ahead.min(WALL_MASK + 1 - ahead);
        Age::AtMost(by_monotonic.max(Duration::from_secs(apart.saturating_sub(WALL_PRECISION))))
    }

    /// The age by the monotonic clock alone, for operators. A decision uses [`Self::age`].
    pub fn monotonic_age(self) -> Age {
        match self.word {
            COLD => Age::Unknown,
            UNCERTIFIED => Age::Uncertified,
            word => {
                let since = Duration::from_millis((word >> WALL_BITS).saturating_sub(2));
                Age::AtMost(self.start.elapsed().saturating_sub(since))
            }
        }
    }
}

impl Lateness {
    fn until(&self, now: Instant) -> Duration {
        let late = self.certified.max(self.since + LATE);
        self.total + now.saturating_duration_since(late)
    }
}

#[cfg(test)]
impl Freshness {
    /// Of a process that started an hour ago.
    pub(crate) fn of_an_hour() -> Self {
        Self { start: Instant::now() - Duration::from_hours(1), ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WALL: u64 = 1_800_000_000;

    /// Certified this long ago.
    fn certified(ago: Duration) -> Freshness {
        let freshness = Freshness::of_an_hour();
        freshness.certify(Moment { at: Instant::now() - ago, wall: WALL });
        freshness
    }

    fn age(freshness: &Freshness, wall: u64) -> Duration {
        match freshness.certificate().age(wall) {
            Age::AtMost(age) => age,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn before_a_certificate_nothing_is_known() {
        let freshness = Freshness::default();
        assert_eq!(
            (freshness.certificate().age(WALL), freshness.state()),
            (Age::Unknown, SidecarState::Cold)
        );
        assert!(freshness.is_cold() && !freshness.certificate().age(WALL).is_within(Duration::MAX));
        freshness.certify(Moment { at: Instant::now(), wall: WALL });
        assert_eq!(freshness.state(), SidecarState::Fresh);
        freshness.forget();
        assert!(freshness.is_cold());
    }

    #[test]
    fn a_certificate_ages_by_the_monotonic_clock() {
        let freshness = certified(Duration::from_secs(3));
        let now = age(&freshness, WALL);
        assert!((Duration::from_secs(3)..Duration::from_secs(4)).contains(&now), "{now:?}");
        assert_eq!(freshness.state(), SidecarState::Stale);
        freshness.mark_reading(true);
        assert_eq!(freshness.state(), SidecarState::Syncing);
        assert_eq!(certified(Duration::from_secs(1)).state(), SidecarState::Fresh);
    }

    #[test]
    fn a_certificate_ages_by_the_wall_clock_too_in_both_directions() {
        let freshness = certified(Duration::ZERO);
        for (wall, stale) in [
            (WALL + 2, false),
            (WALL + 4, true),
            (WALL - 4, true),
            (WALL + 3600, true),
            (WALL + (1 << 23), true),
        ] {
            assert_eq!(age(&freshness, wall) > MAX_AGE, stale, "{wall}");
        }
        assert_eq!(age(&freshness, WALL + 61).as_secs(), 60);
    }

    #[test]
    fn without_a_bound_only_usual_policies_are_met() {
        let freshness = Freshness::default();
        freshness.mark_uncertified(true);
        let age = freshness.certificate().age(WALL);
        assert_eq!((age, freshness.state()), (Age::Uncertified, SidecarState::Uncertified));
        assert!(age.is_within(MAX_AGE) && !age.is_within(Duration::from_secs(1)));
        freshness.mark_uncertified(false);
        assert!(freshness.is_cold());
    }

    #[test]
    fn the_header_says_how_old() {
        let header = |age| Age::AtMost(Duration::from_millis(age)).header();
        assert_eq!(
            (header(0), header(2000)),
            (HeaderValue::from_static("fresh"), HeaderValue::from_static("fresh"))
        );
        assert_eq!(header(12_999), HeaderValue::from_static("stale;age=12"));
    }

    #[test]
    fn time_beyond_half_the_bound_is_counted_exactly() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut lateness = Lateness { since: start, certified: start, total: Duration::ZERO };
        assert_eq!(lateness.until(at(1000)), Duration::ZERO);
        assert_eq!(lateness.until(at(1500)), Duration::from_millis(500));
        lateness = Lateness { since: at(1200), certified: at(1500), total: lateness.until(at(1500)) };
        assert_eq!(lateness.until(at(2200)), Duration::from_millis(500));
        assert_eq!(lateness.until(at(2300)), Duration::from_millis(600));
        // A certificate that is already late when it is issued.
        lateness = Lateness { since: at(1250), certified: at(2300), total: lateness.until(at(2300)) };
        assert_eq!(lateness.until(at(2310)), Duration::from_millis(610));
    }

    proptest! {
        #[test]
        fn the_age_is_never_less_than_that_of_either_clock(ago in 0_u64..3_000_000, apart in 0_u64..3000, back: bool) {
            let freshness = certified(Duration::from_millis(ago));
            let wall = if back { WALL - apart } else { WALL + apart };
            let age = age(&freshness, wall);
            // The word holds whole milliseconds.
            prop_assert!(age + Duration::from_millis(1) >= Duration::from_millis(ago));
            prop_assert!(age.as_secs() + WALL_PRECISION >= apart);
        }
    }
}
