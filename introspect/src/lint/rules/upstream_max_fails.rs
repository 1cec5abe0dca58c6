//! One pause of a sidecar, and nginx would not ask it for ten seconds: everybody would be refused.

use crate::lint::finding::{Problems, Rule, Severity};
use crate::lint::site::Site;

pub(super) const RULE: Rule = Rule {
    name: "upstream-max-fails",
    severity: Severity::Warning,
    remedy: "Put `max_fails=0` behind the address.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    for upstream in site.askers().filter_map(|asker| site.upstream_of(asker)) {
        for server in
            upstream.named("server").filter(|server| !server.args.iter().any(|word| word == "max_fails=0"))
        {
            found.add(server.at, format!("`{}` is given up after one failure.", server.arg(0)));
        }
    }
}
