//! The networks that had a turn most recently: a bounded set.

use std::collections::{BTreeMap, HashMap};

/// How many networks are remembered. A flood from more networks than this looks like new ones.
const MAX_NETWORKS: usize = 8192;

/// The networks, the oldest turn first.
#[derive(Debug, Default)]
pub(super) struct RecentNetworks {
    turns: HashMap<u64, u64>,
    by_turn: BTreeMap<u64, u64>,
    next: u64,
}

impl RecentNetworks {
    /// Whether it had a turn recently.
    pub(super) fn contains(&self, network: u64) -> bool {
        self.turns.contains_key(&network)
    }

    /// It has a turn now.
    pub(super) fn note(&mut self, network: u64) {
        if let Some(turn) = self.turns.insert(network, self.next) {
            self.by_turn.remove(&turn);
        }
        self.by_turn.insert(self.next, network);
        self.next += 1;
        if self.turns.len() > MAX_NETWORKS
            && let Some((_, oldest)) = self.by_turn.pop_first()
        {
            self.turns.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_network_makes_room() {
        let mut recent = RecentNetworks::default();
        let most = u64::try_from(MAX_NETWORKS).unwrap();
        (0..most).for_each(|network| recent.note(network));
        recent.note(0);
        recent.note(most);
        assert!(recent.contains(0) && recent.contains(most) && !recent.contains(1) && recent.contains(2));
        (0..10 * most).for_each(|network| recent.note(network));
        assert_eq!((recent.turns.len(), recent.by_turn.len()), (MAX_NETWORKS, MAX_NETWORKS));
    }
}
