//! A server without TLS that only this machine or a private network can reach gets its requests from a proxy. Without
//! `set_real_ip_from` all clients have the address of that proxy: they share one limit, and the logs do not distinguish
//! them.

use std::net::IpAddr;

use crate::finding::{Problems, Rule, Severity};
use crate::site::Site;
use crate::tree::Directive;

pub(crate) const RULE: Rule = Rule {
    name: "real-ip",
    severity: Severity::Warning,
    finds: "a server behind a proxy without `set_real_ip_from`",
    risk: "One client exhausts the limits of all, and logs do not show who sent a request.",
    remedy: "Set `set_real_ip_from` to the addresses of the proxy, `real_ip_header X-Forwarded-For;` and \
             `real_ip_recursive on;`, as examples/machine.conf does.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    for server in site.servers() {
        if server.scope.the("set_real_ip_from").is_some() {
            continue;
        }
        let is_plain = |listen: &&Directive| !listen.args.iter().any(|arg| arg == "ssl" || arg == "quic");
        let plain = server.scope.own("listen").filter(is_plain);
        for listen in plain.filter(|listen| is_behind_a_proxy(listen.arg(0))) {
            found.add(
                listen.at,
                format!("All clients of `listen {}` have the address of the proxy before it.", listen.arg(0)),
            );
        }
    }
}

/// Whether only programs of this machine or of a private network can connect.
fn is_behind_a_proxy(listen: &str) -> bool {
    if listen.starts_with("unix:") || listen.split(':').next() == Some("localhost") {
        return true;
    }
    let host = match listen.strip_prefix('[') {
        Some(rest) => rest.split(']').next(),
        None => listen.split(':').next(),
    };
    match host.unwrap_or_default().parse::<IpAddr>().map(|address| address.to_canonical()) {
        Ok(IpAddr::V4(address)) => address.is_loopback() || address.is_private() || address.is_link_local(),
        Ok(IpAddr::V6(address)) => {
            address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local()
        }
        // A port alone: all addresses.
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_and_private_addresses_are_behind_a_proxy() {
        for listen in [
            "127.0.0.1:8080",
            "127.0.0.1",
            "localhost:80",
            "[::1]:80",
            "10.0.0.5:80",
            "192.168.1.1",
            "[fd00::1]:80",
            "[::ffff:10.0.0.1]:80",
            "unix:/run/nginx.sock",
        ] {
            assert!(is_behind_a_proxy(listen), "{listen}");
        }
        for listen in ["80", "*:80", "0.0.0.0:80", "[::]:80", "203.0.113.1:443", "[2001:db8::1]:80", ""] {
            assert!(!is_behind_a_proxy(listen), "{listen}");
        }
    }
}
