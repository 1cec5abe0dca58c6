//! For which client a password is hashed. It decides the lane and the turn in the queue.

use std::hash::{BuildHasher as _, RandomState};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use uuid::Uuid;

/// The client for which a password is hashed. Its numbers are keyed hashes, so that no client can choose them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Party {
    /// A known device or a known network of an account, or the owner of a valid session.
    Known {
        /// The account.
        account: u64,
    },
    /// Any other client.
    Stranger(StrangerOrigin),
    /// A stranger beyond the limit of its address: all of them together get at most a tenth of the capacity.
    Slow(StrangerOrigin),
    /// A command of an operator.
    Operator,
}

/// Where a stranger's request comes from, and for which identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StrangerOrigin {
    /// The network: the /24 of an IPv4 address, the /48 of an IPv6 address.
    pub network: u64,
    /// The IPv4 address, or the /64 of an IPv6 address.
    pub address: u64,
    /// The identifier that the request names.
    pub identifier: u64,
}

/// The key of the hashes, drawn when the process starts.
#[derive(Debug, Clone, Default)]
pub(super) struct Parties(RandomState);

impl Parties {
    /// A client at `address` that names `identifier`.
    pub(super) fn stranger(&self, address: Option<IpAddr>, identifier: &str) -> Party {
        let groups = address.map(groups);
        Party::Stranger(StrangerOrigin {
            network: self.0.hash_one(groups.map(|(network, _)| network)),
            address: self.0.hash_one(groups.map(|(_, address)| address)),
            identifier: self.0.hash_one(identifier),
        })
    }

    /// The owner of a valid session of `user`.
    pub(super) fn known(&self, user: Uuid) -> Party {
        Party::Known { account: self.0.hash_one(user) }
    }
}

/// The network of an address, and the part of the address that its user cannot choose.
fn groups(address: IpAddr) -> (IpAddr, IpAddr) {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let network = Ipv4Addr::from_bits(address.to_bits() & (!0 << 8));
            (network.into(), address.into())
        }
        IpAddr::V6(address) => {
            let prefix = |bits: u32| Ipv6Addr::from_bits(address.to_bits() & (!0 << (128 - bits)));
            (prefix(48).into(), prefix(64).into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(parties: &Parties, address: &str, identifier: &str) -> StrangerOrigin {
        match parties.stranger(Some(address.parse().unwrap()), identifier) {
            Party::Stranger(origin) => origin,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_addresses_of_a_prefix_share_its_network() {
        let parties = Parties::default();
        let of = |address| origin(&parties, address, "neo");
        assert_eq!(of("198.51.100.1").network, of("198.51.100.200").network);
        assert_ne!(of("198.51.100.1").network, of("198.51.101.1").network);
        assert_ne!(of("198.51.100.1").address, of("198.51.100.200").address);
        assert_eq!(of("::ffff:198.51.100.1"), of("198.51.100.1"));
        assert_eq!(of("2001:db8:1::1").network, of("2001:db8:1:ffff::1").network);
        assert_ne!(of("2001:db8:1::1").network, of("2001:db8:2::1").network);
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::1"));
        assert_ne!(of("2001:db8:1:2::1").address, of("2001:db8:1:3::1").address);
    }

    #[test]
    fn identifiers_and_accounts_are_distinguished() {
        let parties = Parties::default();
        let of = |identifier| origin(&parties, "198.51.100.1", identifier);
        assert_eq!(of("neo"), of("neo"));
        assert_ne!(of("neo"), of("trinity"));
        assert_ne!(parties.known(Uuid::from_u128(1)), parties.known(Uuid::from_u128(2)));
        assert_ne!(of("neo"), origin(&Parties::default(), "198.51.100.1", "neo"));
    }
}
