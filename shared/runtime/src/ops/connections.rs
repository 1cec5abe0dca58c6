//! The open connections of the operations listener: a limited number, of which the one that has been unused for longest gives
//! way to a new one. So idle and slow clients never keep a health check waiting for long. A new connection gives way to
//! none for a moment, so that of many health checks at once none is dropped.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout_at};

/// Monitoring needs a handful, and more must not use up the file descriptors that other clients need.
const MAX_CONNECTIONS: usize = 64;

/// For how long a new connection gives way to none: enough for a request that is sent at once. Meanwhile later ones wait.
const GRACE: Duration = Duration::from_millis(100);

/// The open connections. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Connections(Arc<Shared>);

#[derive(Default)]
struct Shared {
    open: Mutex<Open>,
    /// Tells those who wait that a connection has ended.
    ended: Notify,
}

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
    /// Since when it is read; none until its task runs.
    served: Option<Instant>,
    /// None until the task runs.
    task: Option<AbortHandle>,
}

impl Connections {
    /// Adds a connection. If there are too many, the one that has been unused for longest is closed, as soon as it is no
    /// longer new.
    pub(super) async fn add(&self) -> OpsConnection {
        loop {
            let ended = self.0.ended.notified();
            let earliest = match self.try_add(Instant::now()) {
                Ok(added) => return added,
                Err(earliest) => earliest,
            };
            // Either way there may be room.
            let _elapsed = timeout_at(earliest, ended).await;
        }
    }

    /// Adds a connection, or says when one may give way at the earliest.
    fn try_add(&self, now: Instant) -> Result<OpsConnection, Instant> {
        let mut open = self.open();
        let evicted =
            if open.by_number.len() < MAX_CONNECTIONS { None } else { Some(open.remove_oldest(now)?) };
        let number = open.next_turn();
        open.by_number.insert(number, OpenEntry { used: number, served: None, task: None });
        drop(open);
        if let Some(task) = evicted.and_then(|entry| entry.task) {
            task.abort();
        }
        Ok(OpsConnection { number, all: self.clone() })
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
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OpsConnection {
    /// Its number, by which its task is named.
    pub(super) const fn number(&self) -> u64 {
        self.number
    }

    /// It is read from now on.
    pub(super) fn mark_served(&self) {
        if let Some(entry) = self.all.open().by_number.get_mut(&self.number) {
            entry.served = Some(Instant::now());
        }
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
        self.all.0.ended.notify_waiters();
    }
}

impl Open {
    /// Removes the one that has been unused for longest, or says when it will no longer be new.
    fn remove_oldest(&mut self, now: Instant) -> Result<OpenEntry, Instant> {
        let oldest = self.by_number.iter().min_by_key(|(_, entry)| entry.used);
        let (number, new_until) =
            oldest.map_or((0, now), |(number, entry)| (*number, entry.served.unwrap_or(now) + GRACE));
        let evicted = if new_until <= now { self.by_number.remove(&number) } else { None };
        evicted.ok_or(new_until)
    }

    const fn next_turn(&mut self) -> u64 {
        self.turn += 1;
        self.turn
    }
}
