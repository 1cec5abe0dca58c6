//! Without a pool, nginx before 1.29.7 opens a connection for each subrequest: half as many requests a second.

use crate::finding::{Problems, Rule, Severity};
use crate::site::Site;

pub(crate) const RULE: Rule = Rule {
    name: "upstream-keepalive",
    severity: Severity::Warning,
    finds: "no pool of connections to the sidecar",
    risk: "Each request costs a new connection to the sidecar.",
    remedy: "Include snippets/pool.conf in an `upstream`, after its servers.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    for auth_location in site.auth_locations().filter(|auth_location| auth_location.target().is_some()) {
        match site.upstream_of(auth_location) {
            None => found.add(
                auth_location.at(),
                format!("`{}` has no `upstream`, so no connections are kept open.", auth_location.label()),
            ),
            Some(upstream) if upstream.named("keepalive").next().is_none() => {
                found.add(upstream.at, format!("`{}` does not keep connections open.", upstream.arg(0)));
            }
            Some(_) => {}
        }
    }
}
