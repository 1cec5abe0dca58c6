//! The sliding window: what was counted in this window, and the part of the previous one that still lies within its
//! length.
//!
//! `reserve.lua` computes the same; a test compares the two.

/// A moment in a table of windows of one length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct WindowMoment {
    /// The number of the window.
    pub(super) window: u64,
    /// How many seconds of it have passed.
    pub(super) elapsed: u64,
}

/// What was counted in this window and in the previous one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct WindowCounts {
    pub(super) now: u64,
    pub(super) before: u64,
}

impl WindowMoment {
    /// The moment of the second `now` for windows of `length` seconds.
    pub(super) fn at(now: u64, length: u64) -> Self {
        let length = length.max(1);
        Self { window: now / length, elapsed: now % length }
    }
}

impl WindowCounts {
    /// How many seconds it takes until one more is within `limit`; 0 if it is now.
    pub(super) fn wait(self, limit: u32, elapsed: u64, length: u64) -> u64 {
        let (limit, Self { now, before }) = (u64::from(limit), self);
        if now * length + before * (length - elapsed) + length <= limit * length {
            return 0;
        }
        // After `passed` seconds of a window, `count` of the window before it weigh `count * (length - passed) / length`.
        let passed =
            |room: u64, count: u64| (count * length).saturating_sub(room * length).div_ceil(count.max(1));
        if now >= limit {
            length - elapsed + passed(limit.saturating_sub(1), now)
        } else {
            passed(limit - 1 - now, before).saturating_sub(elapsed).max(1)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn wait(now: u64, before: u64, limit: u32, elapsed: u64) -> u64 {
        WindowCounts { now, before }.wait(limit, elapsed, 600)
    }

    #[test]
    fn the_eleventh_waits() {
        assert_eq!(wait(9, 0, 10, 0), 0);
        assert_eq!(wait(10, 0, 10, 0), 660, "the rest of this window, and until ten weigh nine");
        assert_eq!(wait(5, 5, 10, 0), 120, "until five weigh four");
        assert_eq!(wait(5, 5, 10, 119), 1);
        assert_eq!(wait(5, 5, 10, 120), 0);
        assert_eq!(wait(0, 1, 1, 599), 1);
    }

    proptest! {
        #[test]
        fn after_the_wait_one_more_is_within_the_limit_and_not_before(
            now in 0_u64..300, before in 0_u64..300, limit in 1_u32..200, elapsed in 0_u64..600,
        ) {
            let counted = WindowCounts { now, before };
            let wait = counted.wait(limit, elapsed, 600);
            let later = |seconds: u64| {
                let end = elapsed + seconds;
                match end / 600 {
                    0 => counted.wait(limit, end, 600),
                    1 => WindowCounts { now: 0, before: now }.wait(limit, end - 600, 600),
                    _ => 0,
                }
            };
            prop_assert_eq!(later(wait), 0);
            prop_assert!(wait == 0 || later(wait - 1) > 0);
        }

        #[test]
        fn no_ten_minutes_hold_more_than_twice_the_limit(
            limit in 1_u32..50, gaps in proptest::collection::vec(0_u64..40, 200),
        ) {
            let (mut second, mut passed) = (0_u64, Vec::<u64>::new());
            for gap in gaps {
                second += gap;
                let moment = WindowMoment::at(second, 600);
                let count = |window: u64| passed.iter().filter(|at| WindowMoment::at(**at, 600).window == window).count();
                let counted = WindowCounts {
                    now: u64::try_from(count(moment.window)).unwrap(),
                    before: moment.window.checked_sub(1).map_or(0, |window| u64::try_from(count(window)).unwrap()),
                };
                if counted.wait(limit, moment.elapsed, 600) == 0 {
                    passed.push(second);
                }
            }
            for at in &passed {
                let within = passed.iter().filter(|other| (*at..at + 600).contains(other)).count();
                prop_assert!(within <= 2 * usize::try_from(limit).unwrap());
            }
        }
    }
}
