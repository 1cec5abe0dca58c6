//! A connection ends after this many requests; with the default, 1000, it lasts a fraction of a second.

use crate::finding::{Problems, Rule, Severity};
use crate::site::Site;

pub(crate) const RULE: Rule = Rule {
    name: "upstream-keepalive-requests",
    severity: Severity::Warning,
    finds: "fewer than 10,000 requests on each connection",
    risk: "A connection to the sidecar lasts only seconds under load.",
    remedy: "Set `keepalive_requests 1000000;`, as snippets/pool.conf does.",
    check,
};

/// Enough that the cost of a new connection does not matter.
const LEAST: u64 = 10_000;

fn check(site: &Site<'_>, found: &mut Problems) {
    for upstream in site.auth_locations().filter_map(|auth_location| site.upstream_of(auth_location)) {
        let Some(keepalive) = upstream.named("keepalive").next() else { continue };
        let requests = upstream.named("keepalive_requests").last();
        let allowed = requests.map_or(Some(1000), |requests| requests.arg(0).parse::<u64>().ok());
        if allowed.is_none_or(|allowed| allowed < LEAST) {
            found.add(
                requests.unwrap_or(keepalive).at,
                format!("nginx closes each connection of `{}` after too few requests.", upstream.arg(0)),
            );
        }
    }
}
