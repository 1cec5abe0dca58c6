//! Counts wrong passwords by address and by account, so that many of them become one warning.
//!
//! The table has a fixed size: what strangers send cannot grow it. It refuses no request; it only says what an operator
//! should look at.

use std::hash::{BuildHasher as _, RandomState};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};

use uuid::Uuid;

/// How many wrong passwords within a window are worth a warning.
pub const MANY: u32 = 60;

/// How long a window lasts from its first wrong password, in seconds.
const WINDOW: u64 = 600;

/// How many addresses and accounts are counted at once.
const SLOTS: usize = 4096;

/// The bits of an IPv6 address that name a network; its user chooses the others.
const NETWORK: u128 = !0 << 64;

/// A common property of wrong passwords.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GuessOrigin {
    /// They came from one IPv4 address, or from one /64 network of IPv6.
    Address(IpAddr),
    /// They were for one account.
    Account(Uuid),
}

/// The counters.
///
/// Each origin has one slot, chosen by a hash with a random key. If two share a slot, each wrong password of one
/// takes one from the other, so that the more frequent one stays; no client can aim at a slot.
pub struct Guesses {
    slots: Mutex<Box<[GuessCounter]>>,
    hash: RandomState,
}

#[derive(Debug, Clone, Copy, Default)]
struct GuessCounter {
    origin: u64,
    began: u64,
    count: u32,
    has_warned: bool,
}

impl GuessOrigin {
    /// The address, or its network.
    pub fn address(address: IpAddr) -> Self {
        Self::Address(match address.to_canonical() {
            IpAddr::V4(address) => address.into(),
            IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & NETWORK).into(),
        })
    }
}

impl Default for Guesses {
    /// Nothing counted.
    fn default() -> Self {
        Self {
            slots: Mutex::new(vec![GuessCounter::default(); SLOTS].into_boxed_slice()),
            hash: RandomState::new(),
        }
    }
}

impl Guesses {
    /// Counts a wrong password at the second `now`. Returns `true` once in a window, when there are [`MANY`].
    pub fn count(&self, origin: GuessOrigin, now: u64) -> bool {
        let hash = self.hash.hash_one(origin);
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let place = usize::try_from(hash).unwrap_or(usize::MAX) % slots.len().max(1);
        slots.get_mut(place).is_some_and(|slot| slot.count(hash, now))
    }
}

impl GuessCounter {
    fn count(&mut self, origin: u64, now: u64) -> bool {
        let is_over = now.saturating_sub(self.began) >= WINDOW;
        if is_over || self.count == 0 {
            *self = Self { origin, began: now, count: 0, has_warned: false };
        }
        if self.origin != origin {
            self.count -= 1;
            return false;
        }
        self.count = self.count.saturating_add(1);
        let warns = self.count >= MANY && !self.has_warned;
        self.has_warned |= warns;
        warns
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn warnings(guesses: &Guesses, origin: GuessOrigin, count: u32, now: u64) -> usize {
        (0..count).filter(|_| guesses.count(origin, now)).count()
    }

    #[test]
    fn many_wrong_passwords_are_one_warning_in_a_window() {
        let (guesses, account) = (Guesses::default(), GuessOrigin::Account(Uuid::from_u128(7)));
        assert_eq!(warnings(&guesses, account, MANY - 1, 1000), 0);
        assert_eq!(warnings(&guesses, account, 1000, 1000 + WINDOW - 1), 1);
        assert_eq!(warnings(&guesses, account, 1000, 1000 + WINDOW), 1);
    }

    #[test]
    fn few_wrong_passwords_in_each_window_are_none() {
        let (guesses, account) = (Guesses::default(), GuessOrigin::Account(Uuid::from_u128(7)));
        for window in 1..10 {
            assert_eq!(warnings(&guesses, account, MANY - 1, window * WINDOW), 0);
        }
    }

    #[test]
    fn the_addresses_of_an_ipv6_network_are_one() {
        let address = |text: &str| GuessOrigin::address(text.parse().unwrap());
        assert_eq!(address("2001:db8::1"), address("2001:db8::ffff:1:2:3"));
        assert_ne!(address("2001:db8::1"), address("2001:db8:0:1::1"));
        assert_eq!(address("::ffff:198.51.100.7"), address("198.51.100.7"));
        assert_ne!(address("198.51.100.7"), address("198.51.100.8"));
    }

    #[test]
    fn a_flood_from_everywhere_hides_no_frequent_origin_for_long() {
        let (guesses, account) = (Guesses::default(), GuessOrigin::Account(Uuid::from_u128(7)));
        let mut found = 0;
        for stranger in 0..200_u32 * 100 {
            guesses.count(GuessOrigin::address(IpAddr::from(stranger.to_be_bytes())), 1000);
            found += warnings(&guesses, account, u32::from(stranger % 100 == 0), 1000);
        }
        assert_eq!(found, 1);
    }

    proptest! {
        #[test]
        fn no_order_of_origins_and_times_makes_it_panic(calls: Vec<(u8, u32)>) {
            let guesses = Guesses::default();
            for (origin, now) in calls {
                guesses.count(GuessOrigin::Account(Uuid::from_u128(origin.into())), now.into());
            }
        }
    }
}
