//! Whose program is at an address, and whether two addresses may be those of the same program.
//!
//! Names are not looked up, because the linter connects to nothing. Where the text of two addresses does not show that they
//! differ, they count as one program.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use crate::target::after_unix;

/// Where a request to a program goes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum ProgramAddress {
    /// A Unix socket, by its path without `//`, `.` and `..`; without a slash at the beginning, if it is one in the folder that nginx
    /// works in.
    Socket(String),
    /// A host and a port.
    Host(Host, String),
    /// It depends on the request, or cannot be read: any program.
    Any,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Host {
    /// Any name or address of this machine that only this machine reaches, whatever its spelling.
    Loopback,
    Ip(IpAddr),
    /// In lower case, without a dot at the end.
    Name(String),
}

impl ProgramAddress {
    /// Reads `host`, `host:port`, `[::1]:port` or `unix:/path`.
    /// With `loopback`, all names of this machine are one.
    pub(crate) fn parse(text: &str, default_port: &str, loopback: bool) -> Self {
        if let Some(path) = after_unix(text) {
            return Self::Socket(plain_path(path));
        }
        let (host, port) = split_port(text);
        let port = port.unwrap_or(default_port);
        // nginx reads a port with zeros before it as the same number.
        let port = port.parse::<u16>().map_or_else(|_| port.to_owned(), |port| port.to_string());
        Self::Host(Host::parse(host, loopback), port)
    }

    /// Whether one program may be behind both. With `loopback`, names of this machine are one host.
    pub(crate) fn may_be(&self, other: &Self, loopback: bool) -> bool {
        match (self, other) {
            (Self::Any, _) | (_, Self::Any) => true,
            (Self::Socket(one), Self::Socket(other)) => is_same_socket(one, other),
            (Self::Host(one, port), Self::Host(other, other_port)) => {
                port == other_port && (one == other || (loopback && one.may_be(other, port)))
            }
            _ => false,
        }
    }
}

impl fmt::Display for ProgramAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socket(path) => write!(f, "unix:{path}"),
            Self::Host(Host::Loopback, port) => write!(f, "127.0.0.1:{port}"),
            Self::Host(Host::Ip(IpAddr::V6(ip)), port) => write!(f, "[{ip}]:{port}"),
            Self::Host(Host::Ip(ip), port) => write!(f, "{ip}:{port}"),
            Self::Host(Host::Name(name), port) => write!(f, "{name}:{port}"),
            Self::Any => f.write_str("any program"),
        }
    }
}

impl Host {
    pub(crate) fn parse(text: &str, loopback: bool) -> Self {
        let text = text.trim_end_matches('.').to_ascii_lowercase();
        let inner = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(&text);
        match inner.parse::<IpAddr>().ok().or_else(|| old_ipv4(inner).map(IpAddr::V4)) {
            Some(ip) if loopback => Self::of_ip(ip.to_canonical()),
            Some(ip) => Self::Ip(ip),
            None if loopback && is_local_name(inner) => Self::Loopback,
            None => Self::Name(inner.to_owned()),
        }
    }

    /// Whether it stands for all addresses of a machine.
    pub(crate) fn is_unspecified(&self) -> bool {
        matches!(self, Self::Ip(ip) if ip.is_unspecified())
    }

    fn of_ip(ip: IpAddr) -> Self {
        // A connection to the unspecified address is one to this machine.
        if ip.is_loopback() || ip.is_unspecified() { Self::Loopback } else { Self::Ip(ip) }
    }

    /// Whether both may be the same machine. A name may have any address, and a program that listens on all addresses
    /// is behind each of its machine. Two addresses of other machines are two machines; so are two names, unless
    /// one is the other with its domain. Nearly every machine has a program at the ports of HTTP, so that there a name and an
    /// address are two.
    fn may_be(&self, other: &Self, port: &str) -> bool {
        match (self, other) {
            (Self::Name(one), Self::Name(other)) => {
                let begins = |long: &str, short: &str| {
                    long.strip_prefix(short).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
                };
                begins(one, other) || begins(other, one)
            }
            (Self::Ip(one), Self::Ip(other)) => one == other,
            (Self::Loopback, Self::Loopback | Self::Ip(_)) | (Self::Ip(_), Self::Loopback) => true,
            (Self::Name(_), _) | (_, Self::Name(_)) => !matches!(port, "80" | "443"),
        }
    }
}

fn is_local_name(name: &str) -> bool {
    let names = ["localhost", "localhost4", "localhost6", "ip6-localhost", "ip6-loopback"];
    names.contains(&name) || name.ends_with(".localhost") || name.starts_with("localhost.")
}

/// The forms of `inet_aton`, which a resolver accepts: `127.1`, `0x7f000001`, `017700000001`.
fn old_ipv4(text: &str) -> Option<Ipv4Addr> {
    let parts: Vec<u32> = text.split('.').map(old_number).collect::<Option<_>>()?;
    let (last, heads) = parts.split_last()?;
    let room = 8 * (4_u32.checked_sub(u32::try_from(heads.len()).ok()?)?);
    if room == 0 || heads.iter().any(|head| *head > 255) || u64::from(*last) >> room != 0 {
        return None;
    }
    let high = heads.iter().zip([24, 16, 8]).fold(0, |sum, (head, shift)| sum | (head << shift));
    Some(Ipv4Addr::from(high | last))
}

fn old_number(text: &str) -> Option<u32> {
    match text.strip_prefix("0x") {
        Some(hex) => u32::from_str_radix(hex, 16).ok(),
        None if text.len() > 1 && text.starts_with('0') => u32::from_str_radix(text, 8).ok(),
        None => text.parse().ok(),
    }
}

/// A host and its port; an IPv6 address stands in brackets.
fn split_port(text: &str) -> (&str, Option<&str>) {
    let after_brackets = text.rfind(']').map_or(0, |end| end + 1);
    match text.get(after_brackets..).and_then(|rest| rest.rfind(':')) {
        Some(at) => {
            let (host, port) = text.split_at(after_brackets + at);
            (host, port.strip_prefix(':'))
        }
        None => (text, None),
    }
}

/// Which folder a relative path begins in is not known.
fn is_same_socket(one: &str, other: &str) -> bool {
    let name = |path: &str| path.rsplit_once('/').map_or(path, |(_, name)| name).to_owned();
    one == other || (!(one.starts_with('/') && other.starts_with('/')) && name(one) == name(other))
}

fn plain_path(path: &str) -> String {
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    // On every Linux the first is a link to the second.
    if path.starts_with('/') && parts.starts_with(&["var", "run"]) {
        parts.remove(0);
    }
    if path.starts_with('/') { format!("/{}", parts.join("/")) } else { parts.join("/") }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn same(one: &str, other: &str) -> bool {
        ProgramAddress::parse(one, "80", true).may_be(&ProgramAddress::parse(other, "80", true), true)
    }

    #[test]
    fn one_program_has_many_addresses() {
        for (one, other) in [
            ("127.0.0.1:8000", "localhost:8000"),
            ("127.0.0.1:8000", "LOCALHOST.:08000"),
            ("127.0.0.1:8000", "[::1]:8000"),
            ("127.0.0.1:8000", "[::ffff:127.0.0.2]:8000"),
            ("127.0.0.1:8000", "0.0.0.0:8000"),
            ("127.0.0.1:8000", "127.1:8000"),
            ("127.0.0.1:8000", "0x7f.1:8000"),
            ("127.0.0.1:8000", "2130706433:8000"),
            ("127.0.0.1:8000", "10.0.0.5:8000"),
            ("10.0.0.5", "10.0.0.5:80"),
            ("app:8000", "127.0.0.1:8000"),
            ("app:8000", "app.internal:8000"),
            ("unix:/run/a.sock", "unix:/run//x/.././a.sock"),
            ("unix:/run/a.sock", "UNIX:/var/run/a.sock"),
            ("unix:/run/a.sock", "unix:a.sock"),
            ("unix:x/a.sock", "unix:../a.sock"),
        ] {
            assert!(same(one, other) && same(other, one), "{one} {other}");
        }
    }

    #[test]
    fn programs_that_differ_are_told_apart() {
        for (one, other) in [
            ("127.0.0.1:8000", "127.0.0.1:8001"),
            ("10.0.0.5:80", "10.0.0.6:80"),
            ("app:80", "other:80"),
            ("app:443", "10.0.0.6:443"),
            ("app:80", "app2:80"),
            ("unix:/run/a", "unix:/run/b"),
            ("unix:/run/a", "unix:b"),
            ("unix:/run/a", "127.0.0.1:80"),
        ] {
            assert!(!same(one, other), "{one} {other}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_an_address_without_panic(text: String, other in "[0-9a-fx.:\\[\\]]{0,12}") {
            prop_assert!(same(&text, &text));
            let _any = same(&text, &other);
        }
    }
}
