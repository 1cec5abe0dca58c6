//! Decides what a refresh token sealed by this service is worth: a pure function, called under the lock of
//! its session.
//!
//! `n` is the stored counter, `c` the presented one. The first matching rule wins:
//!
//! | when | outcome |
//! |---|---|
//! | no such session, or sealed with another key than the session's | refused: unknown |
//! | session revoked, all users signed out since it began, user not active | refused: revoked |
//! | idle or absolute end reached | refused: expired |
//! | `c` withdrawn by a change of credentials | refused: revoked |
//! | `c == n` | child `n+1`: current |
//! | `c == n-1`, up to 10 s after the rotation, up to 200 times | child `n` again: concurrent |
//! | `c == n-1`, up to 5 min after it, from the same network and user agent | child `n` again: retry |
//! | the same from elsewhere, up to three times in 24 h | child `n` again: retry from elsewhere |
//! | `c` is `n+1` or `n+2` | child `c+1`: recovered |
//! | `c` is further ahead | refused: ahead |
//! | anything else | reuse: the session is revoked |

use jiff::{SignedDuration, Timestamp};

use crate::sessions::origin::ClientOrigin;
use crate::sessions::session::{Rotation, SessionState};

/// How long after a rotation two browser tabs may present the same token.
pub(crate) const CONCURRENT: SignedDuration = SignedDuration::from_secs(10);
/// How many such requests are accepted for one rotation.
pub(crate) const MOST_CONCURRENT: u32 = 200;
/// How long after a rotation a client may repeat the request because the response was lost.
pub(crate) const RETRY: SignedDuration = SignedDuration::from_mins(5);
/// How many repeats from another address or user agent are accepted within [`ELSEWHERE_WINDOW`].
pub(crate) const MOST_ELSEWHERE: usize = 3;
/// The window of [`MOST_ELSEWHERE`]. A successful refresh does not end it early.
pub(crate) const ELSEWHERE_WINDOW: SignedDuration = SignedDuration::from_hours(24);
/// By how many rotations a client may be ahead of a database that lost its last commits.
pub(crate) const RECOVERABLE_LEAD: u64 = 2;

/// The refresh token, whose seal has been verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Presented {
    /// The key that sealed it.
    pub(crate) key: u8,
    /// The number of the child token.
    pub(crate) counter: u64,
}

/// The request that presents it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RequestFacts {
    /// The clock of PostgreSQL, read after the lock was taken.
    pub(crate) now: Timestamp,
    /// The deployment's generation, read after the lock was taken.
    pub(crate) deployment_generation: u64,
    /// From which client.
    pub(crate) origin: ClientOrigin,
}

/// The decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RefreshDecision {
    /// Store `counter`, and return that child.
    Rotate {
        /// The new child token.
        counter: u64,
        /// Whether the client was ahead of the database.
        recovered: bool,
    },
    /// Return the stored child once more.
    Again(Again),
    /// Refuse, and change nothing.
    Refuse(RefreshRefusal),
    /// Revoke the session: a used token was presented again.
    Reuse,
}

/// Why the stored child is returned once more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Again {
    /// Two concurrent refreshes.
    Concurrent,
    /// A lost response.
    Retry,
    /// A lost response, repeated from another address or user agent.
    RetryElsewhere,
}

/// Why the request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RefreshRefusal {
    /// The session does not exist.
    Unknown,
    /// The session was revoked, the user disabled, or the token withdrawn.
    Revoked,
    /// The session has expired.
    Expired,
    /// The database is further behind than a crash explains.
    Ahead,
}

/// Decides.
pub(crate) fn decide(
    stored: Option<&SessionState>,
    presented: Presented,
    request: &RequestFacts,
) -> RefreshDecision {
    let Some(stored) = stored.filter(|stored| stored.key == presented.key) else {
        return RefreshDecision::Refuse(RefreshRefusal::Unknown);
    };
    if let Some(refusal) = stored.refusal(presented, request) {
        return RefreshDecision::Refuse(refusal);
    }
    let (n, c) = (stored.counter, presented.counter);
    if c >= n {
        return ahead_by(c - n, c);
    }
    match &stored.rotation {
        Some(rotation) if n - c == 1 => {
            stored.given_again(rotation, request).map_or(RefreshDecision::Reuse, RefreshDecision::Again)
        }
        _ => RefreshDecision::Reuse,
    }
}

impl SessionState {
    /// Rule two, and the tokens withdrawn by a credential change.
    fn refusal(&self, presented: Presented, request: &RequestFacts) -> Option<RefreshRefusal> {
        let now = request.now;
        if self.has_ended(request.deployment_generation) || !self.is_user_active {
            Some(RefreshRefusal::Revoked)
        } else if now >= self.idle_expires_at || now >= self.expires_at {
            Some(RefreshRefusal::Expired)
        } else if presented.counter < self.revoked_below {
            Some(RefreshRefusal::Revoked)
        } else {
            None
        }
    }

    /// Whether the parent of the newest child may get that child once more.
    fn given_again(&self, rotation: &Rotation, request: &RequestFacts) -> Option<Again> {
        // If the clock went back, the age is negative and counts as zero.
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

/// The times of accepted repeats to store when one more is accepted `now`: as many as the rule needs.
pub(crate) fn with_elsewhere(state: &SessionState, now: Timestamp) -> Vec<Timestamp> {
    let kept = state.elsewhere.iter().rev().take(MOST_ELSEWHERE - 1).rev();
    kept.copied().chain([now]).collect()
}

/// Only this service can have issued a token beyond the stored counter, so the database lost its last
/// commits: it crashed after a rotation whose commit did not wait for the disk.
fn ahead_by(lead: u64, counter: u64) -> RefreshDecision {
    match (lead, counter.checked_add(1)) {
        (0..=RECOVERABLE_LEAD, Some(next)) => RefreshDecision::Rotate { counter: next, recovered: lead > 0 },
        _ => RefreshDecision::Refuse(RefreshRefusal::Ahead),
    }
}

#[cfg(test)]
mod tests;
