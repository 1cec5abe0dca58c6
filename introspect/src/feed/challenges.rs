//! Random numbers that this sidecar writes to Redis with each question, so that a signed certificate proves that it is not an
//! old one: the relay signs the numbers that it found when it opened the heartbeat.
//!
//! Each sidecar uses one of [`Challenge::SLOTS`] keys, which expire. If its numbers are not answered, because another one
//! has the same slot, it moves to another slot.

use std::collections::VecDeque;

use redis::aio::MultiplexedConnection;
use redis::{RedisError, cmd};
use shared::revocation::{Challenge, RedisKeys};

use crate::freshness::Moment;

/// How many numbers are remembered: more than are written between two heartbeats.
const MOST: usize = 256;
/// So many numbers without an answer are not chance.
const MOVE_AFTER: u32 = 20;
/// How long a number stays in Redis, in milliseconds: longer than between two heartbeats, however slow they are.
const LIFE_MS: u64 = 2000;

/// The numbers of one sidecar.
#[derive(Debug, Default)]
pub(super) struct OwnChallenges {
    slot: Option<u8>,
    /// Oldest first, with the moment before each was written.
    issued: VecDeque<(Challenge, Moment)>,
    unanswered: u32,
    /// So that it is logged once.
    is_refused: bool,
}

impl OwnChallenges {
    /// A new number of this moment, and its slot. None if the operating system has no random bytes: then nothing is certified.
    pub(super) fn issue(&mut self, now: Moment) -> Option<(u8, Challenge)> {
        let [place, number @ ..] = random()?;
        if self.unanswered >= MOVE_AFTER {
            (self.slot, self.unanswered) = (None, 0);
        }
        let slot = *self.slot.get_or_insert(place % Challenge::SLOTS);
        self.unanswered = self.unanswered.saturating_add(1);
        if self.issued.len() == MOST {
            self.issued.pop_front();
        }
        let challenge = Challenge::from_bytes(number);
        self.issued.push_back((challenge, now));
        Some((slot, challenge))
    }

    /// The moment before the last of our numbers among these was written.
    pub(super) fn answered_by(&mut self, signed: &[Challenge]) -> Option<Moment> {
        let newest = self.issued.iter().rposition(|(challenge, _)| signed.contains(challenge))?;
        self.unanswered = 0;
        self.issued.drain(..newest);
        self.issued.front().map(|(_, moment)| *moment)
    }

    /// Writes a number.
    ///
    /// # Errors
    ///
    /// When the connection is broken; not when Redis refuses it.
    pub(super) async fn write(
        &mut self,
        redis: &mut MultiplexedConnection,
        keys: &RedisKeys,
        issued: Option<(u8, Challenge)>,
    ) -> Result<(), RedisError> {
        let Some((slot, challenge)) = issued else { return Ok(()) };
        let mut set = cmd("SET");
        set.arg(keys.challenge(slot)).arg(challenge.to_string()).arg("PX").arg(LIFE_MS);
        match set.query_async::<()>(redis).await {
            // If the server had not answered, there would be no code.
            Err(error) if error.code().is_some() => {
                if !std::mem::replace(&mut self.is_refused, true) {
                    tracing::warn!(
                        %error,
                        "Redis refuses the challenges of this sidecar, which therefore cannot be fresh: its user must be \
                         allowed to SET the keys {{rev}}:ack:*, as in compose/containers/redis/users.acl."
                    );
                }
                Ok(())
            }
            answer => {
                self.is_refused = false;
                answer
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a number that a test could choose would prove nothing")]
fn random() -> Option<[u8; 9]> {
    let mut bytes = [0; 9];
    aws_lc_rs::rand::fill(&mut bytes).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    fn moment(after: u64) -> Moment {
        Moment { at: Instant::now() + Duration::from_secs(after), wall: after }
    }

    #[test]
    fn the_last_number_that_was_signed_counts_and_later_ones_stay() {
        let mut challenges = OwnChallenges::default();
        let mut issue = |after| challenges.issue(moment(after)).unwrap().1;
        let (first, second, third) = (issue(1), issue(2), issue(3));
        assert_eq!(challenges.answered_by(&[first, second]).unwrap().wall, 2);
        assert_eq!(challenges.answered_by(&[first]), None);
        assert_eq!(challenges.answered_by(&[third]).unwrap().wall, 3);
    }

    #[test]
    fn numbers_of_others_are_no_answer() {
        let mut challenges = OwnChallenges::default();
        challenges.issue(moment(1));
        let other = OwnChallenges::default().issue(moment(1)).unwrap().1;
        assert_eq!(challenges.answered_by(&[other]), None);
        assert_eq!(challenges.answered_by(&[]), None);
    }

    #[test]
    fn a_sidecar_stays_in_its_slot_while_it_is_answered_and_moves_otherwise() {
        let mut challenges = OwnChallenges::default();
        let (slot, _) = challenges.issue(moment(0)).unwrap();
        for after in 0..100 {
            let (next, challenge) = challenges.issue(moment(after)).unwrap();
            assert_eq!(next, slot);
            challenges.answered_by(&[challenge]);
        }
        let moves = (0..2000).map(|after| challenges.issue(moment(after)).unwrap().0);
        assert!(moves.into_iter().any(|next| next != slot));
        assert!(challenges.issued.len() <= MOST);
    }
}
