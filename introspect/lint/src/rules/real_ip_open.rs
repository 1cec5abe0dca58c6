//! `set_real_ip_from` with all addresses: a client chooses the
//! address that nginx has for it, in the limits and in the logs.

use crate::finding::{Problems, Rule, Severity};
use crate::site::Site;

pub(crate) const RULE: Rule = Rule {
    name: "real-ip-open",
    severity: Severity::Error,
    finds: "`set_real_ip_from` with all addresses, or half of them",
    risk: "A client writes another address into `X-Forwarded-For` for each request: no limit counts it, and logs name others.",
    remedy: "Set `set_real_ip_from` to the addresses of the proxies before nginx, and to no others.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    const NAME: &str = "set_real_ip_from";
    let outermost = site.http().flat_map(|http| http.named(NAME));
    let servers = site.servers().flat_map(|server| {
        server.scope.own(NAME).chain(server.scopes.iter().flat_map(|scope| scope.own(NAME)))
    });
    for trusted in outermost.chain(servers).filter(|trusted| is_everyone(trusted.arg(0))) {
        found.add(
            trusted.at,
            format!("nginx accepts the address that any client writes into a header ({}).", trusted.arg(0)),
        );
    }
}

/// Whether a network has all public addresses, or half of them: two halves are all.
fn is_everyone(network: &str) -> bool {
    match network.split_once('/') {
        Some((_, length)) => length.parse::<u8>().is_ok_and(|length| length <= 1),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_of_all_addresses_is_everyone_and_a_proxy_is_not() {
        for network in ["0.0.0.0/0", "::/0", "0.0.0.0/1", "128.0.0.0/1", "10.0.0.0/0"] {
            assert!(is_everyone(network), "{network}");
        }
        for network in ["127.0.0.1", "10.0.0.0/8", "::1", "unix:", "2000::/3", "0.0.0.0/x", ""] {
            assert!(!is_everyone(network), "{network}");
        }
    }
}
