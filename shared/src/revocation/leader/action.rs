//! The actions of a leader, and their outcomes. Their order is decided by [`Leader`](super::Leader) alone.

use crate::revocation::position::LogPosition;

/// What the driver must do next. It answers with the event that is named, or with [`LeaderEvent::Failed`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LeaderAction {
    /// Connect to the current master of Redis, and ask for the highest epoch that it ever had: [`LeaderEvent::Connected`].
    Connect,
    /// Take from PostgreSQL, once, what the previous leader left: [`LeaderEvent::Handover`] or [`LeaderEvent::NoHandover`].
    TakeHandover {
        /// The highest epoch in Redis.
        in_redis: u64,
    },
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
    /// Leave the epoch in PostgreSQL for the next leader: [`LeaderEvent::Done`].
    Leave {
        /// The end of the log.
        at: LogPosition,
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
    /// The previous leader left an epoch in which everything was published and no heartbeat is open.
    Handover {
        /// The end of its log.
        at: LogPosition,
        /// The version of its role map.
        roles: u64,
        /// The number of a heartbeat.
        beat: u64,
    },
    /// No leader left an epoch.
    NoHandover,
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

impl LeaderAction {
    /// Whether no epoch of this leader is in force yet.
    pub const fn is_filling(self) -> bool {
        match self {
            Self::Connect
            | Self::TakeHandover { .. }
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
            | Self::Leave { .. }
            | Self::Finish
            | Self::StepDown => false,
        }
    }
}
