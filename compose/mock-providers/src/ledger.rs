//! What was handed out under a name that nobody can guess: codes, tokens, open requests.

use std::collections::{HashMap, VecDeque};

use crate::random;

/// How many a ledger holds; the oldest makes room.
const LIMIT: usize = 10_000;

/// Things under random names, each for the same number of seconds.
#[derive(Debug)]
pub(crate) struct Ledger<T> {
    lifetime: u64,
    entries: HashMap<String, Entry<T>>,
    /// Names, the oldest first. Those of taken entries stay until it is their turn.
    order: VecDeque<String>,
}

#[derive(Debug)]
struct Entry<T> {
    ends: u64,
    value: T,
}

impl<T> Ledger<T> {
    /// An empty one, whose entries live for that many seconds.
    pub(crate) fn new(lifetime: u64) -> Self {
        Self { lifetime, entries: HashMap::new(), order: VecDeque::new() }
    }

    /// Writes it down and says under which name.
    pub(crate) fn put(&mut self, now: u64, value: T) -> String {
        while self.order.len() >= LIMIT {
            self.forget_oldest();
        }
        // So that a client's logs can be searched for any of them.
        let name = format!("pretended-{}", random::word());
        self.entries.insert(name.clone(), Entry { ends: now.saturating_add(self.lifetime), value });
        self.order.push_back(name.clone());
        name
    }

    /// What stands under that name, unless its time is over.
    pub(crate) fn get(&self, now: u64, name: &str) -> Option<&T> {
        self.entries.get(name).filter(|entry| now < entry.ends).map(|entry| &entry.value)
    }

    /// The same, and nobody finds it again.
    pub(crate) fn take(&mut self, now: u64, name: &str) -> Option<T> {
        self.entries.remove(name).filter(|entry| now < entry.ends).map(|entry| entry.value)
    }

    fn forget_oldest(&mut self) {
        if let Some(name) = self.order.pop_front() {
            self.entries.remove(&name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_taken_once() {
        let mut ledger = Ledger::new(600);
        let name = ledger.put(0, "code");
        assert_eq!(ledger.get(0, &name), Some(&"code"));
        assert_eq!(ledger.take(0, &name), Some("code"));
        assert_eq!(ledger.take(0, &name), None);
    }

    #[test]
    fn an_entry_ends_with_its_time() {
        let mut ledger = Ledger::new(600);
        let name = ledger.put(1000, "code");
        assert_eq!(ledger.get(1599, &name), Some(&"code"));
        assert_eq!(ledger.get(1600, &name), None);
        assert_eq!(ledger.take(1600, &name), None);
    }

    #[test]
    fn the_oldest_makes_room() {
        let mut ledger = Ledger::new(600);
        let first = ledger.put(0, 0);
        let second = ledger.put(0, 1);
        for number in 2..=LIMIT {
            ledger.put(0, number);
        }
        assert_eq!(ledger.get(0, &first), None);
        assert_eq!(ledger.get(0, &second), Some(&1));
        assert_eq!(ledger.order.len(), LIMIT);
    }
}
