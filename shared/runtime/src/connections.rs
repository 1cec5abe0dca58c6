//! The open connections of a listener: a limited number, of which the one that has been unused for longest gives way to a new
//! one. So idle and slow clients never keep others waiting for long, and never use up the file descriptors. A connection gives
//! way to none while it is new, so that of many at once none is dropped, nor while a request of it is answered.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout_at};

/// For how long a new connection gives way to none: enough for a request that is sent at once. Meanwhile later ones wait.
const GRACE: Duration = Duration::from_millis(100);

/// The open connections. Cheap to clone.
#[derive(Clone)]
pub struct Connections(Arc<Shared>);

struct Shared {
    most: usize,
    /// Counts those that had to give way.
    closed: Counter,
    is_full_logged: AtomicBool,
    open: Mutex<Open>,
    /// Tells those who wait that a connection has ended.
    ended: Notify,
}

/// One of them. It is removed when this is dropped.
pub struct ListenerConnection {
    number: u64,
    all: Connections,
}

/// A request of a connection that is being answered, until it is dropped.
pub struct InUse(Arc<ListenerConnection>);

#[derive(Default)]
struct Open {
    /// Counts uses; the use with the lowest number is the oldest.
    turn: u64,
    by_number: HashMap<u64, OpenEntry>,
}

struct OpenEntry {
    used: u64,
    /// Its requests in progress.
    in_use: usize,
    /// Since when it is read; none until its task runs.
    served: Option<Instant>,
    /// None until the task runs.
    task: Option<AbortHandle>,
}

impl Connections {
    /// At most `most`; counts in `closed` those that give way.
    pub fn new(most: usize, closed: Counter) -> Self {
        let (is_full_logged, open, ended) = (AtomicBool::default(), Mutex::default(), Notify::new());
        Self(Arc::new(Shared { most, closed, is_full_logged, open, ended }))
    }

    /// Returns when none is open.
    pub async fn all_ended(&self) {
        loop {
            let ended = self.0.ended.notified();
            tokio::pin!(ended);
            // From here on it is told, before the look.
            ended.as_mut().enable();
            if self.open().by_number.is_empty() {
                return;
            }
            ended.await;
        }
    }

    /// Adds a connection. If there are too many, the one that has been unused for longest is closed, as soon as it is no
    /// longer new.
    pub async fn add(&self) -> ListenerConnection {
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
    fn try_add(&self, now: Instant) -> Result<ListenerConnection, Instant> {
        let mut open = self.open();
        let evicted = if open.by_number.len() < self.0.most { None } else { Some(open.remove_oldest(now)?) };
        let number = open.next_turn();
        open.by_number.insert(number, OpenEntry { used: number, in_use: 0, served: None, task: None });
        drop(open);
        if let Some(entry) = evicted {
            self.note_closed();
            if let Some(task) = entry.task {
                task.abort();
            }
        }
        Ok(ListenerConnection { number, all: self.clone() })
    }

    /// The task that serves the connection `number`, which is aborted when the connection gives way.
    pub fn set_task(&self, number: u64, task: AbortHandle) {
        match self.open().by_number.get_mut(&number) {
            Some(entry) => entry.task = Some(task),
            // It has ended, or had to give way before its task was known.
            None => task.abort(),
        }
    }

    /// Once, because each further connection would cause a line.
    fn note_closed(&self) {
        self.0.closed.inc();
        if !self.0.is_full_logged.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                limit = self.0.most,
                "All connections are in use: for each new one, the one that has been unused for longest is closed."
            );
        }
    }

    /// A panic elsewhere leaves the map as it is: each change is one call.
    fn open(&self) -> MutexGuard<'_, Open> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ListenerConnection {
    /// Its number, by which its task is named.
    pub const fn number(&self) -> u64 {
        self.number
    }

    /// It is read from now on.
    pub fn mark_served(&self) {
        if let Some(entry) = self.all.open().by_number.get_mut(&self.number) {
            entry.served = Some(Instant::now());
        }
    }

    /// A request of it is answered from now on.
    pub fn begin_use(self: &Arc<Self>) -> InUse {
        self.change(|entry| entry.in_use += 1);
        InUse(Arc::clone(self))
    }

    /// Changes its entry, and notes that it is used now.
    fn change(&self, change: impl FnOnce(&mut OpenEntry)) {
        let mut open = self.all.open();
        let turn = open.next_turn();
        if let Some(entry) = open.by_number.get_mut(&self.number) {
            entry.used = turn;
            change(entry);
        }
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        self.0.change(|entry| entry.in_use -= 1);
    }
}

impl Drop for ListenerConnection {
    fn drop(&mut self) {
        self.all.open().by_number.remove(&self.number);
        self.all.0.ended.notify_waiters();
    }
}

impl Open {
    /// Removes the one that has been unused for longest, or says when it will no longer be new.
    fn remove_oldest(&mut self, now: Instant) -> Result<OpenEntry, Instant> {
        let idle = self.by_number.iter().filter(|(_, entry)| entry.in_use == 0);
        // If all are in use, another look is worth it after a moment.
        let Some((number, entry)) = idle.min_by_key(|(_, entry)| entry.used) else { return Err(now + GRACE) };
        let (number, new_until) = (*number, entry.served.unwrap_or(now) + GRACE);
        let evicted = if new_until <= now { self.by_number.remove(&number) } else { None };
        evicted.ok_or(new_until)
    }

    const fn next_turn(&mut self) -> u64 {
        self.turn += 1;
        self.turn
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_one_unused_for_longest_gives_way_but_none_whose_request_is_answered() {
        let connections = Connections::new(2, Counter::default());
        let (first, second) = (Arc::new(connections.add().await), Arc::new(connections.add().await));
        first.mark_served();
        second.mark_served();
        let in_use = first.begin_use();
        assert!(connections.add().now_or_never().is_none(), "both are new");
        tokio::time::advance(GRACE).await;
        let third = connections.add().await;
        let is_open = |number| connections.open().by_number.contains_key(&number);
        assert!(is_open(first.number()) && !is_open(second.number()) && is_open(third.number()));
        drop(in_use);
        assert_eq!(connections.0.closed.get(), 1);

        assert!(connections.all_ended().now_or_never().is_none());
        drop((first, second, third));
        connections.all_ended().await;
    }
}
