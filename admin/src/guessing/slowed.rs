//! Which addresses fail much, or are past their limits, so that the log says it once for each address and window.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use crate::limits::{CounterTable, Network};

/// How many addresses are known in a window: strangers can grow neither the table nor the log.
const MOST: usize = 1024;

/// So many wrong passwords in a window are worth a line.
pub const MANY_FAILURES: u32 = 60;

/// The addresses of the current window.
#[derive(Debug, Default)]
pub struct SlowedAddresses(Mutex<KnownAddresses>);

#[derive(Debug, Default)]
struct KnownAddresses {
    window: u64,
    networks: HashMap<Network, SeenAddress>,
}

#[derive(Debug, Default)]
struct SeenAddress {
    failures: u32,
    is_announced: bool,
}

impl SlowedAddresses {
    /// Whether `address`, which is past a limit at the second `now`, must be announced.
    pub fn is_first(&self, address: IpAddr, now: u64) -> bool {
        self.with(address, now, |seen| !std::mem::replace(&mut seen.is_announced, true))
    }

    /// Notes a wrong password; whether `address` must be announced for it.
    pub fn failed(&self, address: IpAddr, now: u64) -> bool {
        self.with(address, now, |seen| {
            seen.failures = seen.failures.saturating_add(1);
            seen.failures == MANY_FAILURES
        })
    }

    /// An address that finds no room is not announced.
    fn with(&self, address: IpAddr, now: u64, note: impl FnOnce(&mut SeenAddress) -> bool) -> bool {
        let window = now / CounterTable::Addresses.window();
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.window != window {
            *known = KnownAddresses { window, networks: HashMap::new() };
        }
        let network = Network::own(address);
        if known.networks.len() >= MOST && !known.networks.contains_key(&network) {
            // Those that failed once are many, and of no interest.
            known.networks.retain(|_, seen| seen.is_announced || seen.failures > 1);
            if known.networks.len() >= MOST {
                return false;
            }
        }
        note(known.networks.entry(network).or_default())
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
    fn many_failures_of_an_address_are_announced_once() {
        let slowed = SlowedAddresses::default();
        let address = "192.0.2.1".parse().unwrap();
        // Strangers with one failure each keep it out for a moment only.
        for other in 0..10_000 {
            assert!(!slowed.failed(Ipv4Addr::from_bits(other).into(), 0));
        }
        let told: Vec<u32> = (1..200).filter(|_| slowed.failed(address, 0)).collect();
        assert_eq!(told, [MANY_FAILURES]);
    }

    #[test]
    fn the_addresses_announced_in_a_window_are_bounded() {
        let slowed = SlowedAddresses::default();
        let addresses = (0..5000).map(|bits| Ipv4Addr::from_bits(bits).into());
        assert_eq!(addresses.filter(|address| slowed.is_first(*address, 0)).count(), MOST);
    }
}
