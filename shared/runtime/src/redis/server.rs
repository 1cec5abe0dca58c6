//! One Redis server: how its URL is read, and how a client of it is made.

use std::time::Duration;

use redis::io::tcp::TcpSettings;
use redis::io::tcp::socket2::TcpKeepalive;
use redis::{Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo as _, RedisError, TlsCertificates};

/// A connection that has been silent for this long is probed.
const SILENCE: Duration = Duration::from_secs(5);
/// The time between two probes.
const PROBE_PAUSE: Duration = Duration::from_secs(1);
/// The number of unanswered probes after which the connection is closed.
const PROBES: u32 = 3;
/// If sent bytes are not acknowledged for this long, the connection is closed.
const UNACKNOWLEDGED: Duration = Duration::from_secs(5);

const URL_FORM: &str =
    "must be redis://[user:password@]host[:port][/database], the same with rediss: for TLS, or unix:/path";

/// Reads a URL.
///
/// # Errors
///
/// If it is not a URL of Redis, or turns the verification of certificates off.
pub(super) fn parse(url: &str) -> Result<ConnectionInfo, &'static str> {
    let server = url.into_connection_info().map_err(|_| URL_FORM)?;
    if matches!(server.addr(), ConnectionAddr::TcpTls { insecure: true, .. }) {
        return Err("must not have #insecure, because certificates are always verified; \
                    set REDIS_TLS_CA to the certificate of your own authority");
    }
    Ok(server.set_tcp_settings(tcp_settings()))
}

/// Every connection to Redis: no delay, and one to a machine that has vanished is closed within seconds. A subscription
/// would otherwise never notice, because nothing is ever sent on it.
pub(super) fn tcp_settings() -> TcpSettings {
    let probes = TcpKeepalive::new().with_time(SILENCE).with_interval(PROBE_PAUSE).with_retries(PROBES);
    TcpSettings::default().set_nodelay(true).set_keepalive(probes).set_user_timeout(UNACKNOWLEDGED)
}

/// Whether connections to it use TLS.
pub(super) fn uses_tls(server: &ConnectionInfo) -> bool {
    matches!(server.addr(), ConnectionAddr::TcpTls { .. })
}

/// A client, not connected yet. With TLS, `ca` replaces the system trust store.
pub(super) fn open(server: ConnectionInfo, ca: Option<&Vec<u8>>) -> Result<Client, RedisError> {
    match ca {
        Some(ca) if uses_tls(&server) => {
            Client::build_with_tls(server, TlsCertificates { client_tls: None, root_cert: Some(ca.clone()) })
        }
        _ => Client::open(server),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_whose_end_is_gone_is_probed() {
        let server = parse("redis://127.0.0.1:1").unwrap();
        let settings = server.tcp_settings();
        assert!(settings.nodelay() && settings.keepalive().is_some());
        assert_eq!(settings.user_timeout(), Some(UNACKNOWLEDGED));
    }
}
