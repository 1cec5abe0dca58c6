//! Values under unguessable names that expire: codes, tokens, open requests.

use std::collections::{HashMap, VecDeque};

use crate::random;

/// The most entries; above it the oldest is dropped.
const LIMIT: usize = 10_000;

/// Values under random names, all with the same lifetime in seconds.
#[derive(Debug)]
pub(crate) struct ExpiringMap<T> {
    lifetime: u64,
    entries: HashMap<String, Entry<T>>,
    /// Names, the oldest first. Names of taken entries stay until they are the oldest.
    order: VecDeque<String>,
}

#[derive(Debug)]
struct Entry<T> {
    ends: u64,
    value: T,
}

impl<T> ExpiringMap<T> {
    /// An empty map.
    pub(crate) fn new(lifetime: u64) -> Self {
        Self { lifetime, entries: HashMap::new(), order: VecDeque::new() }
    }

    /// Stores a value and returns its name.
    pub(crate) fn put(&mut self, now: u64, value: T) -> String {
        // The prefix lets tests search a client's logs for them.
        let name = format!("pretended-{}", random::word());
        self.put_as(now, name.clone(), value);
        name
    }

    /// Stores a value under this name.
    pub(crate) fn put_as(&mut self, now: u64, name: String, value: T) {
        while self.order.len() >= LIMIT {
            self.forget_oldest();
        }
        self.entries.insert(name.clone(), Entry { ends: now.saturating_add(self.lifetime), value });
        self.order.push_back(name);
    }

    /// The value of that name, unless it has expired.
    pub(crate) fn get(&self, now: u64, name: &str) -> Option<&T> {
        self.entries.get(name).filter(|entry| now < entry.ends).map(|entry| &entry.value)
    }

    /// The same, and removes it.
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
        let mut map = ExpiringMap::new(600);
        let name = map.put(0, "code");
        assert_eq!(map.get(0, &name), Some(&"code"));
        assert_eq!(map.take(0, &name), Some("code"));
        assert_eq!(map.take(0, &name), None);
    }

    #[test]
    fn an_entry_expires() {
        let mut map = ExpiringMap::new(600);
        let name = map.put(1000, "code");
        assert_eq!(map.get(1599, &name), Some(&"code"));
        assert_eq!(map.get(1600, &name), None);
        assert_eq!(map.take(1600, &name), None);
    }

    #[test]
    fn the_oldest_entry_is_dropped() {
        let mut map = ExpiringMap::new(600);
        let first = map.put(0, 0);
        let second = map.put(0, 1);
        for number in 2..=LIMIT {
            map.put(0, number);
        }
        assert_eq!(map.get(0, &first), None);
        assert_eq!(map.get(0, &second), Some(&1));
        assert_eq!(map.order.len(), LIMIT);
    }
}
