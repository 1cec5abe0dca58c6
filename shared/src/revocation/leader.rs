//! What the leading relay does, step by step, from taking an epoch to publishing and certifying.
//!
//! Pure: [`Leader::step`] takes the outcome of the last action and returns the next one. The driver runs the action
//! against PostgreSQL or Redis and keeps what it read (rows, the role map, connections); this file decides only the
//! order, because the promise to the readers depends on it:
//!
//! * an epoch belongs to one connection to one history of Redis. Every error of Redis, and every state of it that this
//!   leader did not write, ends the epoch; the next one is filled with every unexpired row;
//! * a heartbeat is opened in Redis *before* the rows are selected, and closed by the script that appends the last of
//!   them, so that a closed heartbeat proves that everything committed before it was opened is in the log
//!   ([`super::reader`]);
//! * a leader that sees a higher epoch, or loses PostgreSQL, steps down and never fights;
//! * a leader that is asked to stop publishes everything, and leaves its epoch in PostgreSQL as its last statement under
//!   the lock. The next leader takes it from there, at most once, and continues it if Redis is exactly as the previous one
//!   left it, on the same master: then both are one relay, and nothing was written in between.
//!
//! ```text
//! Connect ─► TakeHandover ─► TakeEpoch ─► Clear ─► SelectNew ─► (LoadNew ─► MarkNew) ─► SelectPage ─► LoadPage ─┐
//!    ▲            │                         ▲          ▲                      │             │ no rows           │
//!    │            │ Redis agrees            └──────────┼──────────────────────┘ more is left│                   │
//!    │ Redis      │                                    └────────────────────────────────────┼───────────────────┘
//!    │ failed     │                                                                         ▼
//!    │            │                                                                ReadRoles ─► Open
//!    │            ▼                                                                              ▼
//!    └────────── Beat ◄─ Wait ◄─ (Mark) ◄─ Append ◄─ (WriteRoles) ◄─ Select ◄──────────────── Beat
//!                         └─► Beat, Select, Trim, or Select ... Leave ─► Finish
//! ```
//!
//! What was never published goes first, and reaches subscribers before the rest is cleared and filled; what is committed
//! meanwhile goes before the next part of either. The first part is cleared before anything is written, so that fillings
//! which fail do not accumulate.

mod action;

use super::position::LogPosition;
pub use action::{LeaderAction, LeaderEvent, LeaderFault, Waking};

/// The state of the leader between two actions.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Leader {
    /// The end of the log.
    at: LogPosition,
    /// The version of the role map in Redis.
    roles: u64,
    /// The heartbeat that is open.
    open_beat: Option<u64>,
    /// The number of the next heartbeat, as PostgreSQL issued it.
    next_beat: u64,
    /// Whether it may still continue the epoch of the previous leader: once, before it has written anything.
    may_adopt: bool,
    /// Whether nothing is left of unfinished fillings.
    is_cleared: bool,
    /// Whether to finish after the next publication.
    is_stopping: bool,
    /// The rows that were selected last.
    batch: SelectedRows,
    doing: LeaderAction,
}

/// Rows that were selected for publication.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
struct SelectedRows {
    count: u64,
    /// Whether there were no more at that moment.
    is_all: bool,
}

impl Default for Leader {
    /// A leader that has just taken the lock. Its first action is [`LeaderAction::Connect`].
    fn default() -> Self {
        Self {
            at: LogPosition { epoch: 0, seq: 0 },
            roles: 0,
            open_beat: None,
            next_beat: 0,
            may_adopt: true,
            is_cleared: false,
            is_stopping: false,
            batch: SelectedRows::default(),
            doing: LeaderAction::Connect,
        }
    }
}

impl Leader {
    /// The action whose outcome [`Self::step`] expects.
    pub const fn doing(&self) -> LeaderAction {
        self.doing
    }

    /// The end of the log.
    pub const fn at(&self) -> LogPosition {
        self.at
    }

    /// Whether an epoch is in force and nothing is left to do until something happens.
    pub const fn is_waiting(&self) -> bool {
        matches!(self.doing, LeaderAction::Wait)
    }

    /// Takes the outcome of [`Self::doing`], and returns the next action.
    pub fn step(&mut self, event: LeaderEvent) -> LeaderAction {
        // An event that does not belong to the action is a defect of the driver, and must not certify anything.
        let next = match event {
            LeaderEvent::Failed(fault) => Some(self.failed(fault)),
            event if self.doing.is_filling() => self.fill(event),
            event => self.serve(event),
        };
        self.doing = next.unwrap_or(LeaderAction::StepDown);
        self.doing
    }

    /// While the epoch is being filled, every fault ends the leadership: another relay may reach Redis.
    fn failed(&self, fault: LeaderFault) -> LeaderAction {
        match fault {
            LeaderFault::Database => LeaderAction::StepDown,
            LeaderFault::OtherEpoch(theirs) if theirs > self.at.epoch => LeaderAction::StepDown,
            LeaderFault::Redis | LeaderFault::OtherEpoch(_) if self.doing.is_filling() => {
                LeaderAction::StepDown
            }
            LeaderFault::Redis | LeaderFault::OtherEpoch(_) => LeaderAction::Connect,
        }
    }

    /// Until the epoch is in force. What is committed meanwhile is published after each page.
    fn fill(&mut self, event: LeaderEvent) -> Option<LeaderAction> {
        let next = match (self.doing, event) {
            (LeaderAction::Connect, LeaderEvent::Connected { highest }) if self.may_adopt => {
                self.may_adopt = false;
                LeaderAction::TakeHandover { in_redis: highest }
            }
            (LeaderAction::Connect, LeaderEvent::Connected { highest }) => {
                LeaderAction::TakeEpoch { in_redis: highest }
            }
            // The heartbeat compares everything else.
            (LeaderAction::TakeHandover { in_redis }, LeaderEvent::Handover { at, roles, beat })
                if at.epoch == in_redis =>
            {
                (self.at, self.roles, self.next_beat) = (at, roles, beat);
                self.beat()
            }
            (
                LeaderAction::TakeHandover { in_redis },
                LeaderEvent::Handover { .. } | LeaderEvent::NoHandover,
            ) => LeaderAction::TakeEpoch { in_redis },
            (LeaderAction::TakeEpoch { .. }, LeaderEvent::Taken { epoch, beat }) => {
                self.at = LogPosition { epoch, seq: 0 };
                (self.open_beat, self.next_beat, self.is_cleared) = (None, beat, false);
                LeaderAction::Clear
            }
            (LeaderAction::Clear, LeaderEvent::Cleared { is_all }) => {
                self.is_cleared = is_all;
                LeaderAction::SelectNew
            }
            (LeaderAction::SelectPage, LeaderEvent::Selected { count: 0, .. }) => LeaderAction::ReadRoles,
            (LeaderAction::SelectPage, LeaderEvent::Selected { count, .. }) => {
                LeaderAction::LoadPage { at: self.advance(count) }
            }
            (LeaderAction::LoadPage { .. }, LeaderEvent::Done) => LeaderAction::SelectNew,
            (LeaderAction::SelectNew, LeaderEvent::Selected { count: 0, .. }) => self.clear_or_fill(),
            (LeaderAction::SelectNew, LeaderEvent::Selected { count, is_all, .. }) => {
                self.batch = SelectedRows { count, is_all };
                LeaderAction::LoadNew { at: self.advance(count) }
            }
            (LeaderAction::LoadNew { at }, LeaderEvent::Done) => LeaderAction::MarkNew { at },
            (LeaderAction::MarkNew { .. }, LeaderEvent::Done) if self.batch.is_all => self.clear_or_fill(),
            (LeaderAction::MarkNew { .. }, LeaderEvent::Done) => LeaderAction::SelectNew,
            (LeaderAction::ReadRoles, LeaderEvent::Roles { version }) => {
                self.roles = version;
                LeaderAction::Open { at: self.at }
            }
            // The first heartbeat follows at once: readers of the new epoch wait for it.
            (LeaderAction::Open { .. }, LeaderEvent::Done) => self.beat(),
            (_, _) => return None,
        };
        Some(next)
    }

    const fn clear_or_fill(&self) -> LeaderAction {
        if self.is_cleared { LeaderAction::SelectPage } else { LeaderAction::Clear }
    }

    /// While the epoch is in force.
    fn serve(&mut self, event: LeaderEvent) -> Option<LeaderAction> {
        let next = match (self.doing, event) {
            (LeaderAction::Beat { beat, .. }, LeaderEvent::Done) => {
                self.open_beat = Some(beat);
                LeaderAction::Select
            }
            (LeaderAction::Select, LeaderEvent::Selected { count, is_all, roles, beat }) => {
                self.batch = SelectedRows { count, is_all };
                self.next_beat = beat;
                if roles == self.roles { self.append() } else { LeaderAction::WriteRoles }
            }
            (LeaderAction::WriteRoles, LeaderEvent::Roles { version }) => {
                self.roles = version;
                self.append()
            }
            (LeaderAction::Append { at, close, .. }, LeaderEvent::Done) => {
                if close.is_some() {
                    self.open_beat = None;
                }
                if at == self.at { self.look_again() } else { LeaderAction::Mark { at } }
            }
            (LeaderAction::Mark { .. }, LeaderEvent::Done) => self.look_again(),
            (LeaderAction::Wait, LeaderEvent::Woken(waking)) => self.wake(waking),
            (LeaderAction::Trim { .. }, LeaderEvent::Done) => LeaderAction::Wait,
            (LeaderAction::Leave { .. }, LeaderEvent::Done) => LeaderAction::Finish,
            (_, _) => return None,
        };
        Some(next)
    }

    /// Only the last rows of a snapshot close the heartbeat that was opened before it.
    fn append(&mut self) -> LeaderAction {
        let close = self.open_beat.filter(|_| self.batch.is_all);
        if self.batch.count == 0 && close.is_none() {
            return self.look_again();
        }
        LeaderAction::Append { at: self.advance(self.batch.count), close, roles: self.roles }
    }

    fn look_again(&self) -> LeaderAction {
        match self.batch.is_all {
            false => LeaderAction::Select,
            true if self.is_stopping => LeaderAction::Leave { at: self.at, roles: self.roles },
            true => LeaderAction::Wait,
        }
    }

    fn wake(&mut self, waking: Waking) -> LeaderAction {
        match waking {
            Waking::Committed => LeaderAction::Select,
            Waking::BeatIsDue => self.beat(),
            Waking::Stopping => {
                self.is_stopping = true;
                LeaderAction::Select
            }
            Waking::MayTrim { floor, carried } => {
                LeaderAction::Trim { at: self.advance(carried), floor, carried, roles: self.roles }
            }
        }
    }

    const fn beat(&self) -> LeaderAction {
        LeaderAction::Beat { at: self.at, beat: self.next_beat, roles: self.roles }
    }

    /// The end of the log before `count` more records, which are counted as written: if they are not, the epoch ends.
    const fn advance(&mut self, count: u64) -> LogPosition {
        let before = self.at;
        self.at.seq = before.seq.saturating_add(count);
        before
    }
}

#[cfg(test)]
mod tests;
