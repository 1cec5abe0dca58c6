//! After one slow response of a sidecar, nginx would not ask it for ten seconds and refuse every request.

use crate::finding::{Problems, Rule, Severity};
use crate::site::Site;

pub(crate) const RULE: Rule = Rule {
    name: "upstream-max-fails",
    severity: Severity::Warning,
    risk: "After one failure nginx refuses every request for ten seconds.",
    remedy: "Add `max_fails=0` after the address.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    for upstream in site.auth_locations().filter_map(|auth_location| site.upstream_of(auth_location)) {
        for server in
            upstream.named("server").filter(|server| !server.args.iter().any(|word| word == "max_fails=0"))
        {
            found.add(
                server.at,
                format!("nginx does not use `{}` for ten seconds after one failure.", server.arg(0)),
            );
        }
    }
}
