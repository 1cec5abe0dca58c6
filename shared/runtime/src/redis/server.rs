//! One Redis server: how its URL is read, and how a client of it is made.

use redis::io::tcp::TcpSettings;
use redis::{Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo as _, RedisError, TlsCertificates};

const URL_FORM: &str =
    "must be redis://[user:password@]host[:port][/database], the same with rediss: for TLS, or unix:/path";

/// Reads a URL. Nagle's algorithm is off: a revocation must not wait for an acknowledgement.
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
    Ok(server.set_tcp_settings(TcpSettings::default().set_nodelay(true)))
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
