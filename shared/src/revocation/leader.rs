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
//! * a leader that sees a higher epoch, or loses PostgreSQL, steps down and never fights.
//!
//! ```text
//! Connect ─► TakeEpoch ─► Clear ─► SelectNew ─► (LoadNew ─► MarkNew) ─► SelectPage ─► LoadPage ─┐
//!    ▲                      ▲          ▲                      │             │ no rows           │
//!    │ Redis failed         └──────────┼──────────────────────┘ more is left│                   │
//!    │                                 └────────────────────────────────────┼───────────────────┘
//!    │                                                                      ▼
//!    │                                                             ReadRoles ─► Open
//!    │                                                                           ▼
//!    └─────────────────── Wait ◄─ (Mark) ◄─ Append ◄─ (WriteRoles) ◄─ Select ◄─ Beat
//!                           └─► Beat, Select, Trim or Finish
//! ```
//!
//! What was never published goes first, and reaches subscribers before the rest is cleared and filled; what is committed
//! meanwhile goes before the next part of either. The first part is cleared before anything is written, so that fillings
//! which fail do not accumulate.

use super::position::LogPosition;

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

/// What the driver must do next. It answers with the event that is named, or with [`LeaderEvent::Failed`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LeaderAction {
    /// Connect to the current master of Redis, and ask for the highest epoch that it ever had: [`LeaderEvent::Connected`].
    Connect,
    /// Take an epoch above `in_redis` from PostgreSQL, and a heartbeat number: [`LeaderEvent::Taken`].
    TakeEpoch {
        /// The highest epoch in Redis.
        in_redis: u64,
    },
    /// Remove a part of what unfinished fillings left in Redis: [`LeaderEvent::Cleared`].
    Clear,
    /// Select the next page of unexpired rows that were published in earlier epochs, by a cursor of the filling:
    /// [`LeaderEvent::Selected`].
    SelectPage,
    /// Write these rows under the new epoch after `at`: [`LeaderEvent::Done`].
    LoadPage {
        /// The end of the log before it.
        at: LogPosition,
    },
    /// While filling: select rows that were never published: [`LeaderEvent::Selected`].
    SelectNew,
    /// Write these rows under the new epoch after `at`, and publish them: [`LeaderEvent::Done`].
    LoadNew {
        /// The end of the log before it.
        at: LogPosition,
    },
    /// Mark them: [`LeaderEvent::Done`].
    MarkNew {
        /// The end of the log before them.
        at: LogPosition,
    },
    /// Read the role map from PostgreSQL: [`LeaderEvent::Roles`].
    ReadRoles,
    /// Put the epoch in force, with the role map: [`LeaderEvent::Done`].
    Open {
        /// The end of the log.
        at: LogPosition,
    },
    /// Open heartbeat `beat` in Redis: [`LeaderEvent::Done`].
    Beat {
        /// The end of the log.
        at: LogPosition,
        /// Its number.
        beat: u64,
        /// The version of the role map in Redis.
        roles: u64,
    },
    /// In a new snapshot of PostgreSQL, select unpublished rows, then the version of the role map, then a heartbeat
    /// number: [`LeaderEvent::Selected`].
    Select,
    /// Read the role map from PostgreSQL and write it to Redis: [`LeaderEvent::Roles`].
    WriteRoles,
    /// Append these rows after `at`, publish them, and close the heartbeat: [`LeaderEvent::Done`].
    Append {
        /// The end of the log before it.
        at: LogPosition,
        /// The heartbeat to close.
        close: Option<u64>,
        /// The version of the role map in Redis.
        roles: u64,
    },
    /// Mark them: [`LeaderEvent::Done`].
    Mark {
        /// The end of the log before them.
        at: LogPosition,
    },
    /// Wait until something was committed, a heartbeat is due, the log should be trimmed, or the relay must stop:
    /// [`LeaderEvent::Woken`].
    Wait,
    /// Append `carried` records that never end again after `at`, then raise the floor and drop everything up to it:
    /// [`LeaderEvent::Done`].
    Trim {
        /// The end of the log before it.
        at: LogPosition,
        /// The new floor.
        floor: u64,
        /// How many records are appended.
        carried: u64,
        /// The version of the role map in Redis.
        roles: u64,
    },
    /// The end, after a request to stop.
    Finish,
    /// Give up the lock: PostgreSQL failed, or Redis while the epoch was being filled, or another relay leads.
    StepDown,
}

/// The outcome of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeaderEvent {
    /// Connected; the highest epoch that Redis ever had under these keys, 0 for none.
    Connected {
        /// The epoch.
        highest: u64,
    },
    /// An epoch and the number of its first heartbeat.
    Taken {
        /// The epoch.
        epoch: u64,
        /// The number of a heartbeat.
        beat: u64,
    },
    /// The action succeeded.
    Done,
    /// A part was removed.
    Cleared {
        /// Whether nothing is left.
        is_all: bool,
    },
    /// Rows were selected.
    Selected {
        /// How many.
        count: u64,
        /// Whether there were no more at that moment.
        is_all: bool,
        /// The version of the role map, read after the rows.
        roles: u64,
        /// The number of the next heartbeat.
        beat: u64,
    },
    /// The role map was read, or written.
    Roles {
        /// Its version.
        version: u64,
    },
    /// The waiting ended.
    Woken(Waking),
    /// The action failed.
    Failed(LeaderFault),
}

/// Why the waiting ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waking {
    /// Something was committed.
    Committed,
    /// A heartbeat is due.
    BeatIsDue,
    /// Records up to `floor` have ended; `carried` of them never end and are appended again.
    MayTrim {
        /// The new floor.
        floor: u64,
        /// How many records are carried along.
        carried: u64,
    },
    /// The process stops.
    Stopping,
}

/// Why an action failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeaderFault {
    /// PostgreSQL failed, or the lock is lost.
    Database,
    /// Redis failed, was too slow, is a replica, or does not hold what this leader wrote.
    Redis,
    /// Redis has this epoch, which is not the leader's.
    OtherEpoch(u64),
}

impl Default for Leader {
    /// A leader that has just taken the lock. Its first action is [`LeaderAction::Connect`].
    fn default() -> Self {
        Self {
            at: LogPosition { epoch: 0, seq: 0 },
            roles: 0,
            open_beat: None,
            next_beat: 0,
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
            (LeaderAction::Connect, LeaderEvent::Connected { highest }) => {
                LeaderAction::TakeEpoch { in_redis: highest }
            }
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
            true if self.is_stopping => LeaderAction::Finish,
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

impl LeaderAction {
    /// Whether no epoch of this leader is in force yet.
    pub const fn is_filling(self) -> bool {
        match self {
            Self::Connect
            | Self::TakeEpoch { .. }
            | Self::Clear
            | Self::SelectPage
            | Self::LoadPage { .. }
            | Self::SelectNew
            | Self::LoadNew { .. }
            | Self::MarkNew { .. }
            | Self::ReadRoles
            | Self::Open { .. } => true,
            Self::Beat { .. }
            | Self::Select
            | Self::WriteRoles
            | Self::Append { .. }
            | Self::Mark { .. }
            | Self::Wait
            | Self::Trim { .. }
            | Self::Finish
            | Self::StepDown => false,
        }
    }
}

#[cfg(test)]
mod tests;
