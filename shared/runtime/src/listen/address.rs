//! The addresses that a program listens on.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

/// An address to listen on: `unix:PATH` or `tcp:IP:PORT`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// A Unix socket, by its absolute path.
    Unix(PathBuf),
    /// A TCP address; port 0 lets the system choose.
    Tcp(SocketAddr),
}

/// The text is not an address to listen on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be unix:/absolute/path or tcp:IP:PORT, such as tcp:127.0.0.1:8002")]
pub struct NotAnAddress;

impl FromStr for Address {
    type Err = NotAnAddress;

    fn from_str(text: &str) -> Result<Self, NotAnAddress> {
        match text.split_once(':') {
            Some(("unix", path)) if path.starts_with('/') && !path.contains('\0') => {
                Ok(Self::Unix(path.into()))
            }
            Some(("tcp", rest)) => rest.parse().map(Self::Tcp).map_err(|_| NotAnAddress),
            _ => Err(NotAnAddress),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Tcp(address) => write!(f, "tcp:{address}"),
        }
    }
}

/// One or more addresses, separated by commas.
///
/// # Errors
///
/// If any of them is not an address.
pub fn list(text: &str) -> Result<Vec<Address>, NotAnAddress> {
    text.split(',').map(|part| part.trim().parse()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn both_kinds_are_read() {
        let both = list("unix:/run/introspect/auth.sock, tcp:[::1]:8002").unwrap();
        assert_eq!(both[0], Address::Unix("/run/introspect/auth.sock".into()));
        assert_eq!(both[1], Address::Tcp("[::1]:8002".parse().unwrap()));
    }

    #[test]
    fn anything_else_is_refused() {
        for bad in ["", ",", "unix:", "unix:auth.sock", "tcp:", "tcp:127.0.0.1", "tcp:localhost", "8002"] {
            assert!(list(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn an_address_survives_its_text(text in "(unix:/|tcp:127.0.0.1:)[0-9a-z/]{0,8}") {
            if let Ok(address) = text.parse::<Address>() {
                prop_assert_eq!(address.to_string().parse::<Address>().unwrap(), address);
            }
        }
    }
}
