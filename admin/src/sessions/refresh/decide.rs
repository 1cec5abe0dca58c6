//! What a refresh token that this service sealed is worth: pure, decided under the lock of its session.
//!
//! `n` is the stored counter, `c` the presented one. The first rule that fits wins:
//!
//! | when | outcome |
//! |---|---|
//! | no such session, or sealed with another key than the session's | refused: unknown |
//! | session revoked, everybody signed out since it began, user not active | refused: revoked |
//! | idle or absolute end reached | refused: expired |
//! | `c` below what a change of credentials left standing | refused: revoked |
//! | `c == n` | child `n+1`: current |
//! | `c == n-1`, up to 10 s after the rotation, up to 200 times | child `n` again: concurrent |
//! | `c == n-1`, up to 5 min after it, from where the rotation came from | child `n` again: retry |
//! | the same from elsewhere, up to three times in 24 h | child `n` again: retry from elsewhere |
//! | `c` is `n+1` or `n+2` | child `c+1`: recovered |
//! | `c` is further ahead | refused: ahead |
//! | anything else | reuse: the session ends |

use jiff::{SignedDuration, Timestamp};

use super::origin::Origin;

/// How long after a rotation two tabs may have meant the same refresh.
pub(crate) const CONCURRENT: SignedDuration = SignedDuration::from_secs(10);
/// How often that is believed of one rotation.
pub(crate) const MOST_CONCURRENT: u32 = 200;
/// How long after a rotation its answer may have been lost on the way.
pub(crate) const RETRY: SignedDuration = SignedDuration::from_mins(5);
/// How often a lost answer is believed from another address or program, within [`ELSEWHERE_WINDOW`].
pub(crate) const MOST_ELSEWHERE: usize = 3;
/// The window of [`MOST_ELSEWHERE`]. No successful refresh ends it early.
pub(crate) const ELSEWHERE_WINDOW: SignedDuration = SignedDuration::from_hours(24);
/// By how many rotations a client may be ahead of a store that lost its last moments.
pub(crate) const RECOVERABLE_LEAD: u64 = 2;

/// What the database says of the session, read under its lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stored {
    /// The key that seals its tokens.
    pub(crate) key: u8,
    /// The counter of the newest child.
    pub(crate) counter: u64,
    /// Tokens below it were revoked by a change of credentials that kept the session.
    pub(crate) revoked_below: u64,
    /// Whether it was ended.
    pub(crate) is_revoked: bool,
    /// The deployment's when it began.
    pub(crate) deployment_generation: u64,
    /// Whether its user may still do anything.
    pub(crate) is_user_active: bool,
    /// It ends then, unless refreshed.
    pub(crate) idle_expires_at: Timestamp,
    /// It ends then.
    pub(crate) expires_at: Timestamp,
    /// The last rotation, if there was one.
    pub(crate) rotation: Option<Rotation>,
    /// When lost answers were believed from elsewhere, as far as remembered.
    pub(crate) elsewhere: Vec<Timestamp>,
}

/// The step from child `n-1` to child `n`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rotation {
    /// When.
    pub(crate) at: Timestamp,
    /// From where.
    pub(crate) origin: Origin,
    /// How often child `n` was given again as concurrent.
    pub(crate) concurrent: u32,
}

/// The refresh token, its seal already found good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Presented {
    /// The key that sealed it.
    pub(crate) key: u8,
    /// Which child it is.
    pub(crate) counter: u64,
}

/// The request that presents it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    /// The clock of PostgreSQL, read after the lock was held.
    pub(crate) now: Timestamp,
    /// The deployment's, read after the lock was held.
    pub(crate) deployment_generation: u64,
    /// From where.
    pub(crate) origin: Origin,
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Store `counter`, and give that child.
    Rotate {
        /// The new child.
        counter: u64,
        /// Whether the client was ahead of the store.
        recovered: bool,
    },
    /// Give the stored child once more.
    Again(Again),
    /// Give nothing, change nothing.
    Refuse(Refusal),
    /// End the session: somebody holds a token that was used up.
    Reuse,
}

/// Why the stored child is given once more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Again {
    /// Two refreshes at once.
    Concurrent,
    /// A lost answer.
    Retry,
    /// A lost answer, asked for from another address or program.
    RetryElsewhere,
}

/// Why nothing is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// There is no such session.
    Unknown,
    /// The session was ended, the user disabled, or the token withdrawn.
    Revoked,
    /// The session came to its end.
    Expired,
    /// The store is further behind than a crash explains.
    Ahead,
}

/// Decides.
pub(crate) fn decide(stored: Option<&Stored>, presented: Presented, request: &Request) -> Outcome {
    let Some(stored) = stored.filter(|stored| stored.key == presented.key) else {
        return Outcome::Refuse(Refusal::Unknown);
    };
    if let Some(refusal) = stored.refusal(presented, request) {
        return Outcome::Refuse(refusal);
    }
    let (n, c) = (stored.counter, presented.counter);
    if c >= n {
        return ahead_by(c - n, c);
    }
    match &stored.rotation {
        Some(rotation) if n - c == 1 => {
            stored.given_again(rotation, request).map_or(Outcome::Reuse, Outcome::Again)
        }
        _ => Outcome::Reuse,
    }
}

impl Stored {
    /// Whether it was ended, by itself or with everybody's.
    pub(crate) fn has_ended(&self, deployment_generation: u64) -> bool {
        self.is_revoked || self.deployment_generation < deployment_generation
    }

    /// Rule two, and the tokens that a change of credentials withdrew.
    fn refusal(&self, presented: Presented, request: &Request) -> Option<Refusal> {
        let now = request.now;
        if self.has_ended(request.deployment_generation) || !self.is_user_active {
            Some(Refusal::Revoked)
        } else if now >= self.idle_expires_at || now >= self.expires_at {
            Some(Refusal::Expired)
        } else if presented.counter < self.revoked_below {
            Some(Refusal::Revoked)
        } else {
            None
        }
    }

    /// Whether the parent of the newest child may have that child once more.
    fn given_again(&self, rotation: &Rotation, request: &Request) -> Option<Again> {
        // A clock that went back makes the age negative, which is as good as none.
        let age = request.now.duration_since(rotation.at);
        if age <= CONCURRENT && rotation.concurrent < MOST_CONCURRENT {
            Some(Again::Concurrent)
        } else if age > RETRY {
            None
        } else if rotation.origin == request.origin {
            Some(Again::Retry)
        } else {
            (self.elsewhere_within_window(request.now) < MOST_ELSEWHERE).then_some(Again::RetryElsewhere)
        }
    }

    fn elsewhere_within_window(&self, now: Timestamp) -> usize {
        self.elsewhere.iter().filter(|at| now.duration_since(**at) < ELSEWHERE_WINDOW).count()
    }
}

/// Only this service can have issued a token beyond the stored counter, so the store lost its last moments:
/// it crashed after a rotation whose commit did not wait for the disk.
fn ahead_by(lead: u64, counter: u64) -> Outcome {
    match (lead, counter.checked_add(1)) {
        (0..=RECOVERABLE_LEAD, Some(next)) => Outcome::Rotate { counter: next, recovered: lead > 0 },
        _ => Outcome::Refuse(Refusal::Ahead),
    }
}

#[cfg(test)]
mod tests;
