//! An IPv6 client has a whole /64 of addresses, so that a limit for each address limits nothing.

use crate::finding::{Problems, Rule, Severity};
use crate::site::Site;
use crate::variables::names;

pub(crate) const RULE: Rule = Rule {
    name: "limit-by-address",
    severity: Severity::Warning,
    finds: "a limit for each address, of which an IPv6 client has any number",
    risk: "A client with IPv6 takes a new address for each request, and is not limited.",
    remedy: "Use `$client_network` of conf.d/limits.conf as the key.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    for http in site.http() {
        for zone in ["limit_req_zone", "limit_conn_zone"].into_iter().flat_map(|name| http.named(name)) {
            let is_address = |name: &&str| ["remote_addr", "binary_remote_addr"].contains(name);
            if names(zone.arg(0)).iter().any(is_address) {
                found.add(
                    zone.at,
                    format!(
                        "The key `{}` counts each address separately, and an IPv6 client has very many.",
                        zone.arg(0)
                    ),
                );
            }
        }
    }
}
