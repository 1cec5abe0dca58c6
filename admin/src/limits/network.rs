//! The networks of a client's address, from the one that a person has to the one that an organisation has.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// All addresses with the same first bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Network {
    /// With zeroes after the first `bits`.
    address: IpAddr,
    bits: u8,
}

impl Network {
    /// What one client has: an IPv4 address, or a /64 of IPv6, within which a client chooses its address.
    pub fn own(address: IpAddr) -> Self {
        Self::of(address, 32, 64)
    }

    /// What one site has: a /24 of IPv4 or a /48 of IPv6, within which an internet provider reassigns addresses.
    pub fn site(address: IpAddr) -> Self {
        Self::of(address, 24, 48)
    }

    /// The networks in which attempts are counted: an IPv4 address, because whole cities share a few; a /64 of IPv6,
    /// and the /56 and the /48 from which one client may have many of them.
    pub fn counted(address: IpAddr) -> Vec<Self> {
        match address.to_canonical() {
            IpAddr::V4(_) => vec![Self::own(address)],
            IpAddr::V6(_) => vec![Self::own(address), Self::of(address, 32, 56), Self::site(address)],
        }
    }

    /// What one client surely has, and what it may have: an IPv4 address; a /64 and a /56 of IPv6.
    pub fn of_one_client(address: IpAddr) -> Vec<Self> {
        match address.to_canonical() {
            IpAddr::V4(_) => vec![Self::own(address)],
            IpAddr::V6(_) => vec![Self::own(address), Self::of(address, 32, 56)],
        }
    }

    fn of(address: IpAddr, bits_of_v4: u8, bits_of_v6: u8) -> Self {
        // An address of IPv4 in the form of IPv6 is the same address.
        match address.to_canonical() {
            IpAddr::V4(address) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(bits_of_v4)).unwrap_or(0);
                Self { address: Ipv4Addr::from_bits(address.to_bits() & mask).into(), bits: bits_of_v4 }
            }
            IpAddr::V6(address) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(bits_of_v6)).unwrap_or(0);
                Self { address: Ipv6Addr::from_bits(address.to_bits() & mask).into(), bits: bits_of_v6 }
            }
        }
    }

    /// Its first address.
    pub fn address(self) -> IpAddr {
        self.address
    }

    /// Whether one client may have many networks of [`Self::own`] in it.
    pub(super) fn is_wide(self) -> bool {
        self.address.is_ipv6() && self.bits < 64
    }

    /// Its length and its address, which no other network has.
    pub(crate) fn bytes(self) -> Vec<u8> {
        let mut bytes = vec![self.bits];
        match self.address {
            IpAddr::V4(address) => bytes.extend(address.octets()),
            IpAddr::V6(address) => bytes.extend(address.octets()),
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn counted(address: &str) -> Vec<String> {
        let networks = Network::counted(address.parse().unwrap());
        networks.iter().map(|network| format!("{}/{}", network.address, network.bits)).collect()
    }

    #[test]
    fn an_address_is_counted_in_each_network_that_one_client_may_have() {
        assert_eq!(counted("198.51.100.7"), ["198.51.100.7/32"]);
        assert_eq!(counted("::ffff:198.51.100.7"), ["198.51.100.7/32"]);
        let networks = ["2001:db8:1:2345::/64", "2001:db8:1:2300::/56", "2001:db8:1::/48"];
        assert_eq!(counted("2001:db8:1:2345:6:7:8:9"), networks);
    }

    #[test]
    fn neighbours_are_one_site() {
        let site = |text: &str| Network::site(text.parse().unwrap());
        assert_eq!(site("198.51.100.7"), site("::ffff:198.51.100.200"));
        assert_ne!(site("198.51.100.7"), site("198.51.101.7"));
        assert_eq!(site("2001:db8:1::1"), site("2001:db8:1:ffff::1"));
        assert_ne!(site("2001:db8:1::1"), site("2001:db8:2::1"));
    }

    proptest! {
        #[test]
        fn networks_contain_each_other(bits: u128, is_v4: bool) {
            let v4 = Ipv4Addr::from_bits(u32::try_from(bits >> 96).unwrap());
            let address: IpAddr = if is_v4 { v4.into() } else { Ipv6Addr::from_bits(bits).into() };
            for network in Network::counted(address) {
                prop_assert_eq!(Network::site(network.address()), Network::site(address));
                prop_assert_eq!(Network::site(address).address(), Network::site(Network::own(address).address()).address());
            }
        }
    }
}
