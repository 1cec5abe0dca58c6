//! How long to wait before the next attempt: twice as long each time, with jitter, so that many mails or several admins
//! do not return at the same moment.

use std::time::Duration;

use crate::random::Random;

/// The first pause.
const FIRST: Duration = Duration::from_secs(5);
/// The longest pause of a mail.
const LONGEST: Duration = Duration::from_mins(15);
/// The longest pause while the mail server cannot be used at all.
const LONGEST_OUTAGE: Duration = Duration::from_secs(60);

/// The pause of a mail after its attempt number `attempts`.
pub(super) fn of_mail(attempts: u32, random: &dyn Random) -> Duration {
    with_jitter(doubled(attempts, LONGEST), random)
}

/// The pause after the server could not be used `failures` times in a row.
pub(super) fn of_server(failures: u32, random: &dyn Random) -> Duration {
    with_jitter(doubled(failures, LONGEST_OUTAGE), random)
}

fn doubled(times: u32, longest: Duration) -> Duration {
    FIRST.saturating_mul(2_u32.saturating_pow(times.saturating_sub(1).min(16))).min(longest)
}

/// Between three quarters and five quarters of `pause`. Without randomness it is `pause`.
fn with_jitter(pause: Duration, random: &dyn Random) -> Duration {
    let mut byte = [128];
    let _without_jitter = random.fill(&mut byte);
    pause * 3 / 4 + pause / 2 * u32::from(byte[0]) / 255
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::random::SystemRandom;

    #[test]
    fn pauses_double_up_to_their_longest() {
        let seconds = |times| doubled(times, LONGEST).as_secs();
        assert_eq!([0, 1, 2, 3, 4, 8, 9, 40].map(seconds), [5, 5, 10, 20, 40, 640, 900, 900]);
        assert_eq!(doubled(9, LONGEST_OUTAGE), LONGEST_OUTAGE);
    }

    proptest! {
        #[test]
        fn jitter_stays_within_a_quarter(times in 0_u32..100) {
            let (pause, exact) = (of_mail(times, &SystemRandom), doubled(times, LONGEST));
            prop_assert!(pause >= exact * 3 / 4 && pause <= exact * 5 / 4, "{:?}", pause);
        }
    }
}
