//! A relay of the model: what it knows between two steps.

use shared::revocation::{Leader, LeaderAction, LogPosition};

use crate::bounds::{Bounds, Mutation};
use crate::postgres::Postgres;

/// A relay.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct ModelRelay {
    /// While it believes to lead.
    pub leader: Option<Leader>,
    /// The server that it is connected to.
    pub server: Option<usize>,
    /// The replication id of that server when it connected.
    pub(crate) replication: u8,
    /// The rows that were selected last.
    pub(crate) rows: Vec<u8>,
    /// The first row that the filling has not reached.
    pub(crate) reached: usize,
    /// The rows in the log, by their sequence numbers.
    pub(crate) log: Vec<u8>,
    /// How far the log was trimmed.
    pub floor: u64,
    /// A script that it no longer waits for.
    pub late: Option<Sent>,
}

/// A script on its way to a server.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Sent {
    /// The server.
    pub server: usize,
    /// The script.
    pub command: Command,
}

/// A script with its arguments.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Command {
    pub(crate) action: LeaderAction,
    pub(crate) rows: Vec<u8>,
    pub(crate) epoch: u64,
    pub(crate) replication: u8,
}

impl ModelRelay {
    /// It has just taken the lock.
    pub fn lead(&mut self) {
        self.forget();
        self.leader = Some(Leader::default());
    }

    /// It ends. A script that is on its way arrives all the same.
    pub fn forget(&mut self) {
        *self = Self { late: self.late.take(), ..Self::default() };
    }

    /// The script that the leader wants to be executed.
    pub fn command(&self) -> Option<Command> {
        let (leader, _connected) = (self.leader.as_ref()?, self.server?);
        let action = leader.doing();
        let is_script = matches!(
            action,
            LeaderAction::Clear
                | LeaderAction::LoadPage { .. }
                | LeaderAction::LoadNew { .. }
                | LeaderAction::Open { .. }
                | LeaderAction::Beat { .. }
                | LeaderAction::Append { .. }
                | LeaderAction::Trim { .. }
        );
        let (rows, epoch) = (self.rows.clone(), leader.at().epoch);
        is_script.then_some(Command { action, rows, epoch, replication: self.replication })
    }

    /// Whether it has lost its connection and goes on as if it had not.
    pub fn must_reconnect(&self, doing: LeaderAction, bounds: Bounds) -> bool {
        bounds.mutation == Some(Mutation::NoRebind) && self.server.is_none() && !doing.is_filling()
    }

    /// The end of the records that have ended, from the first one on.
    pub fn trimmable(&self, postgres: &Postgres) -> u64 {
        let ended = self.log.iter().take_while(|row| postgres.rows[usize::from(**row)].is_expired);
        ended.count() as u64
    }

    /// Whether nothing is left to do.
    pub fn is_waiting(&self) -> bool {
        self.leader.as_ref().is_some_and(Leader::is_waiting)
    }

    pub(crate) fn note(&mut self, at: LogPosition) {
        self.log.truncate(usize::try_from(at.seq).unwrap_or(usize::MAX));
        self.log.append(&mut self.rows.clone());
    }
}

/// Why a relay stops waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wake {
    /// There are new rows.
    Rows,
    /// A heartbeat is due.
    Beat,
    /// The first records have ended.
    Trim,
    /// The process is asked to stop.
    Stop,
}
