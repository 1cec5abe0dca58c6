//! The open connections of the ops listener: a limited number, of which the one that has been unused for longest gives
//! way to a new one. So idle and slow clients never keep a health check waiting.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::task::AbortHandle;

/// Monitoring needs a handful, and more must not use up the file descriptors that other clients need.
const MAX_CONNECTIONS: usize = 64;

/// The open connections. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Connections(Arc<Mutex<Open>>);

/// One of them. It is removed when this is dropped.
pub(super) struct OpsConnection {
    number: u64,
    all: Connections,
}

#[derive(Default)]
struct Open {
    /// Counts uses; the use with the lowest number is the oldest.
    turn: u64,
    by_number: HashMap<u64, OpenEntry>,
}

struct OpenEntry {
    used: u64,
    /// None until the task runs.
    task: Option<AbortHandle>,
}

impl Connections {
    /// Adds a connection. If there are too many, the one that has been unused for longest is closed.
    pub(super) fn add(&self) -> OpsConnection {
        let mut open = self.open();
        let evicted = if open.by_number.len() < MAX_CONNECTIONS { None } else { open.remove_oldest() };
        let number = open.next_turn();
        open.by_number.insert(number, OpenEntry { used: number, task: None });
        drop(open);
        if let Some(task) = evicted.and_then(|entry| entry.task) {
            task.abort();
        }
        OpsConnection { number, all: self.clone() }
    }

    /// The task that serves the connection `number`, which is aborted when the connection gives way.
    pub(super) fn set_task(&self, number: u64, task: AbortHandle) {
        match self.open().by_number.get_mut(&number) {
            Some(entry) => entry.task = Some(task),
            // It has ended, or had to give way before its task was known.
            None => task.abort(),
        }
    }

    /// A panic elsewhere leaves the map as it is: each change is one call.
    fn open(&self) -> MutexGuard<'_, Open> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OpsConnection {
    /// Its number, by which its task is named.
    pub(super) const fn number(&self) -> u64 {
        self.number
    }

    /// It is used now.
    pub(super) fn mark_used(&self) {
        let mut open = self.all.open();
        let turn = open.next_turn();
        if let Some(entry) = open.by_number.get_mut(&self.number) {
            entry.used = turn;
        }
    }
}

impl Drop for OpsConnection {
    fn drop(&mut self) {
        self.all.open().by_number.remove(&self.number);
    }
}

impl Open {
    fn remove_oldest(&mut self) -> Option<OpenEntry> {
        let oldest = self.by_number.iter().min_by_key(|(_, entry)| entry.used).map(|(number, _)| *number);
        self.by_number.remove(&oldest?)
    }

    const fn next_turn(&mut self) -> u64 {
        self.turn += 1;
        self.turn
    }
}
