//! Warns once if a proxy that is not trusted reports the addresses of clients: all clients then seem to have the address of
//! the proxy, in the log, in the login history and where guesses of passwords are counted.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::actor::FORWARDED_FOR;
use crate::config::TrustedProxies;
use crate::server::RequestHead;

/// Whether the warning was logged.
#[derive(Debug, Default)]
pub(super) struct ProxyWarning(AtomicBool);

impl ProxyWarning {
    /// Logs the warning if the request is the first that needs it.
    pub(super) fn check(&self, head: &RequestHead, trusted: &TrustedProxies) {
        if !is_proxy(head.peer) || trusted.contains(head.peer) || !head.headers.contains_key(FORWARDED_FOR) {
            return;
        }
        if self.0.swap(true, Ordering::Relaxed) {
            return;
        }
        let peer = head.peer.map_or_else(|| "unix".to_owned(), |peer| peer.to_canonical().to_string());
        tracing::warn!(
            peer,
            "Requests from a peer that is not a trusted proxy have X-Forwarded-For, so their clients seem to have the \
             address of this peer. If it is the gateway, add it to ADMIN_TRUSTED_PROXIES."
        );
    }
}

/// Whether a peer can be a proxy of this deployment: on this machine or in a private network. Anyone else could use up the
/// one warning.
fn is_proxy(peer: Option<IpAddr>) -> bool {
    match peer.map(|peer| peer.to_canonical()) {
        None => true,
        Some(IpAddr::V4(peer)) => peer.is_loopback() || peer.is_private() || peer.is_link_local(),
        Some(IpAddr::V6(peer)) => {
            peer.is_loopback() || peer.is_unique_local() || peer.is_unicast_link_local()
        }
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, Method};

    use super::*;

    /// Whether a request from `peer` is the first that needs the warning.
    fn warns(warning: &ProxyWarning, peer: Option<&str>, forwarded: bool, trusted: &str) -> bool {
        let mut headers = HeaderMap::new();
        if forwarded {
            headers.insert(FORWARDED_FOR, HeaderValue::from_static("198.51.100.1"));
        }
        let peer = peer.map(|peer| peer.parse().unwrap());
        let head =
            RequestHead { method: Method::GET, path: String::new(), query: String::new(), headers, peer };
        let trusted = match trusted {
            "" => TrustedProxies::default(),
            list => TrustedProxies::parse(list).unwrap(),
        };
        let before = warning.0.load(Ordering::Relaxed);
        warning.check(&head, &trusted);
        !before && warning.0.load(Ordering::Relaxed)
    }

    #[test]
    fn a_private_proxy_that_is_not_trusted_is_warned_of_once() {
        for (peer, trusted) in [
            (Some("172.30.77.2"), ""),
            (Some("127.0.0.1"), "10.0.0.0/8"),
            (Some("::ffff:10.1.2.3"), "unix"),
            (Some("fd00::1"), ""),
            (None, "127.0.0.1"),
        ] {
            let warning = ProxyWarning::default();
            assert!(warns(&warning, peer, true, trusted), "{peer:?}");
            assert!(!warns(&warning, peer, true, trusted), "{peer:?}");
        }
    }

    #[test]
    fn other_requests_do_not_use_the_warning_up() {
        for (peer, forwarded, trusted) in [
            (Some("10.0.0.1"), false, ""),
            (Some("10.0.0.1"), true, "10.0.0.0/8"),
            (Some("203.0.113.9"), true, ""),
            (Some("2001:db8::1"), true, ""),
            (None, true, "unix"),
        ] {
            assert!(!warns(&ProxyWarning::default(), peer, forwarded, trusted), "{peer:?}");
        }
    }
}
