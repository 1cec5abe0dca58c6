//! The origin of a request, coarse enough to stay the same for one person: a network and a user agent.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::actor::Client;

/// The address prefix and the user agent of a request.
///
/// The prefix is /24 for IPv4 and /64 for IPv6: within it an internet provider reassigns addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ClientOrigin {
    prefix: Option<IpAddr>,
    user_agent: String,
}

/// How far a request is from the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Distance {
    /// The same network and user agent.
    Same,
    /// Another network or another user agent, but not both.
    Nearby,
    /// Another network and another user agent.
    Elsewhere,
}

impl ClientOrigin {
    /// How far it is from `other`.
    pub(crate) fn distance(&self, other: &Self) -> Distance {
        match (self.prefix == other.prefix, self.user_agent == other.user_agent) {
            (true, true) => Distance::Same,
            (true, false) | (false, true) => Distance::Nearby,
            (false, false) => Distance::Elsewhere,
        }
    }

    /// The origin of a request from `address` with this user agent, already truncated on arrival.
    pub(crate) fn of(client: &Client) -> Self {
        let user_agent = client.user_agent.clone().unwrap_or_default();
        Self { prefix: client.address.map(network), user_agent }
    }

    /// The stored origin.
    pub(crate) fn from_stored(prefix: Option<IpAddr>, user_agent: Option<&str>) -> Self {
        Self { prefix, user_agent: user_agent.unwrap_or_default().to_owned() }
    }

    /// The network address; `None` when the client's address is unknown.
    pub(crate) fn prefix(&self) -> Option<IpAddr> {
        self.prefix
    }

    /// The user agent.
    pub(crate) fn user_agent(&self) -> &str {
        &self.user_agent
    }
}

fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => Ipv4Addr::from_bits(address.to_bits() & (u32::MAX << 8)).into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(address: &str, user_agent: &str) -> ClientOrigin {
        ClientOrigin::of(&Client {
            address: Some(address.parse().unwrap()),
            user_agent: Some(user_agent.to_owned()),
            ..Client::NONE
        })
    }

    #[test]
    fn neighbours_are_one_origin() {
        assert_eq!(origin("192.0.2.7", "film/1"), origin("192.0.2.200", "film/1"));
        assert_eq!(origin("2001:db8::1", "film/1"), origin("2001:db8::ffff:1", "film/1"));
        assert_eq!(origin("::ffff:192.0.2.7", "film/1"), origin("192.0.2.8", "film/1"));
    }

    #[test]
    fn a_distance_is_what_differs() {
        let home = origin("192.0.2.7", "film/1");
        assert_eq!(home.distance(&origin("192.0.2.8", "film/1")), Distance::Same);
        assert_eq!(home.distance(&origin("192.0.3.7", "film/1")), Distance::Nearby);
        assert_eq!(home.distance(&origin("192.0.2.7", "film/2")), Distance::Nearby);
        assert_eq!(home.distance(&origin("192.0.3.7", "film/2")), Distance::Elsewhere);
    }

    #[test]
    fn another_network_or_program_is_another_origin() {
        assert_ne!(origin("192.0.2.7", "film/1"), origin("192.0.3.7", "film/1"));
        assert_ne!(origin("2001:db8::1", "film/1"), origin("2001:db8:0:1::1", "film/1"));
        assert_ne!(origin("192.0.2.7", "film/1"), origin("192.0.2.7", "film/2"));
        assert_ne!(
            origin("192.0.2.7", "film/1"),
            ClientOrigin::of(&Client { user_agent: Some("film/1".to_owned()), ..Client::NONE })
        );
    }
}
