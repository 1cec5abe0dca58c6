//! Over a network the token is sent in clear text, and another machine that gets that address can answer 204.

use crate::finding::{Problems, Rule, Severity};
use crate::site::Site;
use crate::target::is_local;

pub(crate) const RULE: Rule = Rule {
    name: "auth-address",
    severity: Severity::Error,
    finds: "a sidecar on another machine without TLS",
    risk: "Anyone on the network between can read tokens, and a machine that takes over the address can let every client in.",
    remedy: "Use a Unix socket, or an address of this machine such as 127.0.0.1:8002.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    for auth_location in site.auth_locations() {
        let Some(target) = auth_location.target().filter(|target| target.scheme == "http") else { continue };
        let servers: Vec<_> = match site.upstream_of(auth_location) {
            Some(upstream) => upstream.named("server").map(|server| (server.at, server.arg(0))).collect(),
            None => vec![(auth_location.at(), target.authority)],
        };
        for (at, address) in
            servers.into_iter().filter(|(_, address)| !address.contains('$') && !is_local(address))
        {
            found.add(at, format!("nginx asks the sidecar at {address}, over a network and without TLS."));
        }
    }
}
