//! Which addresses are past their limits, so that the log says it once for each address and window.

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use crate::limits::{CounterTable, Network};

/// How many addresses are announced in a window: strangers cannot grow the log.
const MOST: usize = 1024;

/// The addresses that were announced in the current window.
#[derive(Debug, Default)]
pub struct SlowedAddresses(Mutex<Announced>);

#[derive(Debug, Default)]
struct Announced {
    window: u64,
    networks: HashSet<Network>,
}

impl SlowedAddresses {
    /// Whether `address`, which is past a limit at the second `now`, must be announced.
    pub fn is_first(&self, address: IpAddr, now: u64) -> bool {
        let window = now / CounterTable::Addresses.window();
        let mut announced = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if announced.window != window {
            *announced = Announced { window, networks: HashSet::new() };
        }
        announced.networks.len() < MOST && announced.networks.insert(Network::own(address))
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn an_address_is_announced_once_in_a_window() {
        let slowed = SlowedAddresses::default();
        let first = |text: &str, now| slowed.is_first(text.parse().unwrap(), now);
        assert!(first("2001:db8::1", 1200) && !first("2001:db8::2", 1799), "one client has a /64");
        assert!(first("2001:db8:0:1::1", 1200));
        assert!(first("2001:db8::1", 1800));
    }

    #[test]
    fn the_addresses_announced_in_a_window_are_bounded() {
        let slowed = SlowedAddresses::default();
        let addresses = (0..5000).map(|bits| Ipv4Addr::from_bits(bits).into());
        assert_eq!(addresses.filter(|address| slowed.is_first(*address, 0)).count(), MOST);
    }
}
