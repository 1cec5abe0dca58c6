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
//! | `c == n-1`, from another origin that has had its repeats of the day | reuse: the session is revoked |
//! | `c == n-1`, up to 10 s after the rotation, up to 200 times | child `n` again: concurrent |
//! | `c == n-1`, up to 5 min after it | child `n` again: retry |
//! | `c` is `n+1` or `n+2` | child `c+1`: recovered |
//! | `c` is further ahead | refused: ahead |
//! | anything else | reuse: the session is revoked |
//!
//! A request with the device token of the session is never from another origin.

use jiff::{SignedDuration, Timestamp};

use crate::guessing::DeviceMark;
use crate::sessions::origin::{ClientOrigin, Distance};
use crate::sessions::session::{Rotation, SessionState};

/// How long after a rotation two browser tabs may present the same token.
pub(crate) const CONCURRENT: SignedDuration = SignedDuration::from_secs(10);
/// How many such requests are accepted for one rotation.
pub(crate) const MOST_CONCURRENT: u32 = 200;
/// How long after a rotation a client may repeat the request because the response was lost.
pub(crate) const RETRY: SignedDuration = SignedDuration::from_mins(5);
/// How many repeats from another network or another user agent are accepted within [`OTHER_ORIGIN_WINDOW`]: networks
/// change on a journey, and programs with an update.
pub(crate) const MOST_NEARBY: usize = 20;
/// How many repeats from another network and another user agent are accepted within it.
pub(crate) const MOST_ELSEWHERE: usize = 3;
/// The window of both. A successful refresh does not end it early.
pub(crate) const OTHER_ORIGIN_WINDOW: SignedDuration = SignedDuration::from_hours(24);
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
    /// The device token that the client sent.
    pub(crate) device: Option<DeviceMark>,
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
        /// How far the request is from the one before.
        distance: Distance,
    },
    /// Return the stored child once more.
    Again {
        /// Why.
        again: Again,
        /// How far the request is from the one that rotated.
        distance: Distance,
    },
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
    let distance = stored.distance(request);
    if c >= n {
        return ahead_by(c - n, c, distance);
    }
    match &stored.rotation {
        Some(rotation) if n - c == 1 && stored.has_room(distance, request.now) => {
            let again = rotation.given_again(request.now);
            again.map_or(RefreshDecision::Reuse, |again| RefreshDecision::Again { again, distance })
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

    /// How far the request is from the one before. The device of the session may be anywhere.
    fn distance(&self, request: &RequestFacts) -> Distance {
        if self.is_on_its_device(request) { Distance::Same } else { self.origin().distance(&request.origin) }
    }

    /// Whether the client sent the device token that was given with this session.
    pub(crate) fn is_on_its_device(&self, request: &RequestFacts) -> bool {
        self.device.is_some() && self.device == request.device
    }

    /// Whether another repeat from this far is accepted today, whatever the reason for it.
    fn has_room(&self, distance: Distance, now: Timestamp) -> bool {
        let recent = |times: &[Timestamp]| {
            times.iter().filter(|at| now.duration_since(**at) < OTHER_ORIGIN_WINDOW).count()
        };
        match distance {
            Distance::Same => true,
            Distance::Nearby => recent(&self.nearby) < MOST_NEARBY,
            Distance::Elsewhere => recent(&self.elsewhere) < MOST_ELSEWHERE,
        }
    }

    /// Notes that a repeat from this far was accepted `now`: as many times as the rule needs.
    pub(crate) fn note_repeat(&mut self, distance: Distance, now: Timestamp) {
        let (times, most) = match distance {
            Distance::Same => return,
            Distance::Nearby => (&mut self.nearby, MOST_NEARBY),
            Distance::Elsewhere => (&mut self.elsewhere, MOST_ELSEWHERE),
        };
        times.push(now);
        let surplus = times.len().saturating_sub(most);
        times.drain(..surplus);
    }
}

impl Rotation {
    /// Whether the parent of the newest child may get that child once more.
    fn given_again(&self, now: Timestamp) -> Option<Again> {
        // If the clock went back, the age is negative and counts as zero.
        let age = now.duration_since(self.at);
        if age <= CONCURRENT && self.concurrent < MOST_CONCURRENT {
            Some(Again::Concurrent)
        } else {
            (age <= RETRY).then_some(Again::Retry)
        }
    }
}

/// Only this service can have issued a token beyond the stored counter, so the database lost its last
/// commits: it crashed after a rotation whose commit did not wait for the disk.
fn ahead_by(lead: u64, counter: u64, distance: Distance) -> RefreshDecision {
    match (lead, counter.checked_add(1)) {
        (0..=RECOVERABLE_LEAD, Some(next)) => {
            RefreshDecision::Rotate { counter: next, recovered: lead > 0, distance }
        }
        _ => RefreshDecision::Refuse(RefreshRefusal::Ahead),
    }
}

#[cfg(test)]
mod tests;
