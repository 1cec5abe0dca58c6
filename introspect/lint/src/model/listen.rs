//! Where a server listens, and whether a request to an address comes to it.

use std::ops::RangeInclusive;

use crate::model::address::{Host, ProgramAddress};
use crate::target::after_unix;

/// One `listen`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Listen {
    Socket(ProgramAddress),
    Ports {
        /// `None`: every address of this machine.
        host: Option<Host>,
        ports: RangeInclusive<u16>,
    },
}

impl Listen {
    /// The addresses of a server without `listen`; the second is that of a user who is not root.
    pub(crate) fn defaults() -> [Self; 2] {
        [80, 8000].map(|port| Self::Ports { host: None, ports: port..=port })
    }

    /// Reads a port, an address with or without a port or a range of ports, or a socket.
    pub(crate) fn parse(text: &str) -> Self {
        if after_unix(text).is_some() {
            return Self::Socket(ProgramAddress::parse(text, "", true));
        }
        if let Some(ports) = range(text) {
            return Self::Ports { host: None, ports };
        }
        let parts = text.rsplit_once(':').and_then(|(host, ports)| Some((host, range(ports)?)));
        let (host, ports) = parts.unwrap_or((text, 80..=80));
        let is_wildcard = host == "*" || Host::parse(host, false).is_unspecified();
        Self::Ports { host: (!is_wildcard).then(|| Host::parse(host, true)), ports }
    }

    /// Whether a request to the address may come here. A name, and with a server for all addresses an address too, may be this
    /// machine's; but nearly every machine has a program at the ports of HTTP.
    pub(crate) fn may_serve(&self, address: &ProgramAddress) -> bool {
        self.is_met(address, |host, own, port| {
            let is_common = matches!(port, 80 | 443);
            match own {
                None => *host == Host::Loopback || !is_common,
                Some(own) => own == host || (!is_common && (is_name(own) || is_name(host))),
            }
        })
    }

    fn is_met(&self, address: &ProgramAddress, is_host: impl Fn(&Host, Option<&Host>, u16) -> bool) -> bool {
        match (self, address) {
            (Self::Socket(socket), ProgramAddress::Socket(_)) => socket.may_be(address, true),
            (Self::Socket(_), _) => false,
            (Self::Ports { host: own, ports }, ProgramAddress::Host(host, port)) => {
                port.parse().is_ok_and(|port| ports.contains(&port) && is_host(host, own.as_ref(), port))
            }
            (Self::Ports { .. }, ProgramAddress::Socket(_) | ProgramAddress::Any) => false,
        }
    }
}

fn is_name(host: &Host) -> bool {
    matches!(host, Host::Name(_))
}

/// `80` or `80-89`.
fn range(text: &str) -> Option<RangeInclusive<u16>> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    Some(first.parse().ok()?..=last.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_comes_to_a_server_that_listens_at_its_address() {
        for (listen, address, expected) in [
            ("8080", "127.0.0.1:8080", true),
            ("8080", "10.0.0.5:8080", true),
            ("8080", "films.internal:8080", true),
            ("80", "films.internal:80", false),
            ("80", "localhost:80", true),
            ("8080-8090", "[::1]:8085", true),
            ("127.0.0.1:8080-8090", "127.0.0.1:8091", false),
            ("127.0.0.1", "127.0.0.1:80", true),
            ("[::]:8080", "localhost:8080", true),
            ("10.0.0.5:8080", "10.0.0.5:8080", true),
            ("10.0.0.5:8080", "10.0.0.6:8080", false),
            ("10.0.0.5:8080", "films:8080", true),
            ("127.0.0.1:8080", "10.0.0.5:8080", false),
            ("UNIX:/var/run/a", "unix:/run/a", true),
            ("unix:/run/a", "127.0.0.1:80", false),
            ("unix:a", "unix:/run/a", true),
            ("[::0]:8080", "10.0.0.5:8080", true),
            ("0:8080", "10.0.0.5:8080", true),
        ] {
            let (listen, address) = (Listen::parse(listen), ProgramAddress::parse(address, "80", true));
            assert_eq!(listen.may_serve(&address), expected, "{listen:?} {address:?}");
        }
        assert!(Listen::defaults().iter().any(|listen| listen.may_serve(&ProgramAddress::parse(
            "127.0.0.1",
            "80",
            true
        ))));
    }
}
